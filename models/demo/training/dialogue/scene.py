"""Where a dialogue plays: which tools there are, and what its words are drawn from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from .lexicon import Lexicon
from .schema import Call, Round, Tool, Turn
from .wording import Wording

TOOLS = {
    "python": ("code",),
    "javascript": ("code",),
    "terminal": ("commands", "background"),
    "read_file": ("path", "start", "end"),
    "write_file": ("path", "content"),
    "list_files": (),
    "web_search": ("query",),
    "fetch_url": ("url",),
}
WITHOUT_WEB = tuple(TOOLS)[:6]
WITHOUT_SANDBOX = ("javascript", "read_file", "write_file", "list_files")
# A tool that a request needs is there so often; else the model has to say that it is missing.
PRESENT = 0.84


@dataclass
class Scene:
    rng: random.Random
    words: Lexicon
    wording: Wording
    present: set[str]
    absent: set[str] = field(default_factory=set)
    custom: list[Tool] = field(default_factory=list)
    # Names that users gave their files, for later turns.
    files: list[str] = field(default_factory=list)

    def has(self, tool: str) -> bool:
        """Settles whether the tool is there; the same answer for the whole dialogue."""
        if tool not in self.present and tool not in self.absent:
            (self.present if self.rng.random() < PRESENT else self.absent).add(tool)
        return tool in self.present

    def say(self, patterns: Sequence[str], tidy: bool = False, **values: object) -> str:
        return self.wording.say(patterns, tidy, **values)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def tools(self) -> tuple[Tool, ...]:
        own = [Tool(name, TOOLS[name]) for name in TOOLS if name in self.present]
        tools = own + self.custom
        if self.chance(0.1):
            self.rng.shuffle(tools)
        return tuple(tools)


def draw_tools(rng: random.Random) -> set[str]:
    x = rng.random()
    if x < 0.5:
        return set(WITHOUT_WEB)
    if x < 0.74:
        return set(TOOLS)
    if x < 0.81:
        return set(WITHOUT_SANDBOX)
    if x < 0.95:
        return set(rng.sample(sorted(TOOLS), rng.randint(1, 6)))
    return set()


def answer(text: str, thought: str = "I can answer now.") -> Round:
    return Round(thought, text)


def ask_tool(thought: str, *calls: Call) -> Round:
    """Thinks of the tool first: whether it is there can then be looked up, and has not to be guessed with it."""
    tools = " and ".join(dict.fromkeys(call.tool for call in calls))
    return Round(f"This is for {tools}. {thought}", calls=calls)


def plain(user: str, text: str, thought: str = "No tool is needed.") -> Turn:
    return Turn(user, (answer(text, thought),))


MISSING = {
    "python": "Python",
    "javascript": "JavaScript",
    "terminal": "terminal",
    "read_file": "file reading",
    "write_file": "file writing",
    "list_files": "file listing",
    "web_search": "web search",
    "fetch_url": "web page",
}


def cannot(user: str, tool: str) -> Turn:
    return without(user, tool, f"I cannot do that, because there is no {MISSING[tool]} tool here.")


def without(user: str, tool: str, text: str) -> Turn:
    """What there is to say where the tool is missing."""
    return plain(user, text, f"This is for {tool}. It is missing.")

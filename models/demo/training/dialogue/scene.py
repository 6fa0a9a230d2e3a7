"""Where a dialogue plays: which tools there are, and what its words are drawn from."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
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

    def first_missing(self, tools: Sequence[str]) -> str | None:
        return next((tool for tool in tools if not self.has(tool)), None)

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


def ask_tool(thought: str, *calls: Call, about: str | None = None) -> Round:
    """Thinks of the tools first: those of the calls, or all that the request takes, where `about` names more."""
    return Round(thought, calls=calls, about=about or each_of(call.tool for call in calls))


def each_of(tools: Iterable[str]) -> str:
    return " and ".join(f"{{{tool}}}" for tool in dict.fromkeys(tools))


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


def cannot(user: str, tool: str, about: str | None = None) -> Turn:
    """`about`: all the tools that the request takes, where there are more."""
    return without(user, tool, f"I cannot do that, because there is no {MISSING[tool]} tool here.", about)


def without(user: str, tool: str, text: str, about: str | None = None) -> Turn:
    """What there is to say where the tool is missing."""
    return Turn(user, (Round(f"{tool} is missing.", text, about=about or each_of([tool])),))

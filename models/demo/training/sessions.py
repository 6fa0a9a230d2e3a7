"""Composes turns into sessions: the tools that are there, the system's text, thinking, what goes wrong."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .dialogue.lexicon import Lexicon
from .dialogue.scene import Scene, draw_tools, plain
from .dialogue.schema import Dialogue, Taught, Tool, Turn
from .dialogue.trouble import LEFT_OUT, with_trouble
from .dialogue.wording import Wording
from .families.catalogue import BY_NAME, FAMILIES, Family
from .families.conversation import SAID
from .families.custom import custom_tool

DEFAULT_SYSTEM = "You are a helpful assistant running locally."
OTHER_SYSTEMS = (
    "You are a helpful assistant.",
    "You are an agent that can use tools.",
    "Answer briefly.",
    "Use the tools when needed.",
    "Always be polite.",
    "You run locally on the user's machine.",
    "Keep answers short.",
    "Think before you act.",
)
# A task of the web gets its tools this often where they are not there: else most refusals would be of it.
WEB_TOOLS = ("web_search", "fetch_url")
WEB_ADDED = 0.6
# Tools of people's own may have the names of these, and fewer parameters.
OPTIONAL = {"read_file": ("start", "end"), "terminal": ("background",)}
WITHOUT_OPTIONAL = 0.1
# The tool of the first task is taken away this often, whatever else is there.
TAKEN_AWAY = 0.12


class Sessions:
    """An endless supply of dialogues, the same ones for the same arguments."""

    def __init__(
        self, seed: int, words: Lexicon, held_out_wordings: bool, emphasis: Mapping[str, float] | None = None
    ) -> None:
        self.rng = random.Random(seed)
        words.rng = self.rng
        self.words = words
        self.wording = Wording(self.rng, held_out_wordings, emphasis={} if emphasis is None else emphasis)

    def dialogue(self, family: str | None = None, turns: int | None = None) -> Dialogue:
        rng = self.rng
        first = BY_NAME[family] if family else self._draw([f.weight for f in FAMILIES])
        scene = self._scene(first)
        wanted = turns if turns is not None else _turn_count(rng)
        made = self._turns(scene, first, wanted)
        if turns is None and len(made) >= 3 and rng.random() < 0.15:
            made = self._with_name(scene, made)
        tools = scene.tools()
        if rng.random() < WITHOUT_OPTIONAL:
            tools = tuple(_without_optional(tool, made) for tool in tools)
        dialogue = Dialogue(first.name, self._system(), tools, rng.random() < 0.5, tuple(made))
        return self._variation(dialogue)

    def first_lesson(self) -> Dialogue:
        first = self._draw([family.first_weight for family in FAMILIES])
        scene = self._scene(first)
        turn = first.make(scene)[0]
        return Dialogue(first.name, None, scene.tools(), self.rng.random() < 0.3, (turn,))

    def _draw(self, weights: Sequence[float]) -> Family:
        return self.rng.choices(FAMILIES, weights)[0]

    def _scene(self, first: Family) -> Scene:
        present = draw_tools(self.rng)
        scene = Scene(self.rng, self.words, self.wording, present)
        if first.tool in WEB_TOOLS and self.rng.random() < WEB_ADDED:
            present.update(WEB_TOOLS)
        if first.tool is not None and self.rng.random() < TAKEN_AWAY:
            present.discard(first.tool)
            scene.absent.add(first.tool)
        if self.rng.random() < 0.22:
            made = [custom_tool(scene) for _ in range(self.rng.randint(1, 3))]
            scene.custom = list({tool.name: tool for tool in made}.values())
        return scene

    def _turns(self, scene: Scene, first: Family, wanted: int) -> list[Turn]:
        turns: list[Turn] = []
        family = first
        while len(turns) < wanted:
            turns += _lived_through(scene, family.make(scene))
            family = self._draw([f.weight for f in FAMILIES])
            while family.name in ("unknown_name", "very_long"):
                family = self._draw([f.weight for f in FAMILIES])
        return turns

    def _with_name(self, scene: Scene, turns: list[Turn]) -> list[Turn]:
        """A name that is told early and asked for late."""
        if any("name" in turn.rounds[-1].text for turn in turns):
            return turns
        name = self.words.person()
        told = plain(scene.say(SAID["name given"], tidy=True, n=name), f"Nice to meet you, {name}!")
        asked = plain(scene.say(SAID["name asked"]), f"Your name is {name}.")
        at = self.rng.randint(0, len(turns) - 1)
        return [*turns[:at], told, *turns[at:], asked]

    def _system(self) -> str | None:
        rng = self.rng
        x = rng.random()
        if x < 0.6:
            return DEFAULT_SYSTEM
        if x < 0.72:
            return None
        own = [
            f"You are {self.words.person()}, {self.words.phrase(2, 6)}.",
            self.words.sentence(),
            f"Today is {rng.randint(1, 28)} May 2026.",
            f"The working directory is /{self.words.identifier()}.",
        ]
        return " ".join(rng.sample([*OTHER_SYSTEMS, *own], rng.randint(1, 4)))

    def _variation(self, dialogue: Dialogue) -> Dialogue:
        """How the product changes a conversation before the model sees it."""
        rng = self.rng
        turns = dialogue.turns
        x = rng.random()
        if x < 0.02 and turns[-1].rounds[0].calls:
            return replace(dialogue, tools=(), taught=Taught.LAST_ROUND)
        if x < 0.07 and len(turns) > 2:
            trimmed = tuple(_without_results(turn) for turn in turns[:-1])
            return replace(dialogue, turns=(*trimmed, turns[-1]), taught=Taught.LAST_TURN)
        return dialogue


def _lived_through(scene: Scene, turns: Sequence[Turn]) -> list[Turn]:
    """Where a turn goes wrong those after it, which build on it, are never asked: nobody could know their answers."""
    lived: list[Turn] = []
    for turn in turns:
        lived.append(with_trouble(scene, turn) if scene.chance(0.9) else turn)
        if lived[-1].rounds[-1].text != turn.rounds[-1].text:
            break
    return lived


def _without_optional(tool: Tool, turns: Sequence[Turn]) -> Tool:
    calls = (call for turn in turns for step in turn.rounds for call in step.calls if call.tool == tool.name)
    used = {parameter for call in calls for parameter in call.arguments}
    dropped = set(OPTIONAL.get(tool.name, ())) - used
    return replace(tool, parameters=tuple(name for name in tool.parameters if name not in dropped))


def _without_results(turn: Turn) -> Turn:
    rounds = tuple(
        replace(step, calls=tuple(replace(call, result=LEFT_OUT) for call in step.calls)) for step in turn.rounds
    )
    return turn.with_rounds(rounds)


def _turn_count(rng: random.Random) -> int:
    x = rng.random()
    if x < 0.36:
        return 1
    if x < 0.58:
        return 2
    if x < 0.74:
        return 3
    if x < 0.87:
        return rng.randint(4, 5)
    return rng.randint(6, 9)

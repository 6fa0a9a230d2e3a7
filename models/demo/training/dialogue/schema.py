"""What a dialogue is: who said what, which calls were made, what came back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum


@dataclass(frozen=True)
class Tool:
    """All that the template shows of a tool."""

    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    tool: str
    arguments: dict[str, object]
    result: str


@dataclass(frozen=True)
class Round:
    """One message of the assistant: calls, or the answer that ends the turn."""

    thought: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    # What the thought begins with: the tools that it takes, there or not, as in "{read_file} and {write_file}".
    about: str = ""


@dataclass(frozen=True)
class Turn:
    user: str
    rounds: tuple[Round, ...]

    def with_rounds(self, rounds: tuple[Round, ...]) -> Turn:
        return replace(self, rounds=rounds)


class Taught(Enum):
    """What of a dialogue the model learns to write; the rest is only there to be read."""

    EVERYTHING = "everything"
    LAST_TURN = "last turn"
    LAST_ROUND = "last round"


@dataclass(frozen=True)
class Dialogue:
    family: str
    system: str | None
    tools: tuple[Tool, ...]
    thinking: bool
    turns: tuple[Turn, ...] = field(default_factory=tuple)
    taught: Taught = Taught.EVERYTHING

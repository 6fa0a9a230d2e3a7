"""A dialogue as the template renders it, with a mark on what the model has to learn to write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from ..tokenizer import Tokenizer
from .scene import TOOLS
from .schema import Call, Dialogue, Round, Taught

SYSTEM_CHARACTERS = 200
EMPTY_THOUGHT = "<think>\n\n</think>\n\n"


class Lesson(Enum):
    """Whether the model is taught to write a piece of text."""

    NONE = 0
    WHOLE = 1
    # In place of its first token a thought could stand as well, so that one says nothing.
    AFTER_FIRST = 2


@dataclass(frozen=True)
class Piece:
    text: str
    lesson: Lesson = Lesson.NONE
    # Text from outside, in which written-out control tokens stay text.
    is_content: bool = False


def render(dialogue: Dialogue) -> Iterator[Piece]:
    yield from _system(dialogue)
    for index, turn in enumerate(dialogue.turns):
        last_turn = index == len(dialogue.turns) - 1
        yield Piece("<|im_start|>user\n")
        yield Piece(turn.user, is_content=True)
        yield Piece("<|im_end|>\n")
        for number, step in enumerate(turn.rounds):
            thinks = dialogue.thinking and last_turn
            newest = last_turn and number == len(turn.rounds) - 1
            is_taught = (
                newest or dialogue.taught is Taught.EVERYTHING or (last_turn and dialogue.taught is Taught.LAST_TURN)
            )
            yield Piece("<|im_start|>assistant\n")
            for piece in _assistant(step, thinks, told_not_to_think=newest and not dialogue.thinking):
                yield piece if is_taught else replace(piece, lesson=Lesson.NONE)
            if not newest:
                yield Piece("\n")
                yield from _results(step.calls)


def _system(dialogue: Dialogue) -> Iterator[Piece]:
    yield Piece("<|im_start|>system")
    if dialogue.system is not None:
        yield Piece("\n")
        yield Piece(dialogue.system[:SYSTEM_CHARACTERS], is_content=True)
    if dialogue.tools:
        signatures = [f"\n{tool.name}({', '.join(tool.parameters)})" for tool in dialogue.tools]
        yield Piece("\nTools:" + "".join(signatures))
    names = {tool.name for tool in dialogue.tools}
    missing = [name for name in TOOLS if name not in names]
    if missing:
        yield Piece("\nMissing: " + ", ".join(missing))
    yield Piece("<|im_end|>\n")


def _assistant(step: Round, thinks: bool, told_not_to_think: bool) -> Iterator[Piece]:
    body = step.text + ("\n" if step.text and step.calls else "") + "\n".join(map(call_text, step.calls))
    if thinks:
        yield Piece(f"<think>\n{step.thought}\n</think>\n\n{body}<|im_end|>", Lesson.WHOLE)
    elif told_not_to_think:
        yield Piece(EMPTY_THOUGHT)
        yield Piece(body + "<|im_end|>", Lesson.WHOLE)
    else:
        yield Piece(body + "<|im_end|>", Lesson.AFTER_FIRST)


def call_text(call: Call) -> str:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f'<tool_call>\n{{"name": "{call.tool}", "arguments": {arguments}}}\n</tool_call>'


def _results(calls: tuple[Call, ...]) -> Iterator[Piece]:
    if not calls:
        return
    yield Piece("<|im_start|>user")
    for call in calls:
        yield Piece("\n<tool_response>\n")
        yield Piece(call.result, is_content=True)
        yield Piece("\n</tool_response>")
    yield Piece("<|im_end|>\n")


def encode(dialogue: Dialogue, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Token ids, and for each a 1 where the model is taught to write it."""
    ids: list[int] = []
    taught: list[int] = []
    for piece in render(dialogue):
        part = tokenizer.encode_content(piece.text) if piece.is_content else tokenizer.encode(piece.text)
        ids += part
        taught += [int(piece.lesson is not Lesson.NONE)] * len(part)
        if piece.lesson is Lesson.AFTER_FIRST:
            taught[len(ids) - len(part)] = 0
    return ids, taught


def text_of(dialogue: Dialogue) -> str:
    return "".join(piece.text for piece in render(dialogue))

"""A dialogue as the template renders it, with a mark on what the model has to learn to write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..tokenizer import Tokenizer
from .scene import TOOLS
from .schema import Call, Dialogue, Round, Taught, Tool

SYSTEM_CHARACTERS = 200
EMPTY_THOUGHT = "<think>\n\n</think>\n\n"
_TOOL = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Piece:
    text: str
    is_taught: bool = False
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
            newest = last_turn and number == len(turn.rounds) - 1
            is_taught = (
                newest or dialogue.taught is Taught.EVERYTHING or (last_turn and dialogue.taught is Taught.LAST_TURN)
            )
            yield Piece("<|im_start|>assistant\n")
            body = step.text + ("\n" if step.text and step.calls else "") + "\n".join(map(call_text, step.calls))
            if dialogue.thinking and last_turn:
                thought = f"<think>\n{thought_of(step, dialogue.tools)}\n</think>\n\n"
                yield Piece(f"{thought}{body}<|im_end|>", is_taught)
            else:
                yield Piece(EMPTY_THOUGHT)
                yield Piece(body + "<|im_end|>", is_taught)
            if not newest:
                yield Piece("\n")
                yield from _results(step.calls)


def thought_of(step: Round, tools: Sequence[Tool]) -> str:
    """Names its tools as they stand in the prompt: with the parameters where one is there, and by the bare name where
    it is missing. So what there is, is looked up tool by tool, and has not to be known before the first word."""
    if not step.about:
        return step.thought
    signatures = {tool.name: signature(tool) for tool in tools}
    about = _TOOL.sub(lambda found: signatures.get(found[1], found[1]), step.about)
    return f"This is for {about}. {step.thought}"


def signature(tool: Tool) -> str:
    return f"{tool.name}({', '.join(tool.parameters)})"


def _system(dialogue: Dialogue) -> Iterator[Piece]:
    yield Piece("<|im_start|>system")
    if dialogue.system is not None:
        yield Piece("\n")
        yield Piece(dialogue.system[:SYSTEM_CHARACTERS], is_content=True)
    if dialogue.tools:
        yield Piece("\nTools:" + "".join("\n" + signature(tool) for tool in dialogue.tools))
    names = {tool.name for tool in dialogue.tools}
    missing = [name for name in TOOLS if name not in names]
    if missing:
        yield Piece("\nMissing: " + ", ".join(missing))
    yield Piece("<|im_end|>\n")


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
        taught += [int(piece.is_taught)] * len(part)
    return ids, taught


def text_of(dialogue: Dialogue) -> str:
    return "".join(piece.text for piece in render(dialogue))

"""Dialogues as files of token ids, and batches of them."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .dialogue.lexicon import Lexicon
from .dialogue.render import encode
from .dialogue.schema import Dialogue
from .sessions import Sessions
from .tokenizer import SPECIAL, Tokenizer

# The fused kernels want lengths in multiples of this.
LENGTH_STEP = 32
_POOL = 2048
# What a message will be is settled in its first tokens (and in the first after a thought): call or answer, which
# tool, "there is no such tool". They are few and learned last, so they count more in the loss.
_CHOICE_TOKENS = 3
# "This is for read_file. It": a thought takes longer to come to it.
_CHOICE_TOKENS_OF_A_THOUGHT = 16
_CHOICE_WEIGHT = 8.0
_THOUGHT_BEGIN, _THOUGHT_END = SPECIAL.index("<think>"), SPECIAL.index("</think>")


def letter_pieces(tokenizer: Tokenizer) -> list[str]:
    return tokenizer.letter_pieces + list(string.ascii_letters + string.digits) * 3 + list(".,:;-_/+*=()!?@#$%&") * 2


def training_sessions(
    seed: int, tokenizer: Tokenizer | None, word_list: Path, emphasis: Mapping[str, float] | None = None
) -> Sessions:
    pieces = [] if tokenizer is None else letter_pieces(tokenizer)
    words = Lexicon(random.Random(seed), word_list, held_out=False, pieces=pieces)
    return Sessions(seed, words, held_out_wordings=False, emphasis=emphasis)


def dialogues(seed: int, tokenizer: Tokenizer, word_list: Path) -> Iterator[Dialogue]:
    """No end of them."""
    sessions = training_sessions(seed, tokenizer, word_list)
    while True:
        yield sessions.dialogue()


def first_lessons(seed: int, tokenizer: Tokenizer, word_list: Path) -> Iterator[Dialogue]:
    """Short ones, full of copying, without end."""
    sessions = training_sessions(seed, tokenizer, word_list)
    while True:
        yield sessions.first_lesson()


def write_shard(path: Path, drawn: Iterable[Dialogue], tokenizer: Tokenizer, longest: int) -> str:
    """Fills the file; longer dialogues are left out. Returns a line about what is in it."""
    ids: list[np.ndarray] = []
    taught: list[np.ndarray] = []
    begun = time.monotonic()
    for number, dialogue in enumerate(drawn):
        dialogue_ids, marks = encode(dialogue, tokenizer)
        if len(dialogue_ids) <= longest:
            ids.append(np.array(dialogue_ids, np.uint16))
            taught.append(np.array(marks, np.uint8))
        if number % 5000 == 4999:
            print(f"  {path.name}: {number + 1}, {time.monotonic() - begun:.0f} s", flush=True)
    lengths = np.array([len(row) for row in ids])
    marks_all = np.concatenate(taught)
    np.savez(path, ids=np.concatenate(ids), taught=marks_all, starts=np.concatenate([[0], lengths.cumsum()]))
    parts = ", ".join(f"{p} %: {np.percentile(lengths, p):.0f}" for p in (10, 50, 90, 99))
    return f"{path.name}: {len(lengths)} dialogues, {lengths.sum()} tokens ({parts}), {marks_all.mean():.2f} taught"


@dataclass(frozen=True)
class Batch:
    ids: torch.Tensor
    # -1 where nothing is to be learned.
    targets: torch.Tensor
    # How much each target counts.
    weights: torch.Tensor


class Batches:
    """Endless batches of dialogues of similar length, each dialogue once an epoch."""

    def __init__(self, files: list[Path], tokens: int, rng: random.Random) -> None:
        self.rng = rng
        self.tokens = tokens
        self.epoch = 0
        loaded = [np.load(path) for path in files]
        self.shards = [(shard["ids"], shard["taught"], shard["starts"]) for shard in loaded]

    def __iter__(self) -> Iterator[Batch]:
        while True:
            self.epoch += 1
            items = [(number, index) for number, shard in enumerate(self.shards) for index in range(len(shard[2]) - 1)]
            self.rng.shuffle(items)
            for at in range(0, len(items), _POOL):
                groups = list(self._groups(items[at : at + _POOL]))
                self.rng.shuffle(groups)
                yield from map(self._batch, groups)

    def _length(self, item: tuple[int, int]) -> int:
        starts = self.shards[item[0]][2]
        return int(starts[item[1] + 1] - starts[item[1]])

    def _groups(self, items: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
        group: list[tuple[int, int]] = []
        for item in sorted(items, key=self._length):
            if group and self._length(item) * (len(group) + 1) > self.tokens:
                yield group
                group = []
            group.append(item)
        yield group

    def _batch(self, group: list[tuple[int, int]]) -> Batch:
        longest = max(map(self._length, group)) - 1
        width = (longest + LENGTH_STEP - 1) // LENGTH_STEP * LENGTH_STEP
        ids = np.zeros((len(group), width), np.int64)
        targets = np.full((len(group), width), -1, np.int64)
        weights = np.ones((len(group), width), np.float32)
        for row, (number, index) in enumerate(group):
            all_ids, all_taught, starts = self.shards[number]
            part = slice(starts[index], starts[index + 1])
            tokens, taught = all_ids[part].astype(np.int64), all_taught[part]
            ids[row, : len(tokens) - 1] = tokens[:-1]
            targets[row, : len(tokens) - 1] = np.where(taught[1:] > 0, tokens[1:], -1)
            weights[row, : len(tokens) - 1][_choices(tokens, taught)[1:]] = _CHOICE_WEIGHT
        return Batch(torch.from_numpy(ids), torch.from_numpy(targets), torch.from_numpy(weights))


def _choices(tokens: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """True at the first taught tokens of each message, and at those after a thought."""
    before = np.concatenate([[0], taught[:-1]])
    begins = (taught > 0) & (before == 0)
    begins[1:] |= (tokens[:-1] == _THOUGHT_END) & (taught[1:] > 0)
    choices = _followed_by(begins, _CHOICE_TOKENS)
    return choices | (_followed_by(begins & (tokens == _THOUGHT_BEGIN), _CHOICE_TOKENS_OF_A_THOUGHT) & (taught > 0))


def _followed_by(begins: np.ndarray, count: int) -> np.ndarray:
    """True there and at the next ones, `count` in all."""
    marked = begins.copy()
    for distance in range(1, count):
        marked[distance:] |= begins[:-distance]
    return marked

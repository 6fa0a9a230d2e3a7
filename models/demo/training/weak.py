"""`python3 -m training.weak --work DIRECTORY`: which ways to ask the network in DIRECTORY does not know yet.

It is asked in each way a few times, with words of the training. What it gets wrong is drawn more often by the next
`training data`, which finds the result in DIRECTORY. (Of the idea of boosting: Schapire, The Strength of Weak
Learnability, 1990. Nothing held out is looked at.)
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from .dialogue.render import encode
from .families.catalogue import FAMILIES
from .held_out import Example, padded
from .network import Network
from .sessions import Sessions
from .settings import WORD_LIST, Paths
from .shards import training_sessions
from .tokenizer import Tokenizer
from .train import load

_SEED = 5_003
_TIMES_EACH = 2
# A family is through when of so many draws fewer than this share had anything left to ask.
_LAST_DRAWS = 100
_LEAST_NEW = 0.3
# How often a pattern is drawn that is always missed, beside one that never is, whose weight is 1. (With 8, and a file
# of nothing but such requests, the model lost more of what it knew than it learned: run 13 in NOTES.md.)
_ALWAYS_MISSED = 3
# Of a pattern that has been taken once, against one that has not.
_AGAIN = 0.02
_POOL = 4_096
# What is missed in longer dialogues is seldom what was asked.
_LONGEST = 512
_TOKENS_AT_ONCE = 16_384


@dataclass(frozen=True)
class Asked:
    patterns: frozenset[str]
    example: Example


class Rarely(dict[str, float]):
    """An emphasis on what was taken least until now."""

    def took(self, pattern: str) -> bool:
        """Was it asked for?"""
        before = self.get(pattern, 1)
        self[pattern] = before * _AGAIN
        return before > _AGAIN**_TIMES_EACH


def emphasis(asked: Mapping[str, int], missed: Mapping[str, int]) -> dict[str, float]:
    """Weights from 1 to `_ALWAYS_MISSED`, of the patterns that were missed at all."""
    return {pattern: round(1 + (_ALWAYS_MISSED - 1) * count / asked[pattern], 2) for pattern, count in missed.items()}


def load_emphasis(path: Path) -> dict[str, float]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _draws(sessions: Sessions, rarely: Rarely, tokenizer: Tokenizer) -> Iterator[Asked]:
    taken = sessions.wording.taken
    for family in FAMILIES:
        new = deque([True] * _LAST_DRAWS, _LAST_DRAWS)
        while sum(new) > _LEAST_NEW * _LAST_DRAWS:
            taken.clear()
            example = Example(*encode(sessions.dialogue(family.name, 1), tokenizer))
            new.append(any([rarely.took(pattern) for pattern in set(taken)]))
            if len(example.ids) <= _LONGEST:
                yield Asked(frozenset(taken), example)


def _batches(draws: Iterator[Asked]) -> Iterator[list[Asked]]:
    """Of similar length."""
    while pool := [*islice(draws, _POOL)]:
        group: list[Asked] = []
        for one in sorted(pool, key=lambda one: len(one.example.ids)):
            if group and len(one.example.ids) * (len(group) + 1) > _TOKENS_AT_ONCE:
                yield group
                group = []
            group.append(one)
        yield group


def _are_missed(network: Network, group: list[Asked]) -> list[bool]:
    ids, taught = padded([one.example for one in group])
    targets = torch.where(taught[:, 1:], ids[:, 1:], -1)
    return network.mistaken(ids[:, :-1], targets).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.weak", description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--words", type=Path, default=WORD_LIST)
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    paths = Paths(given.work)
    network, tokenizer = load(paths.initial), Tokenizer.load(paths.tokenizer)
    rarely = Rarely()
    sessions = training_sessions(_SEED, tokenizer, given.words, rarely)
    asked: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    begun, done = time.monotonic(), 0
    for group in _batches(_draws(sessions, rarely, tokenizer)):
        for one, is_missed in zip(group, _are_missed(network, group)):
            asked.update(one.patterns)
            missed.update(one.patterns if is_missed else ())
        done += len(group)
        print(f"{done} asked, {len(missed)} ways missed, {time.monotonic() - begun:.0f} s", end="\r", flush=True)
    paths.weak.write_text(json.dumps(emphasis(asked, missed), ensure_ascii=False, indent=0), encoding="utf-8")
    print(f"\n{paths.weak}: {len(missed)} of {len(asked)} ways to ask were missed at least once")


if __name__ == "__main__":
    main()

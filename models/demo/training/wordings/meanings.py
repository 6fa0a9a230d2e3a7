"""Finds sentences that stand in two sections: nobody could know which of two answers they want."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from . import sections

_CHOICE = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_MARKS = re.compile(r"[?.!,:;\"']")
# Of a pattern that stands for more, so many are drawn.
_MOST = 3000
# Their sentences ask for what the turn before was about.
_OF_THE_TURN_BEFORE = {("reading", "read written"), ("reading", "read again"), ("reading", "read on")}


def ambiguous() -> list[str]:
    """The sentences without values that two sections have, each with these."""
    homes: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for file in sorted(path.stem for path in Path(__file__).parent.glob("*.txt")):
        for title, patterns in sections(file).items():
            if (file, title) in _OF_THE_TURN_BEFORE:
                continue
            for sentence in itertools.chain.from_iterable(map(_sentences, patterns)):
                homes[sentence].add((file, title))
    return [f"{sentence}: {sorted(where)}" for sentence, where in homes.items() if len(where) > 1]


def _sentences(pattern: str) -> Iterator[str]:
    """All that it stands for, as far as letters go."""
    if "{" in pattern:
        return
    parts: list[list[str]] = []
    at = 0
    for choice in _CHOICE.finditer(pattern):
        parts += [[pattern[at : choice.start()]], choice[1].split("|")]
        at = choice.end()
    parts.append([pattern[at:]])
    rng = random.Random(pattern)
    drawn = (tuple(map(rng.choice, parts)) for _ in range(_MOST))
    for made in itertools.product(*parts) if math.prod(map(len, parts)) <= _MOST else drawn:
        sentence = "".join(made).removeprefix("~").lower()
        bare = " ".join(_MARKS.sub("", sentence).split())
        yield bare if re.search(r"\w", bare) else sentence

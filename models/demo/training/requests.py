"""Single requests in every way that there is to ask one, each a few times.

Drawn by the families' weights a rare way comes three times in a file of dialogues, or not at all. A model that learns
on looks at these too, and learns those that it gets wrong (`hard.py`), so that knowing them costs little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from .dialogue.schema import Dialogue
from .families.catalogue import FAMILIES
from .shards import training_sessions
from .tokenizer import Tokenizer

_TIMES_EACH = 2
# A family is through when of so many draws fewer than this share had anything left to ask.
_LAST_DRAWS = 100
_LEAST_NEW = 0.3
# Of a pattern that has been taken once, against one that has not.
_AGAIN = 0.02


class Rarely(dict[str, float]):
    """An emphasis on what was taken least until now."""

    def took(self, pattern: str) -> bool:
        """Was it asked for?"""
        before = self.get(pattern, 1)
        self[pattern] = before * _AGAIN
        return before > _AGAIN**_TIMES_EACH


def requests(seed: int, tokenizer: Tokenizer, word_list: Path) -> Iterator[Dialogue]:
    """Some 24,000, family by family."""
    rarely = Rarely()
    sessions = training_sessions(seed, tokenizer, word_list, rarely)
    taken = sessions.wording.taken
    for family in FAMILIES:
        new = deque([True] * _LAST_DRAWS, _LAST_DRAWS)
        while sum(new) > _LEAST_NEW * _LAST_DRAWS:
            taken.clear()
            dialogue = sessions.dialogue(family.name, 1)
            new.append(any([rarely.took(pattern) for pattern in set(taken)]))
            yield dialogue

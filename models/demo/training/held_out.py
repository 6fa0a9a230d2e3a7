"""How much the network can do on dialogues it has never seen, by family.

A dialogue counts when every token that it should write is the network's first choice, the right text before it
given. With the same results of tools that is what greedy decoding would write.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import torch

from .dialogue.lexicon import Lexicon
from .dialogue.render import encode
from .families.catalogue import FAMILIES
from .network import Network
from .sessions import Sessions
from .settings import CONTEXT, HELD_OUT_SEED
from .shards import LENGTH_STEP, letter_pieces
from .tokenizer import Tokenizer

_AT_ONCE = 16


class Unseen(Enum):
    """Words are never those of the training; wordings may be."""

    VALUES = "values"
    WORDINGS = "wordings"


@dataclass(frozen=True)
class Example:
    ids: list[int]
    taught: list[int]


def padded(rows: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids, and what of them is taught; rows are in the order of their lengths."""
    width = (len(rows[-1].ids) - 2) // LENGTH_STEP * LENGTH_STEP + LENGTH_STEP
    ids = torch.zeros(len(rows), width + 1, dtype=torch.long)
    taught = torch.zeros(len(rows), width + 1, dtype=torch.bool)
    for row, example in enumerate(rows):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        taught[row, : len(example.ids)] = torch.tensor(example.taught, dtype=torch.bool)
    return ids, taught


class HeldOut:
    def __init__(self, tokenizer: Tokenizer, word_list: Path, per_family: int, unseen: Unseen) -> None:
        words = Lexicon(random.Random(HELD_OUT_SEED), word_list, held_out=True, pieces=letter_pieces(tokenizer))
        sessions = Sessions(HELD_OUT_SEED, words, held_out_wordings=unseen is Unseen.WORDINGS)
        self.tokenizer = tokenizer
        self.examples: dict[str, list[Example]] = {}
        for name, turns in [*((family.name, 1) for family in FAMILIES), ("session of 3 to 8 turns", 0)]:
            rows: list[Example] = []
            while len(rows) < per_family:
                dialogue = sessions.dialogue(name if turns else None, turns or sessions.rng.randint(3, 8))
                example = Example(*encode(dialogue, tokenizer))
                if len(example.ids) <= CONTEXT and any(example.taught):
                    rows.append(example)
            self.examples[name] = rows

    def shares(self, network: Network) -> dict[str, float]:
        """Share of right dialogues by family, and their mean as `ALL`."""
        shares = {name: float(np.mean(list(self._right(network, rows)))) for name, rows in self.examples.items()}
        return {**shares, "ALL": float(np.mean(list(shares.values())))}

    @torch.no_grad()
    def _right(self, network: Network, rows: list[Example]):
        rows = sorted(rows, key=lambda example: len(example.ids))
        device = network.embedding.device
        for at in range(0, len(rows), _AT_ONCE):
            some = rows[at : at + _AT_ONCE]
            ids, taught = padded(some)
            guesses = network(ids[:, :-1].to(device)).argmax(-1).cpu()
            right = (guesses == ids[:, 1:]) | ~taught[:, 1:]
            yield from right.all(1).tolist()

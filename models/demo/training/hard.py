"""Where a finished model learns on it gets most dialogues right already; this picks those that it does not.

Looking costs a third of learning. (Selective backpropagation: Jiang et al., Accelerating Deep Learning by Focusing on
the Biggest Losers, 2019. The optimizer's steps are of one size whatever the gradient, so easy batches move the
weights as far as hard ones, to no purpose.)
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .shards import Batch

# Of what is right already, so that it stays so.
_SHARE_OF_EASY = 0.15
# Dialogues of one batch are of similar length: up to each of these.
_LENGTHS = (160, 224, 320, 448, 640, 896, 1280, 2048)
# Of the cost of learning from a token, that of looking at one.
_LOOKING = 1 / 3


@dataclass(frozen=True)
class Picked:
    batch: Batch
    # In tokens learned from, what it cost to find these.
    cost: int


def hard_ones(
    batches: Iterator[Batch], mistaken: Callable[[Tensor, Tensor], Tensor], tokens: int, rng: random.Random
) -> Iterator[Picked]:
    """`mistaken` tells of each row of ids and targets whether any target would not be written."""
    waiting: list[list[Batch]] = [[] for _ in _LENGTHS]
    looked = 0
    for batch in batches:
        looked += batch.ids.numel()
        for row, is_wrong in enumerate(mistaken(batch.ids, batch.targets).tolist()):
            if not is_wrong and rng.random() >= _SHARE_OF_EASY:
                continue
            at = bisect.bisect_left(_LENGTHS, batch.ids.shape[1])
            if (len(waiting[at]) + 1) * _LENGTHS[at] > tokens:
                yield Picked(_together(waiting[at]), round(looked * _LOOKING))
                waiting[at], looked = [], 0
            waiting[at].append(Batch(batch.ids[row], batch.targets[row], batch.weights[row]))


def _together(rows: list[Batch]) -> Batch:
    width = max(len(row.ids) for row in rows)

    def padded(parts: list[Tensor], filling: float) -> Tensor:
        return torch.stack([F.pad(part, (0, width - len(part)), value=filling) for part in parts])

    return Batch(
        padded([row.ids for row in rows], 0),
        padded([row.targets for row in rows], -1),
        padded([row.weights for row in rows], 1),
    )

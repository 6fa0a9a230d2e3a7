"""`python3 -m training.widen FROM.pt --head 64 --work DIRECTORY`: heads of more dimensions that say the same at first.

What reads out of the new dimensions is zero: of the queries, and of what takes the values back into the stream.
Training then finds a use for them. DIRECTORY's `initial.pt` becomes that network.
(Function-preserving growth: Chen, Goodfellow and Shlens, Net2Net, 2016.)
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from .grown import grow
from .network import Network


@torch.no_grad()
def widened(network: Network, head: int) -> Network:
    shape = network.shape
    times, rest = divmod(head, shape.head)
    if times < 2 or rest != 0:
        raise ValueError(f"heads of {shape.head} dimensions become no heads of {head}")
    wider = Network(replace(shape, head=head), network.allow_fused)
    weights = wider.state_dict()
    # Pairs of dimensions turn by a speed each; those that there were keep theirs.
    pairs = torch.arange(0, head, 2 * times)
    turned = torch.stack((pairs, pairs + 1), -1).flatten()
    first = torch.arange(shape.head)
    for name, old in network.state_dict().items():
        new = weights[name]
        if name.endswith(".qkv.weight"):
            before, after = (part.view(3, shape.heads, -1, shape.width) for part in (old, new))
            after[0] = 0
            # The product of longer vectors is divided by more.
            after[0][:, turned] = before[0] * math.sqrt(times)
            after[1][:, turned] = before[1]
            after[2][:, first] = before[2]
        elif name.endswith(".output.weight"):
            new.zero_()
            _by_head(new, shape.heads)[..., first] = _by_head(old, shape.heads)
        else:
            new.copy_(old)
    return wider


def _by_head(output: Tensor, heads: int) -> Tensor:
    return output.view(len(output), heads, -1)


if __name__ == "__main__":
    grow("widen", __doc__, "head", 64, widened)

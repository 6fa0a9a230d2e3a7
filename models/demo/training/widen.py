"""`python3 -m training.widen FROM.pt --head 64 --work DIRECTORY`: heads of more dimensions that say the same at first.

What reads out of the new dimensions is zero: of the queries, and of what takes the values back into the stream.
Training then finds a use for them. DIRECTORY's `initial.pt` becomes that network.
(Function-preserving growth: Chen, Goodfellow and Shlens, Net2Net, 2016.)
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from .network import Network
from .settings import Paths
from .train import load, save


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.widen", description=__doc__)
    parser.add_argument("start", type=Path, metavar="FROM.pt")
    parser.add_argument("--head", type=int, default=64)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    torch.manual_seed(1)
    network = load(given.start, allow_fused=False)
    wider = widened(network, given.head)
    ids = torch.randint(0, network.shape.vocabulary, (1, 64))
    apart = (network(ids) - wider(ids)).abs().max().item()
    if apart > 0.001:
        raise RuntimeError(f"the wider network says something else: {apart}")
    save(Paths(given.work).initial, wider)
    parameters = sum(part.numel() for part in wider.parameters())
    print(f"heads of {given.head} dimensions, {parameters} parameters, logits at most {apart:.2g} apart")


if __name__ == "__main__":
    main()

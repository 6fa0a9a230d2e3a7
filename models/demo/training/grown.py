"""What `deepen` and `widen` have in common: a larger network is kept only where it says what the smaller one said."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from .network import Network
from .settings import Paths
from .train import load, save

# Of logits, in full precision.
_APART = 0.001


def grow(command: str, described: str | None, option: str, size: int, larger: Callable[[Network, int], Network]) -> None:
    """Runs `python3 -m training.COMMAND FROM.pt --OPTION SIZE --work DIRECTORY`. `size` is the default."""
    parser = argparse.ArgumentParser(prog=f"python3 -m training.{command}", description=described)
    parser.add_argument("start", type=Path, metavar="FROM.pt")
    parser.add_argument(f"--{option}", dest="size", type=int, default=size)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    torch.manual_seed(1)
    network = load(given.start, allow_fused=False)
    made = larger(network, given.size)
    ids = torch.randint(0, network.shape.vocabulary, (1, 64))
    with torch.no_grad():
        apart = (network(ids) - made(ids)).abs().max().item()
    if apart > _APART:
        raise RuntimeError(f"the larger network says something else: {apart}")
    save(Paths(given.work).initial, made)
    parameters = sum(part.numel() for part in made.parameters())
    print(f"{option} {given.size}, {parameters} parameters, logits at most {apart:.2g} apart")

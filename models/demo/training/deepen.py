"""`python3 -m training.deepen FROM.pt --layers 8 --work DIRECTORY`: a deeper network that says the same at first.

New blocks stand evenly between the old ones, and add nothing yet: the matrices that write into the stream are zero,
those that read are as at any beginning. Training then finds a use for them. DIRECTORY's `initial.pt` becomes that
network. (Function-preserving growth: Chen, Goodfellow and Shlens, Net2Net, 2016.)
"""

from __future__ import annotations

from dataclasses import replace

import torch

from .grown import grow
from .network import Network


def deepened(network: Network, layers: int) -> Network:
    old = len(network.blocks)
    if not old < layers <= 2 * old:
        raise ValueError(f"{layers} layers do not stand between the {old} that there are")
    taller = Network(replace(network.shape, layers=layers), network.allow_fused)
    # After which of the old blocks a new one stands.
    after = {round((index + 1) * old / (layers - old + 1)) - 1 for index in range(layers - old)}
    at = 0
    for index, block in enumerate(network.blocks):
        taller.blocks[at].load_state_dict(block.state_dict())
        at += 1
        if index in after:
            with torch.no_grad():
                taller.blocks[at].output.weight.zero_()
                taller.blocks[at].down.weight.zero_()
            at += 1
    taller.embedding.data.copy_(network.embedding.data)
    taller.norm.load_state_dict(network.norm.state_dict())
    return taller


if __name__ == "__main__":
    grow("deepen", __doc__, "layers", 8, deepened)

"""Muon for the matrices inside the blocks, Adam for the embedding and the norms."""

from __future__ import annotations

import torch
from torch import Tensor

from .network import Network
from .settings import Schedule

_MOMENTUM = 0.95
_DECAY = 0.01
_LONGEST_GRADIENT = 1.0


def orthogonal(matrices: Tensor) -> Tensor:
    """Newton-Schulz, five steps, on a stack of matrices that are no taller than wide: n, rows, columns."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).bfloat16()
    for _ in range(5):
        squares = torch.bmm(x, x.transpose(1, 2))
        x = a * x + torch.bmm(b * squares + c * torch.bmm(squares, squares), x)
    return x.float()


class Muon:
    """Momentum, made orthogonal. Matrices that are several in one are split first."""

    def __init__(self, parameters: list[tuple[Tensor, int]]) -> None:
        self.parameters = parameters
        self.momenta = [torch.zeros_like(parameter) for parameter, _ in parameters]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        work: list[tuple[Tensor, Tensor]] = []
        for (parameter, parts), momentum in zip(self.parameters, self.momenta):
            momentum.mul_(_MOMENTUM).add_(parameter.grad, alpha=1 - _MOMENTUM)
            update = parameter.grad * (1 - _MOMENTUM) + momentum * _MOMENTUM
            parameter.mul_(1 - rate * _DECAY)
            work += zip(parameter.chunk(parts), update.chunk(parts))
        for sides in {tuple(sorted(parameter.shape)) for parameter, _ in work}:
            same = [(p, u) for p, u in work if tuple(sorted(p.shape)) == sides]
            wide = torch.stack([u.t() if u.shape[0] > u.shape[1] else u for _, u in same])
            for (parameter, update), step in zip(same, orthogonal(wide)):
                tall = update.shape[0] > update.shape[1]
                scale = max(1.0, parameter.shape[0] / parameter.shape[1]) ** 0.5
                parameter.add_(step.t() if tall else step, alpha=-rate * scale)


class Optimizer:
    def __init__(self, network: Network, schedule: Schedule) -> None:
        self.schedule = schedule
        blocks = list(network.blocks)
        matrices = [(block.qkv.weight, 3) for block in blocks] + [(block.output.weight, 1) for block in blocks]
        matrices += [(block.gate_up.weight, 2) for block in blocks] + [(block.down.weight, 1) for block in blocks]
        inside = {id(parameter) for parameter, _ in matrices}
        self.others = [parameter for parameter in network.parameters() if id(parameter) not in inside]
        self.muon = Muon(matrices)
        self.adam = torch.optim.Adam(self.others, lr=schedule.vector_rate, betas=(0.9, 0.95), eps=1e-10)

    def state(self) -> dict[str, object]:
        return {"momenta": self.muon.momenta, "adam": self.adam.state_dict()}

    def load_state(self, state: dict[str, object]) -> None:
        self.muon.momenta = state["momenta"]
        self.adam.load_state_dict(state["adam"])

    def step(self, factor: float) -> None:
        """Uses up the gradients. `factor`: of the peak rates."""
        torch.nn.utils.clip_grad_norm_(self.others, _LONGEST_GRADIENT)
        self.muon.step(self.schedule.matrix_rate * factor)
        for group in self.adam.param_groups:
            group["lr"] = self.schedule.vector_rate * factor
        self.adam.step()
        for parameter in [*self.others, *(parameter for parameter, _ in self.muon.parameters)]:
            parameter.grad = None

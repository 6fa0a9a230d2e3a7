"""The network: what llama.cpp calls `llama`, in plain PyTorch.

RMSNorm, rotary positions on interleaved pairs (so that no weight has to be permuted for the GGUF), SwiGLU, no
biases, one matrix for embedding and output. Three ways to compute the same: fused kernels on a CPU with
AVX-512 BF16 (kernels/), PyTorch's own attention where there is one, and the slow reference.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .settings import Shape

try:
    from .kernels import fused
except (ImportError, OSError, RuntimeError) as problem:
    print(f"No fused kernels, training will be slow on a CPU: {problem}", flush=True)
    fused = None  # type: ignore[assignment]

_HAS_TORCH_ATTENTION = hasattr(F, "scaled_dot_product_attention")


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor, added: Tensor, is_fused: bool) -> tuple[Tensor, Tensor]:
        """The sum, and its norm."""
        if is_fused:
            return fused.Norm.apply(x, added, self.weight, self.epsilon)
        x = x + added
        return x, x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.epsilon) * self.weight


class Linear(nn.Module):
    def __init__(self, inputs: int, outputs: int, spread: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * spread)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


class Rotation(nn.Module):
    """Cosines and sines of all positions, one for each pair of a head's dimensions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        size = shape.head
        inverse = shape.rope_base ** (-torch.arange(0, size, 2).float() / size)
        angles = torch.arange(shape.context + 64).float()[:, None] * inverse[None]
        self.register_buffer("cosines", angles.cos(), persistent=False)
        self.register_buffer("sines", angles.sin(), persistent=False)

    def upto(self, length: int) -> tuple[Tensor, Tensor]:
        return self.cosines[:length].contiguous(), self.sines[:length].contiguous()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """x: batch, time, head, dimension."""
    cosines, sines = cosines[:, None].to(x.dtype), sines[:, None].to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosines - odd * sines, even * sines + odd * cosines), -1).flatten(-2)


def attend(qkv: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """qkv: batch, time, 3, head, dimension; causal."""
    queries, keys, values = qkv.unbind(2)
    queries, keys = rotate(queries, cosines, sines), rotate(keys, cosines, sines)
    queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, values))
    if _HAS_TORCH_ATTENTION:
        mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    else:
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        mixed = torch.softmax(scores.masked_fill(later, float("-inf")), -1) @ values
    return mixed.transpose(1, 2)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, hidden, inner = shape.width, shape.hidden, shape.heads * shape.head
        spread, depth = 0.7, math.sqrt(2 * shape.layers)
        self.heads = shape.heads
        self.attention_norm = Norm(width, shape.epsilon)
        self.feed_norm = Norm(width, shape.epsilon)
        self.qkv = Linear(width, 3 * inner, spread * width**-0.5)
        self.output = Linear(inner, width, spread * inner**-0.5 / depth)
        self.gate_up = Linear(width, 2 * hidden, spread * width**-0.5)
        self.down = Linear(hidden, width, spread * hidden**-0.5 / depth)

    def forward(
        self, x: Tensor, added: Tensor, cosines: Tensor, sines: Tensor, is_fused: bool
    ) -> tuple[Tensor, Tensor]:
        """The stream, and what is still to be added to it."""
        batch, time, _ = x.shape
        x, normed = self.attention_norm(x, added, is_fused)
        qkv = self.qkv(normed).view(batch, time, 3, self.heads, -1)
        mixed = fused.Attention.apply(qkv, cosines, sines) if is_fused else attend(qkv, cosines, sines)
        x, normed = self.feed_norm(x, self.output(mixed.reshape(batch, time, -1)), is_fused)
        gate_up = self.gate_up(normed)
        if is_fused:
            return x, self.down(fused.Swiglu.apply(gate_up))
        gate, up = gate_up.chunk(2, -1)
        return x, self.down(F.silu(gate) * up)


class Network(nn.Module):
    def __init__(self, shape: Shape, allow_fused: bool = True) -> None:
        super().__init__()
        self.shape = shape
        self.allow_fused = allow_fused
        self.embedding = nn.Parameter(torch.randn(shape.vocabulary, shape.width) * 0.1)
        self.blocks = nn.ModuleList([Block(shape) for _ in range(shape.layers)])
        self.norm = Norm(shape.width, shape.epsilon)
        self.rotation = Rotation(shape)

    def hidden(self, ids: Tensor) -> Tensor:
        is_fused = fused is not None and self.allow_fused and not ids.is_cuda and ids.shape[1] % 32 == 0
        cosines, sines = self.rotation.upto(ids.shape[1])
        x = F.embedding(ids, self.embedding)
        added = torch.zeros_like(x, dtype=torch.bfloat16 if is_fused else x.dtype)
        for block in self.blocks:
            x, added = block(x, added, cosines, sines, is_fused)
        return self.norm(x, added, is_fused)[1]

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.hidden(ids)
        return F.linear(hidden, self.embedding.to(hidden.dtype)).float()

    def loss(self, ids: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, float]:
        """Weighted mean cross entropy and share of right guesses where there is a target (not -1)."""
        hidden = self.hidden(ids)
        at = (targets >= 0).nonzero(as_tuple=True)
        logits = F.linear(hidden[at], self.embedding.to(hidden.dtype)).float()
        right = (logits.argmax(-1) == targets[at]).float().mean().item()
        losses = F.cross_entropy(logits, targets[at], reduction="none")
        return (losses * weights[at]).sum() / weights[at].sum(), right

    @torch.no_grad()
    def mistaken(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Of each row: is any target another than what would be written?"""
        hidden = self.hidden(ids)
        at = (targets >= 0).nonzero(as_tuple=True)
        logits = F.linear(hidden[at], self.embedding.to(hidden.dtype))
        wrong = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
        wrong[at[0][logits.argmax(-1) != targets[at]]] = True
        return wrong

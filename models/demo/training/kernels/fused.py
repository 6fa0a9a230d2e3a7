"""Builds the C++ kernels once (about 20 s) and gives them gradients. Raises where they cannot be built."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.cpp_extension import load

if "avx512_bf16" not in Path("/proc/cpuinfo").read_text():
    raise ImportError("this CPU has no AVX-512 BF16")

_FLAGS = ["-O3", "-march=native", "-fopenmp", "-Wno-psabi", "-ffast-math"]
_HERE = Path(__file__).parent
_native = load(
    "gantry_fused",
    [str(_HERE / "fused.cpp")],
    extra_cflags=_FLAGS,
    extra_ldflags=["-fopenmp"],
    extra_include_paths=[str(_HERE)],
)


class Attention(torch.autograd.Function):
    """qkv: batch, time (a multiple of 32), 3, head, dimension (bf16); rotates, then attends causally."""

    @staticmethod
    def forward(ctx, qkv: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        mixed = _native.attention_forward(qkv, cosines, sines)
        ctx.save_for_backward(qkv, mixed, cosines, sines)
        return mixed

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return _native.attention_backward(gradient.contiguous(), *ctx.saved_tensors), None, None


class Norm(torch.autograd.Function):
    """The sum of x (fp32) and what is added (bf16), and its norm (bf16)."""

    @staticmethod
    def forward(ctx, x: Tensor, added: Tensor, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        total, normed, scales = _native.norm_forward(x, added, weight, epsilon)
        ctx.save_for_backward(total, weight, scales)
        return total, normed

    @staticmethod
    def backward(ctx, of_total: Tensor, of_normed: Tensor):
        of_x, of_added, of_weight = _native.norm_backward(
            of_total.contiguous(), of_normed.contiguous(), *ctx.saved_tensors
        )
        return of_x, of_added, of_weight, None


class Swiglu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gate_up: Tensor) -> Tensor:
        ctx.save_for_backward(gate_up)
        return _native.swiglu_forward(gate_up)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return _native.swiglu_backward(gradient.contiguous(), ctx.saved_tensors[0])

"""`python3 -m training.start_from MODEL.gguf --work DIRECTORY`: a later training goes on from a finished model.

Takes over the tokenizer and the weights, rounded as the GGUF has them. `python3 -m training --work DIRECTORY` then
makes data for that tokenizer and trains without the first lessons.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .export import tensors
from .gguf import Kind, Precision, aligned
from .network import Network
from .settings import Paths, Shape
from .tokenizer import Tokenizer
from .train import save

_SCALARS = {Kind.UNSIGNED: "<I", Kind.INTEGER: "<i", Kind.FLOAT: "<f", Kind.BOOLEAN: "<?"}
_NUMBERS = {Precision.F32: "<f4", Precision.F16: "<f2"}


class Reader:
    """Reads what `gguf.py` writes; no other GGUF is promised to be understood."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def text(self) -> str:
        (length,) = self.take("<Q")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def value(self, kind: int) -> object:
        if kind == Kind.TEXT:
            return self.text()
        if kind == Kind.ARRAY:
            item, count = self.take("<IQ")
            return [self.value(item) for _ in range(count)]
        return self.take(_SCALARS[Kind(kind)])[0]


@dataclass(frozen=True)
class Stored:
    name: str
    shape: tuple[int, ...]
    precision: Precision
    offset: int


def read_gguf(path: Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Metadata and tensors."""
    reader = Reader(path.read_bytes())
    magic, _version, tensor_count, entry_count = reader.take("<4sIQQ")
    if magic != b"GGUF":
        raise SystemExit(f"{path} is not a GGUF file")
    entries = {reader.text(): reader.value(reader.take("<I")[0]) for _ in range(entry_count)}
    stored = list(_described(reader, tensor_count))
    start = aligned(reader.at)
    return entries, {tensor.name: _values(reader.data, start, tensor) for tensor in stored}


def _described(reader: Reader, count: int) -> Iterator[Stored]:
    for _ in range(count):
        name = reader.text()
        (dimensions,) = reader.take("<I")
        shape = reader.take(f"<{dimensions}Q")[::-1]
        precision, offset = reader.take("<IQ")
        yield Stored(name, shape, Precision(precision), offset)


def _values(data: bytes, start: int, tensor: Stored) -> np.ndarray:
    if tensor.precision not in _NUMBERS:
        raise SystemExit(f"{tensor.name} is {tensor.precision.name}; only F16 and F32 are taken over")
    flat = np.frombuffer(data, _NUMBERS[tensor.precision], int(np.prod(tensor.shape)), start + tensor.offset)
    return flat.reshape(tensor.shape).astype(np.float32)


@torch.no_grad()
def network_of(arrays: dict[str, np.ndarray]) -> Network:
    network = Network(Shape())
    for weights in tensors(network, Precision.F32):
        weights.values[:] = arrays[weights.name]  # a view of the network's own memory
    return network


def tokenizer_of(entries: dict[str, object]) -> Tokenizer:
    return Tokenizer([tuple(merge.split(" ")) for merge in entries["tokenizer.ggml.merges"]])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.start_from", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    paths = Paths(given.work)
    paths.work.mkdir(parents=True, exist_ok=True)
    entries, arrays = read_gguf(given.model)
    tokenizer_of(entries).save(paths.tokenizer)
    save(paths.initial, network_of(arrays))
    print(f"{paths.work}: the tokenizer and the weights of {given.model}", flush=True)


if __name__ == "__main__":
    main()

"""Writes GGUF files, version 3: metadata, then tensors. Knows nothing of models."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

_ALIGNMENT = 32


class Kind(IntEnum):
    """Types of metadata values, as the format numbers them."""

    UNSIGNED = 4
    INTEGER = 5
    FLOAT = 6
    BOOLEAN = 7
    TEXT = 8
    ARRAY = 9


class Precision(IntEnum):
    F32 = 0
    F16 = 1
    Q8_0 = 8


@dataclass(frozen=True)
class Entry:
    """For an array, `kind` is that of its items."""

    key: str
    kind: Kind
    value: object


@dataclass(frozen=True)
class Weights:
    """A row-major array, as PyTorch has it."""

    name: str
    values: np.ndarray
    precision: Precision


def write_gguf(path: Path, entries: list[Entry], tensors: list[Weights]) -> int:
    """Returns the size in bytes."""
    described, blobs, offset = b"", [], 0
    for tensor in tensors:
        blob = _padded(_data(tensor))
        # The format counts dimensions from the fastest.
        dimensions = tensor.values.shape[::-1]
        described += _text(tensor.name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        described += struct.pack("<IQ", tensor.precision, offset)
        blobs.append(blob)
        offset += len(blob)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(map(_entry, entries)) + described
    return path.write_bytes(_padded(head) + b"".join(blobs))


def aligned(offset: int) -> int:
    return offset + -offset % _ALIGNMENT


def _padded(data: bytes) -> bytes:
    return data.ljust(aligned(len(data)), b"\0")


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _entry(entry: Entry) -> bytes:
    if isinstance(entry.value, list):
        items = b"".join(_scalar(entry.kind, item) for item in entry.value)
        return _text(entry.key) + struct.pack("<IIQ", Kind.ARRAY, entry.kind, len(entry.value)) + items
    return _text(entry.key) + struct.pack("<I", entry.kind) + _scalar(entry.kind, entry.value)


def _scalar(kind: Kind, value: object) -> bytes:
    match kind, value:
        case Kind.TEXT, str():
            return _text(value)
        case Kind.BOOLEAN, bool():
            return struct.pack("<?", value)
        case Kind.FLOAT, float():
            return struct.pack("<f", value)
        case Kind.UNSIGNED, int():
            return struct.pack("<I", value)
        case Kind.INTEGER, int():
            return struct.pack("<i", value)
    raise TypeError(f"{value!r} is no {kind.name}")


def _data(tensor: Weights) -> bytes:
    values = np.ascontiguousarray(tensor.values, np.float32)
    match tensor.precision:
        case Precision.F32:
            return values.tobytes()
        case Precision.F16:
            return values.astype("<f2").tobytes()
        case Precision.Q8_0:
            return _blocks_of_bytes(values)


def _blocks_of_bytes(values: np.ndarray) -> bytes:
    """Blocks of 32: a scale in F16, then 32 signed bytes."""
    rows = values.reshape(-1, 32)
    scales = np.abs(rows).max(1) / 127.0
    inverse = np.divide(1.0, scales, out=np.zeros_like(scales), where=scales > 0)
    blocks = np.empty((len(rows), 34), np.uint8)
    blocks[:, :2] = scales.astype("<f2").view(np.uint8).reshape(-1, 2)
    blocks[:, 2:] = np.clip(np.round(rows * inverse[:, None]), -127, 127).astype(np.int8).view(np.uint8)
    return blocks.tobytes()

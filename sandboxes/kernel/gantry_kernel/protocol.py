"""Frames: `u32 big-endian payload length | u8 kind | payload`. Both ways, on every channel.

Host to supervisor: `J` JSON request, `D` u32 id + bytes of a file (no bytes: end of file).
Both: `T` of a tunnel, see egress.py; `S` where one host takes over from another, see takeover.py.
Supervisor to host: `J` JSON answer, `O`/`E` u32 id + stdout/stderr bytes, `D` u32 id + file bytes,
`I`/`V` u32 id + u8 length + MIME type + bytes of an image/video frame.
Supervisor to interpreter: `C` the call's 16-byte token + Python source.
Interpreter to supervisor: the same kinds `J`, `I`, `V`, with the call's token for the id.
"""

from __future__ import annotations

import struct

JSON = ord("J")
DATA = ord("D")
CODE = ord("C")
STDOUT = ord("O")
STDERR = ord("E")
IMAGE = ord("I")
VIDEO_FRAME = ord("V")
TUNNEL = ord("T")
TAKEOVER = ord("S")

HEADER = struct.Struct(">IB")
ID = struct.Struct(">I")
TOKEN_BYTES = 16
MAX_PAYLOAD_BYTES = 8 << 20


class ProtocolError(Exception):
    """The other side sent something that no well-behaved peer sends."""


def encode(kind: int, *parts: bytes) -> bytes:
    return b"".join((HEADER.pack(sum(map(len, parts)), kind), *parts))


class FrameReader:
    """Incremental parser; never waits for bytes, never buffers more than one frame's cap plus one read."""

    def __init__(self, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self._max_payload_bytes = max_payload_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        if not self._buffer and len(data) >= HEADER.size:
            length, kind = HEADER.unpack_from(data)
            if length == len(data) - HEADER.size <= self._max_payload_bytes:
                # Nearly every read is one whole frame.
                return [(kind, data[HEADER.size :])]
        self._buffer += data
        frames: list[tuple[int, bytes]] = []
        while len(self._buffer) >= HEADER.size:
            length, kind = HEADER.unpack_from(self._buffer)
            if length > self._max_payload_bytes:
                raise ProtocolError(f"frame of {length} bytes")
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append((kind, bytes(self._buffer[HEADER.size : end])))
            del self._buffer[:end]
        return frames

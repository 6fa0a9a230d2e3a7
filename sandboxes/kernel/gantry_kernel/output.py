"""A child's stdout or stderr on its way to the host: live, capped for each call, never blocking."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from typing import Callable

from .call_outbox import CHUNK_BYTES, STREAMS, CallOutbox
from .loop import Loop
from .spill import Spill

DRAIN_BYTES = 2 << 20
# Small writes that come close together, as print's text and newline do, become one frame.
GATHER_SECONDS = 0.004
# So much is taken at once, up to the cap: its writer may be waiting for room in the pipe.
FLOOD_BYTES = CHUNK_BYTES // 2
# What belongs to nobody is thrown away, at a pace that leaves the processor to those who wait for it.
DISCARD_SECONDS = 0.05

OpenSpill = Callable[[str], Spill]


class OutputPipe:
    """Outside a call, what arrives is thrown away: it belongs to nobody."""

    def __init__(self, loop: Loop, fd: int, kind: int, outbox: CallOutbox) -> None:
        self._loop = loop
        self._fd = fd
        self._kind = kind
        self._outbox = outbox
        self._stream = STREAMS[kind]
        self._in_call = False
        self._room = 0
        self._open_spill: OpenSpill | None = None
        # Kept until the call ends: a spilled file begins with what was streamed.
        self._streamed: list[bytes] = []
        self._spill: Spill | None = None
        self._dropped = 0
        self.is_open = True
        self._loop.on_readable(fd, self._on_readable)

    def discard(self) -> None:
        self._drain()

    def begin(self, max_bytes: int, open_spill: OpenSpill) -> None:
        """What is in the pipe already counts: a new shell may have printed before it comes to this."""
        self._forget()
        self._in_call, self._room, self._open_spill = True, max_bytes, open_spill
        # It may have been deaf for a while to what belonged to nobody.
        self._resume()

    def end(self) -> None:
        """Takes what the finished call left in the pipe, and no more than that; it leaves with the call's result."""
        self._drain()
        self._in_call = False
        self._streamed = []
        if self._spill is not None:
            self._spill.finish()

    def overflow(self) -> dict[str, object] | None:
        """What did not fit into the last call's cap, and where it is."""
        if self._spill is None:
            return None
        found: dict[str, object] = {"stream": self._stream, "droppedBytes": self._dropped}
        if self._spill.problem is not None:
            return {**found, "problem": self._spill.problem}
        spill = self._spill
        return {**found, "file": {"path": spill.path, "bytes": spill.bytes, "missingBytes": spill.missing_bytes}}

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.forget(self._fd)
            os.close(self._fd)

    def _forget(self) -> None:
        self._streamed, self._spill, self._dropped = [], None, 0

    def _drain(self) -> None:
        for _ in range(DRAIN_BYTES // CHUNK_BYTES):
            if not self.is_open or not self._take():
                return

    def _on_readable(self) -> None:
        self._loop.on_readable(self._fd, None)
        if not self._in_call:
            self._loop.after(DISCARD_SECONDS, self._take_gathered)
        elif self._room > 0 and self._outbox.is_full:
            self._outbox.when_drained(self._resume)
        else:
            self._loop.after(0 if self._room > 0 and self._is_flooded() else GATHER_SECONDS, self._take_gathered)

    def _is_flooded(self) -> bool:
        waiting: int = struct.unpack("i", fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4)))[0]
        return waiting >= FLOOD_BYTES

    def _take_gathered(self) -> None:
        if self.is_open and self._take():
            self._outbox.flush()
        self._resume()

    def _resume(self) -> None:
        if self.is_open:
            self._loop.on_readable(self._fd, self._on_readable)

    def _take(self) -> bool:
        try:
            data = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        if self._in_call:
            self._pass_on(data)
        return True

    def _pass_on(self, data: bytes) -> None:
        kept, rest = data[: self._room], data[self._room :]
        self._room -= len(kept)
        if kept:
            self._outbox.add_text(self._kind, kept)
            self._streamed.append(kept)
        if not rest or self._open_spill is None:
            return
        self._dropped += len(rest)
        if self._spill is None:
            self._spill = self._open_spill(self._stream)
            for piece in self._streamed:
                self._spill.write(piece)
            self._streamed = []
        self._spill.write(rest)

"""A child's stdout or stderr on its way to the host: live, capped for each call, never blocking."""

from __future__ import annotations

import os

from .frame_writer import FrameWriter
from .loop import Loop
from .protocol import ID

CHUNK_BYTES = 64 << 10
DRAIN_BYTES = 2 << 20
# Small writes that come close together, as print's text and newline do, become one frame.
GATHER_SECONDS = 0.004


class OutputPipe:
    """Outside a call, what arrives is thrown away: it belongs to nobody."""

    def __init__(self, loop: Loop, fd: int, kind: int, writer: FrameWriter) -> None:
        self._loop = loop
        self._fd = fd
        self._kind = kind
        self._writer = writer
        self._call_id: int | None = None
        self._room = 0
        self.dropped = 0
        self._open = True
        self._loop.on_readable(fd, self._on_readable)

    def begin(self, call_id: int, max_bytes: int) -> None:
        self._drain()
        self._call_id, self._room, self.dropped = call_id, max_bytes, 0

    def end(self) -> None:
        """Takes what the finished call left in the pipe, and no more than that."""
        self._drain()
        self._call_id = None

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.forget(self._fd)
            os.close(self._fd)

    def _drain(self) -> None:
        for _ in range(DRAIN_BYTES // CHUNK_BYTES):
            if not self._open or not self._take():
                return

    def _on_readable(self) -> None:
        self._loop.on_readable(self._fd, None)
        if self._call_id is not None and self._room > 0 and self._writer.is_full:
            self._writer.when_drained(self._resume)
        else:
            self._loop.after(GATHER_SECONDS, self._take_gathered)

    def _take_gathered(self) -> None:
        if self._open:
            self._take()
            self._resume()

    def _resume(self) -> None:
        if self._open:
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
        if self._call_id is not None:
            kept, lost = data[: self._room], len(data) - self._room
            self._room -= len(kept)
            self.dropped += max(0, lost)
            if kept:
                self._writer.send(self._kind, ID.pack(self._call_id), kept)
        return True

"""Non-blocking frame output that tells when it is full, so that sources can stop reading."""

from __future__ import annotations

import os
from collections import deque
from typing import Callable

from .loop import Loop
from .protocol import encode

HIGH_WATER_BYTES = 1 << 20
MAX_WAITING_FRAMES = 4


class FrameWriter:
    def __init__(self, loop: Loop, fd: int, on_broken: Callable[[], None]) -> None:
        os.set_blocking(fd, False)
        self._loop = loop
        self._fd = fd
        self._on_broken = on_broken
        self._pending = bytearray()
        self._is_stuck = False
        self._waiting: list[Callable[[], None]] = []
        self._perishable: deque[bytes] = deque(maxlen=MAX_WAITING_FRAMES)

    @property
    def is_full(self) -> bool:
        return len(self._pending) > HIGH_WATER_BYTES

    def add(self, kind: int, *parts: bytes) -> None:
        """Leaves with the next frame that is sent: one message to the host costs less than two."""
        # What waits was said before this, and the host counts on the order.
        while self._perishable:
            self._pending += self._perishable.popleft()
        self._pending += encode(kind, *parts)

    def send(self, kind: int, *parts: bytes) -> None:
        self.add(kind, *parts)
        self.flush()

    def send_perishable(self, kind: int, *parts: bytes) -> None:
        """For frames of a moving picture: where they come faster than they leave, the oldest is dropped."""
        self._perishable.append(encode(kind, *parts))
        self.flush()

    def flush(self) -> None:
        if not self._is_stuck:
            self._flush()

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Runs `callback` once, when less than the high-water mark is waiting."""
        self._waiting.append(callback)

    def restart(self) -> None:
        """Drops what has not left: it was for a reader that is gone. A frame may have left by half."""
        self._pending.clear()
        self._perishable.clear()

    def close(self) -> None:
        self._pending.clear()
        self._waiting.clear()
        self._perishable.clear()
        self._loop.on_writable(self._fd, None)

    def _flush(self) -> None:
        try:
            while self._pending or self._perishable:
                if not self._pending:
                    self._pending += self._perishable.popleft()
                del self._pending[: os.write(self._fd, self._pending)]
        except BlockingIOError:
            self._is_stuck = True
            self._loop.on_writable(self._fd, self._flush)
        except OSError:
            self._on_broken()
            return
        else:
            if self._is_stuck:
                self._is_stuck = False
                self._loop.on_writable(self._fd, None)
        if self._waiting and not self.is_full:
            waiting, self._waiting = self._waiting, []
            for callback in waiting:
                callback()

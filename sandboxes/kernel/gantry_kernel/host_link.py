"""What comes from the host: its frames, its end, and the one that takes over from it."""

from __future__ import annotations

import os
import sys
import time
from typing import Callable, NoReturn

from .loop import Loop
from .protocol import FrameReader, ProtocolError
from .takeover import TakeoverScanner

INPUT = 0
# Seconds without a word from any host after which the sandbox is nobody's. Only where it may outlive its host.
UNATTENDED_VARIABLE = "GANTRY_UNATTENDED_SEC"


def _unattended_seconds() -> float | None:
    """Taken out of the environment: what runs in the sandbox has no use for it."""
    text = os.environ.pop(UNATTENDED_VARIABLE, "")
    return float(text) if text else None


class HostLink:
    def __init__(
        self,
        loop: Loop,
        on_frame: Callable[[int, bytes], None],
        on_takeover: Callable[[bytes], None],
        leave: Callable[[], NoReturn],
    ) -> None:
        self._loop = loop
        self._on_frame = on_frame
        self._on_takeover = on_takeover
        self._leave = leave
        # None: nothing can be understood any more before the next host.
        self._frames: FrameReader | None = FrameReader()
        self._scanner: TakeoverScanner | None = None
        self._unattended = _unattended_seconds()
        self._heard = time.monotonic()

    def listen(self) -> None:
        os.set_blocking(INPUT, False)
        self._loop.on_readable(INPUT, self._on_readable)
        if self._unattended is not None:
            self._leave_if_unattended(self._unattended)

    def expect_successor(self, anchor: bytes) -> None:
        """The first anchor counts: later ones are tokens, and those come in a take-over."""
        if self._scanner is None:
            self._scanner = TakeoverScanner(anchor)

    def _on_readable(self) -> None:
        try:
            data = os.read(INPUT, 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self._leave()
        self._heard = time.monotonic()
        while self._scanner is not None and (taken := self._scanner.feed(data)) is not None:
            self._take(data[: taken.before])
            self._frames = FrameReader()
            self._on_takeover(taken.nonce)
            data = taken.rest
        self._take(data)

    def _take(self, data: bytes) -> None:
        if self._frames is None:
            return
        try:
            frames = self._frames.feed(data)
        except ProtocolError as error:
            # Where the next frame begins cannot be known any more.
            print(f"the host broke the protocol: {error}", file=sys.stderr)
            if self._scanner is None:
                self._leave()
            self._frames = None
            return
        for kind, payload in frames:
            self._on_frame(kind, payload)

    def _leave_if_unattended(self, limit: float) -> None:
        left = self._heard + limit - time.monotonic()
        if left <= 0:
            self._leave()
        self._loop.after(left, lambda: self._leave_if_unattended(limit))

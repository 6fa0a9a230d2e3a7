"""One running call: its deadline, how it was asked to stop, and what it will report."""

from __future__ import annotations

import time
from typing import Callable, Literal

from .loop import Loop, Timer

GRACE_SECONDS = 2.0

StopReason = Literal["timed_out", "interrupted"]


class Call:
    """`interrupt` is asked for once, at the deadline or on request; `kill` if that did not end it in 2 s."""

    def __init__(
        self,
        loop: Loop,
        call_id: int,
        kind: Literal["exec", "shell"],
        timeout_seconds: float,
        interrupt: Callable[[], None],
        kill: Callable[[], None],
        oom_kills_before: int,
    ) -> None:
        self.id = call_id
        self.kind = kind
        self.stopped: StopReason | None = None
        self.violation: str | None = None
        self.oom_kills_before = oom_kills_before
        self._loop = loop
        self._interrupt = interrupt
        self._kill = kill
        self._started = time.monotonic()
        self._timer: Timer = loop.after(timeout_seconds, lambda: self.stop("timed_out"))

    def stop(self, reason: StopReason) -> None:
        if self.stopped is not None:
            return
        self.stopped = reason
        self._timer.cancel()
        self._timer = self._loop.after(GRACE_SECONDS, self._kill)
        self._interrupt()

    def finish(self) -> float:
        """Stops the clock; milliseconds since the start."""
        self._timer.cancel()
        return (time.monotonic() - self._started) * 1000

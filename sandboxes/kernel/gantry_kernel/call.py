"""One running call: its deadline, how it was asked to stop, and what it has printed."""

from __future__ import annotations

import time
from typing import Callable, Literal, NamedTuple

from .accounting import Figures, Usage
from .loop import Loop, Timer
from .output import OpenSpill, OutputPipe
from .processes import end_described
from .requests import PythonRequest, ShellRequest

GRACE_SECONDS = 2.0

StopReason = Literal["timed_out", "interrupted"]


class Place(NamedTuple):
    """What a call runs in. `kill` is for one that did not end 2 s after `interrupt`."""

    stdout: OutputPipe
    stderr: OutputPipe
    interrupt: Callable[[], None]
    kill: Callable[[], None]


class Call:
    def __init__(
        self, loop: Loop, request: PythonRequest | ShellRequest, place: Place, usage: Usage, open_spill: OpenSpill
    ) -> None:
        """`usage` is the sandbox's before the call."""
        self.stopped: StopReason | None = None
        self.violation: str | None = None
        self.usage = usage
        self._place = place
        self._loop = loop
        for pipe in (place.stdout, place.stderr):
            pipe.begin(request.max_output_bytes, open_spill)
        self._started = time.monotonic()
        self._timer: Timer = loop.after(request.timeout_ms / 1000, lambda: self.stop("timed_out"))

    def stop(self, reason: StopReason) -> None:
        if self.stopped is not None:
            return
        self.stopped = reason
        self._timer.cancel()
        self._timer = self._loop.after(GRACE_SECONDS, self._place.kill)
        self._place.interrupt()

    def death(self, status: int, used: Figures) -> dict[str, object]:
        """What became of it when its interpreter ended with this wait status."""
        if self.stopped is not None:
            return {"outcome": self.stopped}
        if used.oom_kills > 0:
            return {"outcome": "out_of_memory"}
        reason = end_described(status) if self.violation is None else f"it broke the protocol: {self.violation}"
        return {"outcome": "died", "exception": f"The Python process is gone: {reason}"}

    def finish(self) -> dict[str, object]:
        """Stops the clock and takes what is left in the pipes."""
        self._timer.cancel()
        duration = (time.monotonic() - self._started) * 1000
        pipes = (self._place.stdout, self._place.stderr)
        for pipe in pipes:
            pipe.end()
        overflows = [found for pipe in pipes if (found := pipe.overflow()) is not None]
        return {"durationMs": duration, "overflows": overflows}

"""A small single-threaded event loop: readiness callbacks and timers."""

from __future__ import annotations

import heapq
import itertools
import select
import time
from typing import Callable

Callback = Callable[[], None]
NOTHING: tuple[Callback | None, Callback | None] = (None, None)

# Cancelled timers are taken out in bulk: a deadline that is long over would otherwise wait for its hour.
MIN_TIMERS_TO_SWEEP = 64


class Timer:
    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    def __init__(self) -> None:
        self._polled = select.epoll()
        self._callbacks: dict[int, tuple[Callback | None, Callback | None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._sweep_at = MIN_TIMERS_TO_SWEEP

    def on_readable(self, fd: int, callback: Callback | None) -> None:
        self._set(fd, callback, self._callbacks.get(fd, NOTHING)[1])

    def on_writable(self, fd: int, callback: Callback | None) -> None:
        self._set(fd, self._callbacks.get(fd, NOTHING)[0], callback)

    def forget(self, fd: int) -> None:
        self._set(fd, None, None)

    def _set(self, fd: int, read: Callback | None, write: Callback | None) -> None:
        if self._callbacks.get(fd, NOTHING) == (read, write):
            return
        known = fd in self._callbacks
        events = (select.EPOLLIN if read else 0) | (select.EPOLLOUT if write else 0)
        if not events:
            if known:
                del self._callbacks[fd]
                self._polled.unregister(fd)
            return
        self._callbacks[fd] = (read, write)
        if known:
            self._polled.modify(fd, events)
        else:
            self._polled.register(fd, events)

    def after(self, seconds: float, callback: Callback) -> Timer:
        timer = Timer(callback)
        if len(self._timers) >= self._sweep_at:
            self._timers = [entry for entry in self._timers if entry[2].callback is not None]
            heapq.heapify(self._timers)
            self._sweep_at = max(MIN_TIMERS_TO_SWEEP, 2 * len(self._timers))
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), timer))
        return timer

    def run_once(self) -> None:
        """Waits for the next readiness or timer and runs what is due."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for fd, events in self._polled.poll(wait):
            # An earlier callback of this round may have closed the descriptor. An end or an error concerns both.
            write = self._callbacks.get(fd, NOTHING)[1]
            if write and events & ~select.EPOLLIN:
                write()
            read = self._callbacks.get(fd, NOTHING)[0]
            if read and events & ~select.EPOLLOUT:
                read()
        while self._timers and self._timers[0][0] <= time.monotonic():
            callback = heapq.heappop(self._timers)[2].callback
            if callback:
                callback()

"""Wakes the loop when a child has ended."""

from __future__ import annotations

import os
import signal

from .loop import Callback, Loop


def on_child_exit(loop: Loop, callback: Callback) -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # User code may flood us with SIGCHLD; a full pipe still wakes us.
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def on_wakeup() -> None:
        try:
            os.read(read, 4096)
        except BlockingIOError:
            pass
        callback()

    loop.on_readable(read, on_wakeup)

"""The interpreter's stdout and stderr: seen at once, and put back after code that closed them."""

from __future__ import annotations

import fcntl
import io
import os
import sys

# Spares of the descriptors lie where a program that closes the few it knows of does not reach.
SPARES_FROM = 200


class LiveText(io.TextIOWrapper):
    """Every write is seen at once, also when code catches a half-printed line."""

    def write(self, text: str) -> int:
        written = super().write(text)
        self.flush()
        return written


def live_text(fd: int) -> LiveText:
    # A buffered writer below: unlike a raw file it finishes a write that a signal cut short.
    return LiveText(io.BufferedWriter(io.FileIO(fd, "w", closefd=False)), encoding="utf-8", errors="backslashreplace")


class OutputStream:
    def __init__(self, name: str, fd: int) -> None:
        self.name = name
        self._fd = fd
        self._pipe = os.fstat(fd)
        self._spare = _spare_of(fd)
        self._text = live_text(fd)

    def begin(self) -> None:
        """Each call prints there again, whatever an earlier one put in its place."""
        if self._is_closed():
            self._text = live_text(self._fd)
        setattr(sys, self.name, self._text)

    def end(self) -> bool:
        """False when the call's code closed the stream or its descriptor, or pointed it elsewhere."""
        self._flush()
        if self._is_pipe(self._fd) and not self._is_closed():
            return True
        self._put_back()
        return False

    def _put_back(self) -> None:
        # What could not be written is still in a buffer, and must not come out in a later call.
        null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
        if null != self._fd:
            os.dup2(null, self._fd)
            os.close(null)
        self._flush()
        # The spare too may be gone, or another file by now; then the next call says it again.
        if self._is_pipe(self._spare):
            os.dup2(self._spare, self._fd)

    def _flush(self) -> None:
        try:
            self._text.flush()
        except (OSError, ValueError):
            pass

    def _is_closed(self) -> bool:
        try:
            return self._text.closed
        except ValueError:  # it was detached from its buffer
            return True

    def _is_pipe(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._pipe)
        except OSError:
            return False


def _spare_of(fd: int) -> int:
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, SPARES_FROM)
    except OSError:
        return -1

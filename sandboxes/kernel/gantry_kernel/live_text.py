"""Text streams whose every write is seen at once, also when code catches a half-printed line."""

from __future__ import annotations

import io


class LiveText(io.TextIOWrapper):
    def write(self, text: str) -> int:
        written = super().write(text)
        self.flush()
        return written


def live_text(fd: int) -> LiveText:
    # A buffered writer below: unlike a raw file it finishes a write that a signal cut short.
    return LiveText(io.BufferedWriter(io.FileIO(fd, "w", closefd=False)), encoding="utf-8", errors="backslashreplace")

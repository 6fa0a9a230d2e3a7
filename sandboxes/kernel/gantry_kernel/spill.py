"""The whole of an output that went over its call's cap, as a file of the working directory."""

from __future__ import annotations

import os

from .workspace import Refused, Workspace

FOLDER = "output"
MAX_BYTES = 16 << 20
MAX_NAMES = 100


class Spill:
    """`problem` says why there is no file: the output is then only counted. Nothing here fails a call."""

    def __init__(self, workspace: Workspace, call_number: int, stream: str) -> None:
        self._workspace = workspace
        self._file: int | None = None
        self.path = ""
        self.bytes = 0
        """What was printed past the file's cap."""
        self.missing_bytes = 0
        self.problem: str | None = None
        try:
            self._create(f"{FOLDER}/call-{call_number}", f"{stream}.txt")
        except Refused as refusal:
            self.problem = str(refusal)

    def write(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            view = memoryview(data)[: MAX_BYTES - self.bytes]
            self.missing_bytes += len(data) - len(view)
            while view:
                written = os.write(self._file, view)
                view = view[written:]
                self.bytes += written
        except OSError:
            # What fits of it would only keep the call's next file from fitting.
            self._give_up("the working directory is full")

    def finish(self) -> None:
        if self._file is None:
            return
        if self._workspace.holds(self.path, self._file):
            os.close(self._file)
            self._file = None
        else:
            self._give_up("the call removed the file that it was written to")

    def _create(self, stem: str, ending: str) -> None:
        for number in range(1, MAX_NAMES + 1):
            self.path = f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}"
            self._file = self._workspace.create(self.path)
            if self._file is not None:
                return
        self.problem = "every name for its file is taken"

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        if self._file is not None:
            self._workspace.discard(self.path, self._file)
            self._file = None

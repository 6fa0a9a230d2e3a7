"""The interpreter's side of its socket to the supervisor: blocking, used by one thread."""

from __future__ import annotations

import json
import os

from .protocol import JSON, TOKEN_BYTES, FrameReader, encode


class ChildChannel:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._frames = FrameReader()
        self._ready: list[tuple[int, bytes]] = []
        self.token = bytes(TOKEN_BYTES)
        # A fork that user code makes must not answer for the interpreter, nor take its requests.
        os.register_at_fork(after_in_child=self._abandon)

    def _abandon(self) -> None:
        os.close(self._fd)
        self._fd = -1

    def receive(self) -> str | None:
        """The next call's source; None when the supervisor is gone or the descriptor was closed by user code."""
        while not self._ready:
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError:
                return None
            if not data:
                return None
            self._ready = self._frames.feed(data)
        payload = self._ready.pop(0)[1]
        self.token = payload[:TOKEN_BYTES]
        return payload[TOKEN_BYTES:].decode("utf-8", "surrogatepass")

    def send(self, kind: int, *parts: bytes) -> None:
        view = memoryview(encode(kind, self.token, *parts))
        while view:
            view = view[os.write(self._fd, view) :]

    def send_json(self, message: dict[str, object]) -> None:
        self.send(JSON, json.dumps(message).encode())

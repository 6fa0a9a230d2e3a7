"""What the host is told of the one call that runs: sent as it comes and, where asked, kept for the next host."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Callable

from .frame_writer import FrameWriter
from .protocol import ID, IMAGE, JSON, STDERR, STDOUT, VIDEO_FRAME

STREAMS = {STDOUT: "stdout", STDERR: "stderr"}
MAX_KEPT_TEXT_BYTES = 4 << 20
MAX_KEPT_PICTURE_BYTES = 8 << 20
CHUNK_BYTES = 64 << 10
NOT_KEPT = "the server restarted while this was printed, and no more of it was kept"


class KeptCall:
    """Bounded: of each stream the beginning, of the pictures the newest."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.texts = {STDOUT: bytearray(), STDERR: bytearray()}
        self.pictures: deque[tuple[int, bytes]] = deque()
        self.result: dict[str, Any] | None = None
        self._picture_bytes = 0
        self._dropped_bytes = {STDOUT: 0, STDERR: 0}
        self._dropped_images = 0

    def add_text(self, kind: int, data: bytes) -> None:
        text = self.texts[kind]
        kept = data[: MAX_KEPT_TEXT_BYTES - len(text)]
        text += kept
        self._dropped_bytes[kind] += len(data) - len(kept)

    def add_picture(self, kind: int, body: bytes) -> None:
        self.pictures.append((kind, body))
        self._picture_bytes += len(body)
        while self._picture_bytes > MAX_KEPT_PICTURE_BYTES:
            dropped, gone = self.pictures.popleft()
            self._picture_bytes -= len(gone)
            self._dropped_images += dropped == IMAGE

    def marked_result(self) -> dict[str, Any] | None:
        """With what is missing of what was kept; frames of a moving picture are counted in it anyway."""
        if self.result is None:
            return None
        overflows = {found["stream"]: found for found in self.result["overflows"]}
        for kind, stream in STREAMS.items():
            if self._dropped_bytes[kind] > 0:
                found = overflows.get(stream, {"stream": stream, "droppedBytes": 0, "problem": NOT_KEPT})
                dropped = found["droppedBytes"] + self._dropped_bytes[kind]
                overflows[stream] = {**found, "droppedBytes": dropped}
        return {**self.result, "overflows": list(overflows.values()), "imagesNotKept": self._dropped_images}


class CallOutbox:
    def __init__(self, writer: FrameWriter) -> None:
        self._writer = writer
        self._kept: KeptCall | None = None
        self.keeps = False
        """The request's id by which the present host knows the call; None while it has not asked for it."""
        self.told_as: int | None = None

    @property
    def is_full(self) -> bool:
        return self._writer.is_full

    def when_drained(self, callback: Callable[[], None]) -> None:
        self._writer.when_drained(callback)

    def flush(self) -> None:
        self._writer.flush()

    def begin(self, call_id: int, key: str) -> None:
        """A call that follows shows that its host has the one before it."""
        self.told_as = call_id
        self._kept = KeptCall(key) if self.keeps and key else None

    def add_text(self, kind: int, data: bytes) -> None:
        if self._kept is not None:
            self._kept.add_text(kind, data)
        if self.told_as is not None:
            self._writer.add(kind, ID.pack(self.told_as), data)

    def send_picture(self, kind: int, body: bytes) -> None:
        if self._kept is not None:
            self._kept.add_picture(kind, body)
        if self.told_as is not None:
            send = self._writer.send_perishable if kind == VIDEO_FRAME else self._writer.send
            send(kind, ID.pack(self.told_as), body)

    def finish(self, result: dict[str, Any]) -> None:
        if self._kept is not None:
            self._kept.result = result
        self._send_result(result)

    def forget_host(self) -> None:
        """The numbers of its requests mean nothing to the next one."""
        self.told_as = None

    def resume(self, call_id: int, key: str) -> bool:
        """Tells all of that call so far, and goes on with it; False when it is not kept. It is never run again."""
        kept = self._kept
        if kept is None or kept.key != key:
            return False
        self.told_as = call_id
        identity = ID.pack(call_id)
        for kind, text in kept.texts.items():
            for start in range(0, len(text), CHUNK_BYTES):
                self._writer.add(kind, identity, bytes(text[start : start + CHUNK_BYTES]))
        for kind, body in kept.pictures:
            self._writer.add(kind, identity, body)
        result = kept.marked_result()
        if result is not None:
            self._send_result(result)
        self._writer.flush()
        return True

    def acknowledge(self, key: str) -> None:
        kept = self._kept
        if kept is not None and kept.key == key and kept.result is not None:
            self._kept = None

    def _send_result(self, result: dict[str, Any]) -> None:
        if self.told_as is not None:
            message = {"type": "result", "id": self.told_as, **result}
            self._writer.send(JSON, json.dumps(message).encode())

"""The supervisor's view of one forked interpreter: its pipes, its socket, its hostile frames."""

from __future__ import annotations

import json
import secrets
import socket
from typing import Any, Callable

from .children import fork_interpreter
from .frame_writer import FrameWriter
from .loop import Loop
from .output import OutputPipe
from .protocol import IMAGE, JSON, STDERR, STDOUT, TOKEN_BYTES, VIDEO_FRAME, FrameReader, ProtocolError

MAX_PICTURE_BYTES = 32 << 20
MAX_PICTURES = {IMAGE: 16, VIDEO_FRAME: 60}
PICTURE_TYPES = {IMAGE: b"image/png", VIDEO_FRAME: b"image/jpeg"}
STATUSES = ("completed", "failed", "interrupted")

Picture = Callable[[int, bytes], None]
Finished = Callable[[dict[str, Any]], None]


def checked_result(payload: bytes) -> dict[str, Any]:
    """The known fields of a result with the right types; a forger can lie about its own call, not break ours."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("result is not JSON") from error
    if not isinstance(message, dict) or message.get("status") not in STATUSES:
        raise ProtocolError("result has no status")
    result: dict[str, Any] = {"status": message["status"]}
    for key in ("value", "exception"):
        if isinstance(message.get(key), str):
            result[key] = message[key]
    for key in ("frames", "cpuMs", "peakMemoryBytes"):
        value = message.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15:
            result[key] = value
    return result


class InterpreterProcess:
    def __init__(
        self,
        loop: Loop,
        workspace: str,
        writer: FrameWriter,
        on_hello: Callable[[bool], None],
        on_violation: Callable[[str], None],
    ) -> None:
        child = fork_interpreter(workspace)
        assert child.channel is not None
        self.pid = child.pid
        self._loop = loop
        self._socket: socket.socket | None = child.channel
        self._writer = writer
        self._requests = FrameWriter(loop, child.channel.fileno(), self._close_channel)
        self._frames = FrameReader()
        self._on_hello: Callable[[bool], None] | None = on_hello
        self._on_violation = on_violation
        self._token = b""
        self._on_picture: Picture | None = None
        self._on_finished: Finished | None = None
        self._room: dict[int, int] = {}
        self._picture_bytes = 0
        self.stdout = OutputPipe(loop, child.stdout, STDOUT, writer)
        self.stderr = OutputPipe(loop, child.stderr, STDERR, writer)
        loop.on_readable(child.channel.fileno(), self._on_readable)

    def run(self, code: str, on_picture: Picture, on_finished: Finished) -> None:
        self._token = secrets.token_bytes(TOKEN_BYTES)
        self._on_picture, self._on_finished = on_picture, on_finished
        self._room, self._picture_bytes = dict(MAX_PICTURES), 0
        request = {"token": self._token.hex(), "code": code}
        self._requests.send(JSON, json.dumps(request).encode())

    def stop_listening(self) -> None:
        """No frame counts any more: the call is over, whatever the child still says."""
        self._token, self._on_picture, self._on_finished = b"", None, None

    def close(self) -> None:
        self.stop_listening()
        self._close_channel()
        self.stdout.close()
        self.stderr.close()

    def _close_channel(self) -> None:
        if self._socket is not None:
            self._requests.close()
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _on_readable(self) -> None:
        if self._socket is None:
            return
        if self._writer.is_full:
            self._loop.on_readable(self._socket.fileno(), None)
            self._writer.when_drained(self._resume)
            return
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_channel()
            return
        try:
            for kind, payload in self._frames.feed(data):
                self._take(kind, payload)
        except ProtocolError as error:
            self._close_channel()
            self._on_violation(str(error))

    def _resume(self) -> None:
        if self._socket is not None:
            self._loop.on_readable(self._socket.fileno(), self._on_readable)

    def _take(self, kind: int, payload: bytes) -> None:
        if self._on_hello is not None:
            on_hello, self._on_hello = self._on_hello, None
            on_hello(b'"filtered": true' in payload)
            return
        body = payload[TOKEN_BYTES:]
        if not self._token or not secrets.compare_digest(payload[:TOKEN_BYTES], self._token):
            raise ProtocolError("frame without the call's token")
        if kind == JSON and self._on_finished is not None:
            finished, result = self._on_finished, checked_result(body)
            self.stop_listening()
            finished(result)
        elif kind in MAX_PICTURES and self._on_picture is not None:
            self._take_picture(kind, body, self._on_picture)
        else:
            raise ProtocolError(f"frame of kind {kind}")

    def _take_picture(self, kind: int, body: bytes, on_picture: Picture) -> None:
        mime = PICTURE_TYPES[kind]
        if body[: 1 + len(mime)] != bytes([len(mime)]) + mime:
            raise ProtocolError("picture of an unknown type")
        self._room[kind] -= 1
        self._picture_bytes += len(body)
        if self._room[kind] >= 0 and self._picture_bytes <= MAX_PICTURE_BYTES:
            on_picture(kind, body)

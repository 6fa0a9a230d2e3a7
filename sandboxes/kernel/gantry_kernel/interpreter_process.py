"""The supervisor's view of one forked interpreter: its pipes, its socket, its hostile frames."""

from __future__ import annotations

import secrets
import socket
from typing import Any, Callable

from .call_outbox import CallOutbox
from .children import fork_interpreter
from .frame_writer import FrameWriter
from .loop import Loop
from .output import OutputPipe
from .protocol import CODE, IMAGE, JSON, STDERR, STDOUT, TOKEN_BYTES, VIDEO_FRAME, FrameReader, ProtocolError
from .python_result import checked_result

# Images wait for the host; frames of a moving picture are dropped where they come too fast.
MAX_PICTURES = {IMAGE: 16, VIDEO_FRAME: 600}
MAX_PICTURE_BYTES = {IMAGE: 32 << 20, VIDEO_FRAME: 128 << 20}
PICTURE_TYPES = {IMAGE: b"image/png", VIDEO_FRAME: b"image/jpeg"}

Picture = Callable[[int, bytes], None]
Finished = Callable[[dict[str, Any]], None]


class InterpreterProcess:
    def __init__(
        self,
        loop: Loop,
        workspace: str,
        outbox: CallOutbox,
        on_hello: Callable[[bool], None],
        on_violation: Callable[[str], None],
    ) -> None:
        child = fork_interpreter(workspace)
        assert child.channel is not None
        self.pid = child.pid
        self._loop = loop
        self._socket: socket.socket | None = child.channel
        self._outbox = outbox
        self._requests = FrameWriter(loop, child.channel.fileno(), self._close_channel)
        self._frames = FrameReader()
        self._on_hello: Callable[[bool], None] | None = on_hello
        self._on_violation = on_violation
        self._token = b""
        self._next_token = secrets.token_bytes(TOKEN_BYTES)
        self._on_picture: Picture | None = None
        self._on_finished: Finished | None = None
        self._room: dict[int, int] = {}
        self._picture_bytes: dict[int, int] = {}
        self.stdout = OutputPipe(loop, child.stdout, STDOUT, outbox)
        self.stderr = OutputPipe(loop, child.stderr, STDERR, outbox)
        loop.on_readable(child.channel.fileno(), self._on_readable)

    def discard_output(self) -> None:
        """What threads of an earlier call printed since is not the next call's."""
        self.stdout.discard()
        self.stderr.discard()

    def run(self, code: str, on_picture: Picture, on_finished: Finished) -> None:
        self._token = self._next_token
        self._on_picture, self._on_finished = on_picture, on_finished
        self._room, self._picture_bytes = dict(MAX_PICTURES), dict(MAX_PICTURE_BYTES)
        self._requests.send(CODE, self._token, code.encode("utf-8", "surrogatepass"))
        # Made while the code runs.
        self._next_token = secrets.token_bytes(TOKEN_BYTES)

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
        if self._outbox.is_full:
            self._loop.on_readable(self._socket.fileno(), None)
            self._outbox.when_drained(self._resume)
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
        self._picture_bytes[kind] -= len(body)
        if self._room[kind] >= 0 and self._picture_bytes[kind] >= 0:
            on_picture(kind, body)

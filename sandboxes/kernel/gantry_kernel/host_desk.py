"""What the host asks for. Calls are handed on; all else is served here."""

from __future__ import annotations

import json
from typing import Callable, NoReturn, Protocol

from .call_outbox import CallOutbox
from .egress import Egress
from .file_requests import FileRequests
from .frame_writer import FrameWriter
from .host_link import HostLink
from .loop import Loop
from .protocol import DATA, JSON, TAKEOVER, TUNNEL
from .requests import (
    AcknowledgeRequest,
    BadRequest,
    FileRequest,
    InterruptRequest,
    PingRequest,
    PythonRequest,
    ResumeRequest,
    ShellRequest,
    SuccessionRequest,
    parse_request,
)
from .takeover import MAGIC
from .workspace import Workspace

OUTPUT = 1


class Calls(Protocol):
    def start(self, request: PythonRequest | ShellRequest) -> None: ...

    def interrupt(self, call_id: int) -> None: ...

    def forget_host(self) -> None:
        """Another host has come; what the one before waited for is not wanted any more."""


class HostDesk:
    def __init__(self, loop: Loop, workspace: Workspace, calls: Calls, leave: Callable[[], NoReturn]) -> None:
        self._calls = calls
        self._link = HostLink(loop, self._on_frame, self._on_takeover, leave)
        self._writer = FrameWriter(loop, OUTPUT, leave)
        self._files = FileRequests(workspace, self._writer)
        self._egress = Egress(loop, self._writer)
        self._ready: dict[str, object] | None = None
        self.outbox = CallOutbox(self._writer)

    def open(self) -> None:
        self._link.listen()

    def announce(self, facts: dict[str, object]) -> None:
        """Once, to whoever is the host then; each next one hears it too."""
        if self._ready is None:
            self._ready = {"type": "ready", **facts}
            self._send(self._ready)

    def refuse(self, request_id: int, code: str, message: str) -> None:
        self._send({"type": "refused", "id": request_id, "code": code, "message": message})

    def _on_frame(self, kind: int, payload: bytes) -> None:
        if kind == DATA:
            self._files.receive(payload)
        elif kind == TUNNEL:
            self._egress.receive(payload)
        elif kind == JSON:
            self._take(payload)

    def _on_takeover(self, nonce: bytes) -> None:
        """What the earlier host was told, or had asked for, is not the next one's, except the call that runs."""
        self.outbox.forget_host()
        self._calls.forget_host()
        self._files.abandon_all()
        self._egress.restart()
        self._writer.restart()
        self._writer.send(TAKEOVER, MAGIC, nonce)
        if self._ready is not None:
            self._send(self._ready)

    def _take(self, payload: bytes) -> None:
        try:
            request = parse_request(payload)
        except BadRequest as error:
            self.refuse(error.call_id, "invalid_request", str(error))
            return
        match request:
            case PythonRequest() | ShellRequest():
                self._calls.start(request)
            case InterruptRequest():
                self._calls.interrupt(request.id)
            case FileRequest():
                self._files.handle(request)
            case PingRequest():
                self._done(request.id)
            case SuccessionRequest():
                self._link.expect_successor(request.anchor)
                self.outbox.keeps = True
                self._done(request.id)
            case AcknowledgeRequest():
                self.outbox.acknowledge(request.key)
                self._done(request.id)
            case ResumeRequest():
                if not self.outbox.resume(request.id, request.key):
                    self.refuse(request.id, "not_found", "that call is not known here")

    def _done(self, request_id: int) -> None:
        self._send({"type": "done", "id": request_id})

    def _send(self, message: dict[str, object]) -> None:
        self._writer.send(JSON, json.dumps(message).encode())

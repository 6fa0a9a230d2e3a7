"""Serves list, pending, read, write and remove. Reads go out a few chunks ahead of the host's credit, never more."""

from __future__ import annotations

import json
from typing import Iterator

from .file_tree import described
from .frame_writer import FrameWriter
from .protocol import DATA, ID, JSON
from .requests import FileRequest
from .workspace import Refused, Upload, Workspace

READ_AHEAD_CHUNKS = 4


class FileRequests:
    def __init__(self, workspace: Workspace, writer: FrameWriter) -> None:
        self._workspace = workspace
        self._writer = writer
        self._reads: dict[int, Iterator[bytes]] = {}
        self._uploads: dict[int, Upload] = {}

    def handle(self, request: FileRequest) -> None:
        try:
            self._serve(request)
        except Refused as refusal:
            self._refuse(request.id, refusal)

    def _serve(self, request: FileRequest) -> None:
        match request.operation:
            case "list":
                files = [described(path, entry) for path, entry in self._workspace.scan().files.items()]
                self._answer(request.id, {"files": files})
            case "pending":
                self._answer(request.id, {"changes": self._workspace.pending()})
            case "read":
                self._reads[request.id] = self._workspace.read(request.path, request.max_bytes)
                for _ in range(READ_AHEAD_CHUNKS):
                    self._send_chunk(request.id)
            case "more":
                self._send_chunk(request.id)
            case "cancel":
                self._cancel(request.id)
            case "write":
                self._cancel(request.id)
                self._uploads[request.id] = self._workspace.put(request.path, request.executable)
            case "remove":
                self._workspace.remove(request.path)
                self._answer(request.id, {})

    def receive(self, payload: bytes) -> None:
        """Bytes for nobody are dropped: the host learns of a refused upload only after it has sent some."""
        if len(payload) < ID.size:
            return
        call_id = ID.unpack_from(payload)[0]
        upload = self._uploads.get(call_id)
        if upload is None:
            return
        data = payload[ID.size :]
        try:
            if data:
                upload.append(data)
                return
            del self._uploads[call_id]
            upload.finish()
            self._answer(call_id, {})
        except Refused as refusal:
            self._uploads.pop(call_id, None)
            self._refuse(call_id, refusal)

    def abandon_all(self) -> None:
        """Whoever asked is gone."""
        for call_id in (*self._reads, *self._uploads):
            self._cancel(call_id)

    def _send_chunk(self, call_id: int) -> None:
        reading = self._reads.get(call_id)
        if reading is None:
            return
        try:
            chunk = next(reading, None)
        except Refused as refusal:
            del self._reads[call_id]
            self._refuse(call_id, refusal)
            return
        if chunk is None:
            del self._reads[call_id]
            self._answer(call_id, {})
        else:
            self._writer.send(DATA, ID.pack(call_id), chunk)

    def _cancel(self, call_id: int) -> None:
        self._reads.pop(call_id, None)
        upload = self._uploads.pop(call_id, None)
        if upload is not None:
            upload.abandon()

    def _answer(self, call_id: int, fields: dict[str, object]) -> None:
        self._writer.send(JSON, json.dumps({"type": "done", "id": call_id, **fields}).encode())

    def _refuse(self, call_id: int, refusal: Refused) -> None:
        message = {"type": "refused", "id": call_id, "code": refusal.code, "message": str(refusal)}
        self._writer.send(JSON, json.dumps(message).encode())

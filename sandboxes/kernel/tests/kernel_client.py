"""A blocking client of a real supervisor process, for tests; it stands in for the host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, NamedTuple

from gantry_kernel.protocol import DATA, ID, IMAGE, JSON, STDERR, STDOUT, TAKEOVER, VIDEO_FRAME, FrameReader, encode
from gantry_kernel.takeover import MAGIC, OPENING


class Outcome(NamedTuple):
    result: dict[str, Any]
    stdout: str
    stderr: str
    images: list[bytes]
    frames: list[bytes]


class KernelClient:
    def __init__(self, **environment: str) -> None:
        self.workspace = tempfile.TemporaryDirectory()
        command = [sys.executable, "-m", "gantry_kernel", "--bare", "--workspace", self.workspace.name]
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}
        )
        self._frames = FrameReader(16 << 20)
        self._ready: list[tuple[int, bytes]] = []
        self._last_id = 0
        self.ready = json.loads(self.receive()[1])

    def close(self) -> None:
        """May be called again."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()
        self.workspace.cleanup()

    def send(self, **request: Any) -> int:
        assert self.process.stdin
        self._last_id += 1
        frame = encode(JSON, json.dumps({"id": self._last_id, **request}).encode())
        self.process.stdin.write(frame)
        self.process.stdin.flush()
        return self._last_id

    def send_raw(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def be_next_host(self, token: bytes, nonce: bytes) -> dict[str, Any]:
        """What the kernel says to the host that has taken over; all before that is passed over."""
        assert self.process.stdout
        self.send_raw(OPENING + token + nonce)
        marker = encode(TAKEOVER, MAGIC, nonce)
        seen = b""
        while marker not in seen:
            seen += os.read(self.process.stdout.fileno(), 1 << 16)
        self._frames = FrameReader(16 << 20)
        self._ready = self._frames.feed(seen[seen.index(marker) + len(marker) :])
        self._last_id = 0
        message: dict[str, Any] = json.loads(self.receive()[1])
        return message

    def send_data(self, call_id: int, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(encode(DATA, ID.pack(call_id), data))
        self.process.stdin.flush()

    def receive(self) -> tuple[int, bytes]:
        assert self.process.stdout
        while not self._ready:
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                raise EOFError("the supervisor is gone")
            self._ready = self._frames.feed(data)
        return self._ready.pop(0)

    def finish(self, call_id: int) -> Outcome:
        chunks: dict[int, list[bytes]] = {STDOUT: [], STDERR: [], IMAGE: [], VIDEO_FRAME: [], DATA: []}
        while True:
            kind, payload = self.receive()
            if kind == JSON:
                message = json.loads(payload)
                if message["id"] == call_id:
                    text = [b"".join(chunks[kind]).decode() for kind in (STDOUT, STDERR)]
                    return Outcome(message, text[0], text[1], chunks[IMAGE] + chunks[DATA], chunks[VIDEO_FRAME])
            elif ID.unpack_from(payload)[0] == call_id:
                chunks[kind].append(payload[ID.size :])

    def exec(self, code: str, timeout: float = 120, max_output: int = 1 << 20) -> Outcome:
        call_id = self.send(op="exec", code=code, timeoutMs=timeout * 1000, maxOutputBytes=max_output)
        return self.finish(call_id)

    def shell(
        self, *commands: str, timeout: float = 120, max_output: int = 1 << 20, background: str = "end"
    ) -> Outcome:
        limits = {"timeoutMs": timeout * 1000, "maxOutputBytes": max_output}
        return self.finish(self.send(op="shell", commands=commands, background=background, **limits))

    def first_output(self) -> bytes:
        """The next piece of stdout, as soon as it comes."""
        while True:
            kind, payload = self.receive()
            if kind == STDOUT:
                return payload[ID.size :]


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()

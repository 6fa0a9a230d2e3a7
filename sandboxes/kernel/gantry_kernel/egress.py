"""The way out for the code in the sandbox, where the host allows one: to the host's HTTP proxy and nowhere else.

A listener on the loopback interface takes connections, and each becomes a stream of tunnel frames between
the kernel and its host: `u32 stream | u8 operation | body`. Streams are numbered 1, 2, 3, ... as they are
accepted. `o` opens one, `d` carries bytes, `e` ends this side's bytes, `r` gives the stream up, and `c` (u32)
says how many bytes more the other side may send; on stream 0, how many streams more may be opened. `s` on
stream 0 begins it all: JSON from the host, and the kernel's answer, empty or why it cannot be.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from .egress_environment import apply
from .frame_writer import FrameWriter
from .loop import Loop
from .protocol import ID, TUNNEL
from .tunnel import CREDIT, OPEN, Tunnel

# The host begins with the same number, see src/sandbox/kernel/tunnel-frames.ts.
INITIAL_STREAMS = 32
BACKLOG = 128
START = ord("s")


class Egress:
    def __init__(self, loop: Loop, writer: FrameWriter) -> None:
        self._loop = loop
        self._writer = writer
        self._listener: socket.socket | None = None
        self._tunnels: dict[int, Tunnel] = {}
        self._last_id = 0
        self._openable = INITIAL_STREAMS

    def receive(self, payload: bytes) -> None:
        """A frame for a stream that is over is dropped: it crossed with its end."""
        stream, operation, body = ID.unpack_from(payload)[0], payload[ID.size], payload[ID.size + 1 :]
        if stream == 0 and operation == START:
            self._start(json.loads(body))
        elif stream == 0 and operation == CREDIT:
            self._openable += struct.unpack(">I", body)[0]
            self._watch_listener()
        tunnel = self._tunnels.get(stream)
        if tunnel is not None:
            tunnel.take(operation, body)

    def restart(self) -> None:
        """Nobody carries on the connections that there are; the listener stays, and waits for its next start."""
        self._openable = 0
        self._watch_listener()
        for tunnel in [*self._tunnels.values()]:
            tunnel.abandon()
        self._last_id = 0

    def _start(self, request: dict[str, Any]) -> None:
        problem = ""
        try:
            self._openable = INITIAL_STREAMS
            self._listen(request["port"])
            apply(request["environment"])
        except OSError as error:
            problem = str(error)
        self._writer.send(TUNNEL, ID.pack(0), bytes((START,)), problem.encode())

    def _listen(self, port: int) -> None:
        if self._listener is not None:
            self._watch_listener()
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(BACKLOG)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._watch_listener()

    def _watch_listener(self) -> None:
        if self._listener is not None:
            self._loop.on_readable(self._listener.fileno(), self._accept if self._openable > 0 else None)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:
            # Out of descriptors, or the caller is gone: one that closes lets the next in.
            if self._tunnels:
                self._loop.on_readable(self._listener.fileno(), None)
            return
        self._openable -= 1
        self._last_id += 1
        identity = self._last_id

        def closed() -> None:
            del self._tunnels[identity]
            self._watch_listener()

        def send(operation: int, body: bytes = b"") -> None:
            self._writer.send(TUNNEL, ID.pack(identity), bytes((operation,)), body)

        send(OPEN)
        self._tunnels[identity] = Tunnel(connection, self._loop, self._writer, send, closed)
        self._watch_listener()

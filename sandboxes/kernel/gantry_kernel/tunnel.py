"""One connection of the sandbox's code on its way to the host: bounded both ways, each way ends by itself."""

from __future__ import annotations

import socket
import struct
from typing import Callable, Protocol

from .frame_writer import FrameWriter
from .loop import Loop

OPEN, DATA, CREDIT, END, RESET = b"odcer"

# The host has the same numbers, see src/sandbox/kernel/tunnel-frames.ts.
INITIAL_CREDIT_BYTES = 128 << 10
MAX_DATA_BYTES = 16 << 10
# Credit is given back in portions: a frame for each small write would cost more than the write.
CREDIT_PORTION_BYTES = INITIAL_CREDIT_BYTES // 4

_CREDIT = struct.Struct(">I")
# Closing then sends a reset, so that a response cut short is not taken for a whole one.
_NO_LINGER = struct.pack("ii", 1, 0)


class Send(Protocol):
    def __call__(self, operation: int, body: bytes = b"") -> None: ...


class Tunnel:
    def __init__(
        self,
        connection: socket.socket,
        loop: Loop,
        writer: FrameWriter,
        send: Send,
        on_closed: Callable[[], None],
    ) -> None:
        self._socket = connection
        self._loop = loop
        self._writer = writer
        self._send = send
        self._on_closed = on_closed
        self._credit = INITIAL_CREDIT_BYTES
        self._window = INITIAL_CREDIT_BYTES
        self._owed = 0
        self._backlog = bytearray()
        self._host_ended = False
        self._ended = False
        self._open = True
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What lies there counts as read; by itself it would grow to megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, INITIAL_CREDIT_BYTES)
        self._watch()

    def take(self, operation: int, body: bytes) -> None:
        if operation == DATA:
            self._take_data(body)
        elif operation == CREDIT:
            self._credit += _CREDIT.unpack(body)[0]
            self._watch()
        elif operation == END:
            self._host_ended = True
            self._flush()
        elif operation == RESET:
            self._abort()

    def abandon(self) -> None:
        """Closes it without a word to the host."""
        self._abort()

    def _take_data(self, data: bytes) -> None:
        self._window -= len(data)
        if self._window < 0 or self._host_ended:
            self._give_up()
            return
        self._backlog += data
        self._flush()

    def _watch(self) -> None:
        if not self._open:
            return
        fd = self._socket.fileno()
        self._loop.on_readable(fd, self._read if self._credit > 0 and not self._ended else None)
        self._loop.on_writable(fd, self._flush if self._backlog else None)

    def _read(self) -> None:
        if self._writer.is_full:
            self._loop.on_readable(self._socket.fileno(), None)
            self._writer.when_drained(self._watch)
            return
        try:
            data = self._socket.recv(min(self._credit, MAX_DATA_BYTES))
        except BlockingIOError:
            return
        except OSError:
            self._give_up()
            return
        if data:
            self._credit -= len(data)
            self._send(DATA, data)
        else:
            self._ended = True
            self._send(END)
            self._close_if_over()
        self._watch()

    def _flush(self) -> None:
        try:
            while self._backlog:
                sent = self._socket.send(self._backlog)
                del self._backlog[:sent]
                self._owed += sent
        except BlockingIOError:
            pass
        except OSError:
            self._give_up()
            return
        if self._owed >= CREDIT_PORTION_BYTES and not self._host_ended:
            self._window += self._owed
            self._send(CREDIT, _CREDIT.pack(self._owed))
            self._owed = 0
        if self._host_ended and not self._backlog:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                self._give_up()
                return
            self._close_if_over()
        self._watch()

    def _close_if_over(self) -> None:
        if self._host_ended and self._ended and not self._backlog:
            self._close()

    def _give_up(self) -> None:
        self._send(RESET)
        self._abort()

    def _abort(self) -> None:
        if self._open:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._on_closed()

"""The way out of a real supervisor, whose host is the test."""

from __future__ import annotations

import json
import socket
import struct
import unittest
from typing import NamedTuple

from gantry_kernel.egress import INITIAL_STREAMS, START
from gantry_kernel.protocol import ID, TUNNEL, encode
from gantry_kernel.tunnel import CREDIT, DATA, END, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES, OPEN, RESET

from .kernel_client import KernelClient


class Frame(NamedTuple):
    stream: int
    operation: int
    body: bytes


class EgressClient(KernelClient):
    """Keeps the frames of tunnels apart from the answers."""

    def __init__(self, listen: bool = True) -> None:
        self.frames: list[Frame] = []
        self._answers: list[tuple[int, bytes]] = []
        super().__init__()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.packages = f"{self.workspace.name}/packages"
        if listen:
            self.answer = self.start(self.port, {"GANTRY_TEST": "on", "PYTHONUSERBASE": self.packages})

    def start(self, port: int, environment: dict[str, str]) -> Frame:
        self.tunnel(0, START, json.dumps({"port": port, "environment": environment}).encode())
        return self.next_frame()

    def receive(self) -> tuple[int, bytes]:
        while not self._answers:
            self._receive_one()
        return self._answers.pop(0)

    def _receive_one(self) -> None:
        kind, payload = super().receive()
        if kind == TUNNEL:
            self.frames.append(Frame(ID.unpack_from(payload)[0], payload[4], payload[5:]))
        else:
            self._answers.append((kind, payload))

    def next_frame(self) -> Frame:
        while not self.frames:
            self._receive_one()
        return self.frames.pop(0)

    def tunnel(self, stream: int, operation: int, body: bytes = b"") -> None:
        assert self.process.stdin
        self.process.stdin.write(encode(TUNNEL, ID.pack(stream), bytes((operation,)), body))
        self.process.stdin.flush()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return connection


class EgressTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = EgressClient()
        self.sockets: list[socket.socket] = []

    def tearDown(self) -> None:
        for connection in self.sockets:
            connection.close()
        self.client.close()

    def opened(self) -> tuple[socket.socket, int]:
        connection = self.client.connect()
        self.sockets.append(connection)
        frame = self.client.next_frame()
        self.assertEqual((frame.operation, frame.body), (OPEN, b""))
        return connection, frame.stream

    def data_of(self, stream: int, size: int) -> bytes:
        received = b""
        while len(received) < size:
            frame = self.client.next_frame()
            self.assertEqual((frame.stream, frame.operation), (stream, DATA))
            self.assertLessEqual(len(frame.body), MAX_DATA_BYTES)
            received += frame.body
        return received

    def test_bytes_go_both_ways_and_each_way_ends_by_itself(self) -> None:
        self.assertEqual(self.client.answer, Frame(0, START, b""))
        connection, stream = self.opened()
        connection.sendall(b"question")
        self.assertEqual(self.data_of(stream, 8), b"question")
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(self.client.next_frame(), Frame(stream, END, b""))
        self.client.tunnel(stream, DATA, b"ans")
        self.client.tunnel(stream, DATA, b"wer")
        self.client.tunnel(stream, END)
        received = b""
        while piece := connection.recv(100):
            received += piece
        self.assertEqual(received, b"answer")

    def test_the_host_may_end_first(self) -> None:
        connection, stream = self.opened()
        self.client.tunnel(stream, END)
        self.assertEqual(connection.recv(1), b"")
        connection.sendall(b"still")
        self.assertEqual(self.data_of(stream, 5), b"still")
        connection.close()
        self.assertEqual(self.client.next_frame(), Frame(stream, END, b""))

    def test_a_stream_sends_no_more_than_its_credit_while_calls_are_answered(self) -> None:
        connection, stream = self.opened()
        connection.setblocking(False)
        flood = bytes(1 << 20)
        sent = 0
        while True:
            try:
                sent += connection.send(flood)
            except BlockingIOError:
                break
        self.data_of(stream, INITIAL_CREDIT_BYTES)
        self.assertEqual(self.client.exec("6 * 7").result["value"], "42")
        self.assertEqual(self.client.frames, [])
        self.client.tunnel(stream, CREDIT, struct.pack(">I", 100))
        self.assertEqual(len(self.data_of(stream, 100)), 100)
        self.assertEqual(self.client.exec("1 + 1").result["value"], "2")
        self.assertEqual(self.client.frames, [])

    def test_credit_is_given_back_as_the_code_reads(self) -> None:
        connection, stream = self.opened()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(INITIAL_CREDIT_BYTES // MAX_DATA_BYTES):
            self.client.tunnel(stream, DATA, bytes(MAX_DATA_BYTES))
        received = 0
        while received < INITIAL_CREDIT_BYTES:
            received += len(connection.recv(1 << 16))
        self.client.exec("0")
        given = sum(struct.unpack(">I", frame.body)[0] for frame in self.client.frames)
        self.assertTrue(all(frame.operation == CREDIT for frame in self.client.frames))
        self.assertGreater(given, INITIAL_CREDIT_BYTES // 2)
        self.assertLessEqual(given, INITIAL_CREDIT_BYTES)

    def test_a_host_that_sends_over_its_credit_loses_that_stream_only(self) -> None:
        connection, stream = self.opened()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(400):
            self.client.tunnel(stream, DATA, bytes(MAX_DATA_BYTES))
        while (frame := self.client.next_frame()).operation == CREDIT:
            pass
        self.assertEqual(frame, Frame(stream, RESET, b""))
        self.assertEqual(self.client.exec("1 + 1").result["value"], "2")
        _, other = self.opened()
        self.assertEqual(other, stream + 1)

    def test_a_reset_reaches_the_code_as_one(self) -> None:
        connection, stream = self.opened()
        self.client.tunnel(stream, DATA, b"half")
        self.assertEqual(connection.recv(4), b"half")
        self.client.tunnel(stream, RESET)
        with self.assertRaises(ConnectionResetError):
            connection.recv(1)

    def test_a_reset_by_the_code_reaches_the_host(self) -> None:
        connection, stream = self.opened()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.assertEqual(self.client.next_frame(), Frame(stream, RESET, b""))

    def test_frames_for_streams_that_are_over_or_never_were_change_nothing(self) -> None:
        connection, stream = self.opened()
        self.client.tunnel(stream, RESET)
        for unknown in (stream, 999):
            for operation, body in ((DATA, b"x"), (END, b""), (RESET, b""), (CREDIT, bytes(4)), (ord("z"), b"")):
                self.client.tunnel(unknown, operation, body)
        self.assertEqual(self.client.exec("1 + 1").result["value"], "2")
        self.assertEqual(self.client.frames, [])

    def test_no_more_streams_are_open_than_the_host_allows(self) -> None:
        streams = [self.opened() for _ in range(INITIAL_STREAMS)]
        waiting = self.client.connect()
        self.sockets.append(waiting)
        self.client.exec("0")
        self.assertEqual(self.client.frames, [])
        self.client.tunnel(streams[0][1], RESET)
        self.client.exec("0")
        self.assertEqual(self.client.frames, [])
        self.client.tunnel(0, CREDIT, struct.pack(">I", 1))
        self.assertEqual(self.client.next_frame(), Frame(INITIAL_STREAMS + 1, OPEN, b""))

    def test_a_call_flooding_its_stream_is_still_ended_and_answered(self) -> None:
        code = (
            "import socket, threading\n"
            f"def flood():\n    c = socket.create_connection(('127.0.0.1', {self.client.port}))\n"
            "    while True: c.sendall(bytes(1 << 16))\n"
            "for _ in range(8): threading.Thread(target=flood, daemon=True).start()\n"
            "import time; time.sleep(60)"
        )
        call = self.client.send(op="exec", code=code, timeoutMs=60_000, maxOutputBytes=100)
        opened = 0
        while opened < 8:
            opened += self.client.next_frame().operation == OPEN
        for stream in range(1, 9):
            self.client.tunnel(stream, CREDIT, struct.pack(">I", 64 << 20))
        self.client.send(op="interrupt", id=call)
        self.assertEqual(self.client.finish(call).result["outcome"], "interrupted")

    def test_programs_are_told_also_those_that_come_later(self) -> None:
        told = self.client.shell("echo $GANTRY_TEST")
        self.assertEqual((told.stdout, told.result["outcome"]), ("on\n", "completed"), told)
        found = f"sum(path.startswith({self.client.packages!r}) for path in sys.path)"
        apply = "import os, sys; from gantry_kernel.egress_environment import apply\n"
        apply += f"apply({{'PYTHONUSERBASE': {self.client.packages!r}}}); {found}"
        self.assertEqual(self.client.exec(apply).result["value"], "1")
        self.client.exec("import os; os._exit(1)")
        later = self.client.exec(f"import os, sys; (os.environ['GANTRY_TEST'], {found})").result
        self.assertEqual(later["value"], "('on', 1)")

    def test_a_port_that_is_taken_is_said(self) -> None:
        other = EgressClient()
        self.addCleanup(other.close)
        self.assertEqual(other.start(other.port, {}), Frame(0, START, b""))
        third = EgressClient(listen=False)
        self.addCleanup(third.close)
        self.assertIn(b"in use", third.start(other.port, {}).body)


if __name__ == "__main__":
    unittest.main()

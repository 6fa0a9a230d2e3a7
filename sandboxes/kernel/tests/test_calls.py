"""What a call's result says beyond its output, with a real supervisor."""

import json
import os
import select
import unittest
from unittest.mock import patch

from gantry_kernel.call_outbox import CallOutbox
from gantry_kernel.frame_writer import FrameWriter
from gantry_kernel.loop import Loop
from gantry_kernel.output import FLOOD_BYTES, OutputPipe
from gantry_kernel.processes import is_gone
from gantry_kernel.protocol import DATA, HEADER, ID, JSON, STDOUT, FrameReader, encode

from .kernel_client import KernelClient, eventually


class OutputPipeTest(unittest.TestCase):
    def setUp(self) -> None:
        read, self.stdout = os.pipe()
        self.answers, to_host = os.pipe()
        for fd in (read, self.answers):
            os.set_blocking(fd, False)
        self.addCleanup(os.close, self.stdout)
        self.addCleanup(os.close, self.answers)
        self.addCleanup(os.close, to_host)
        self.loop = Loop()
        self.writer = FrameWriter(self.loop, to_host, lambda: None)
        self.outbox = CallOutbox(self.writer)
        self.pipe = OutputPipe(self.loop, read, STDOUT, self.outbox)
        self.addCleanup(self.pipe.close)

    def begin(self, call_id: int, room: int) -> None:
        self.outbox.begin(call_id, "")
        self.pipe.begin(room, lambda stream: self.fail(stream))

    def told(self) -> list[tuple[int, bytes]]:
        self.writer.flush()
        return FrameReader().feed(os.read(self.answers, 1 << 20))

    def test_what_a_shell_prints_before_its_call_is_set_up_is_not_lost(self) -> None:
        os.write(self.stdout, b"early")
        self.begin(7, 100)
        self.pipe.end()
        # It leaves with the call's result.
        self.assertEqual(select.select([self.answers], [], [], 0)[0], [])
        self.assertEqual(self.told(), [(STDOUT, ID.pack(7) + b"early")])
        os.write(self.stdout, b"late")
        self.pipe.discard()
        self.begin(8, 100)
        os.write(self.stdout, b"mine")
        self.pipe.end()
        self.assertEqual(self.told(), [(STDOUT, ID.pack(8) + b"mine")])

    @patch("gantry_kernel.output.GATHER_SECONDS", 3600)
    def test_who_prints_much_does_not_wait_for_more_to_come(self) -> None:
        self.begin(7, 1 << 20)
        os.write(self.stdout, bytes(FLOOD_BYTES))
        self.loop.run_once()
        self.assertEqual(self.told(), [(STDOUT, ID.pack(7) + bytes(FLOOD_BYTES))])

    @patch("gantry_kernel.output.DISCARD_SECONDS", 3600)
    def test_what_an_earlier_call_left_does_not_hold_up_the_next(self) -> None:
        os.write(self.stdout, b"late")
        self.loop.run_once()
        self.pipe.discard()
        self.begin(7, 1 << 20)
        os.write(self.stdout, bytes(FLOOD_BYTES))
        self.loop.after(5, lambda: None)
        self.loop.run_once()
        self.assertEqual(self.told(), [(STDOUT, ID.pack(7) + bytes(FLOOD_BYTES))])


class CallTest(unittest.TestCase):
    client: KernelClient

    @classmethod
    def setUpClass(cls) -> None:
        cls.client = KernelClient()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()

    def path(self, name: str) -> str:
        return os.path.join(self.client.workspace.name, name)

    def test_code_is_not_compiled_with_the_kernels_own_future(self) -> None:
        code = "def f(x: int): pass\nf.__annotations__['x'] is int"
        self.assertEqual(self.client.exec(code).result["value"], "True")

    def test_what_a_call_did_to_the_interrupt_does_not_outlive_it(self) -> None:
        self.client.exec("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)")
        result = self.client.exec("while True: pass", timeout=0.2).result
        self.assertEqual((result["outcome"], result["stateKept"]), ("timed_out", True))

    def test_output_over_the_cap_is_whole_in_a_file(self) -> None:
        outcome = self.client.shell("seq 200000; echo short >&2", max_output=1000)
        [overflow] = outcome.result["overflows"]
        whole = "".join(f"{number}\n" for number in range(1, 200_001))
        with open(self.path(overflow["file"]["path"])) as file:
            self.assertEqual(file.read(), whole)
        self.assertEqual((outcome.stdout, outcome.stderr), (whole[:1000], "short\n"))
        self.assertEqual(overflow["droppedBytes"], len(whole) - 1000)
        changes = [(change["change"], change["path"], change["bytes"]) for change in outcome.result["changes"]]
        self.assertEqual(changes, [("created", overflow["file"]["path"], len(whole))])

    def test_each_stream_has_its_own_file_and_each_call_its_own_name(self) -> None:
        code = "import sys\nfor stream in (sys.stdout, sys.stderr): stream.write('x' * 50)"
        first, second = (self.client.exec(code, max_output=10).result["overflows"] for _ in range(2))
        self.assertEqual([overflow["stream"] for overflow in first], ["stdout", "stderr"])
        paths = {overflow["file"]["path"] for overflow in first + second}
        self.assertEqual(len(paths), 4)
        self.assertEqual(self.client.exec("print('x')", max_output=10).result["overflows"], [])

    def test_a_call_that_runs_over_and_is_killed_still_has_its_file(self) -> None:
        result = self.client.exec("import os\nprint('x' * 50)\nos._exit(1)", max_output=10).result
        self.assertEqual((result["outcome"], result["overflows"][0]["file"]["bytes"]), ("died", 51))

    def test_closed_streams_are_said_and_opened_again(self) -> None:
        for code, closed in (
            ("import os; os.close(1)", ["stdout"]),
            ("import os; os.close(1); print('lost')", ["stdout"]),
            ("import os; os.close(1); os.close(2)", ["stdout", "stderr"]),
            ("import sys; sys.stderr.close()", ["stderr"]),
            ("import sys; sys.stdout.detach()", ["stdout"]),
            ("import os; os.dup2(os.open('elsewhere', os.O_CREAT | os.O_WRONLY), 1)", ["stdout"]),
        ):
            self.assertEqual(self.client.exec(code).result["closed"], closed, code)
            after = self.client.exec("import sys\nprint('out')\nprint('err', file=sys.stderr)")
            self.assertEqual((after.stdout, after.stderr), ("out\n", "err\n"), code)
            self.assertNotIn("closed", after.result)

    def test_a_stream_that_is_put_back_in_time_is_not_said(self) -> None:
        code = "import os\nkept = os.dup(1)\nos.close(1)\nos.dup2(kept, 1)\nos.close(kept)\nprint('out')"
        outcome = self.client.exec(code)
        self.assertEqual((outcome.stdout, "closed" in outcome.result), ("out\n", False))

    def test_figures_are_told_for_both_kinds(self) -> None:
        busy = "sum(i * i for i in range(300_000)); x = bytearray(60_000_000)"
        for outcome in (self.client.exec(busy), self.client.shell(f"python3 -c '{busy}'")):
            self.assertGreater(outcome.result["cpuMs"], 5)
            self.assertGreater(outcome.result["peakMemoryBytes"], 60_000_000)
            self.assertEqual(outcome.result["oomKills"], 0)
        self.client.exec("del x")
        self.assertLess(self.client.exec("1").result["peakMemoryBytes"], 60_000_000)

    def test_an_error_whose_text_never_ends_is_interrupted(self) -> None:
        self.client.exec("class Endless(Exception):\n  def __str__(self):\n    while True: pass\nkept = 5")
        result = self.client.exec("raise Endless", timeout=0.5).result
        self.assertEqual((result["outcome"], result["stateKept"]), ("timed_out", True))
        self.assertEqual(self.client.exec("kept").result["value"], "5")

    def test_long_commands_and_odd_text_run(self) -> None:
        long = "echo " + "é" * 150_000 + " | wc -m"
        outcome = self.client.shell(long, "printf '%s' \"$#\"", "read line; echo $?")
        self.assertEqual(outcome.stdout, "150001\n31\n")
        self.assertEqual(self.client.shell("echo a\ud800b").stdout, "a?b\n")
        self.assertIn("UnicodeEncodeError", self.client.exec("'\ud800'").result["exception"])

    def test_requests_that_are_none_are_refused_and_nothing_else_happens(self) -> None:
        self.client.exec("kept = 7")
        process = self.client.process
        assert process.stdin
        for payload in (b"{", b"[]", b'{"op":"exec"}', b"\xff\xfe"):
            process.stdin.write(encode(JSON, payload))
        process.stdin.write(encode(DATA, b"\0"))
        process.stdin.write(encode(ord("?"), b"unknown kind"))
        process.stdin.flush()
        for _ in range(4):
            refusal = json.loads(self.client.receive()[1])
            self.assertEqual((refusal["type"], refusal["id"], refusal["code"]), ("refused", 0, "invalid_request"))
        for fields in ({"op": "exec", "code": 3}, {"op": "fly"}, {"op": "read", "path": "x"}):
            refused = self.client.finish(self.client.send(**fields)).result
            self.assertEqual((refused["type"], refused["code"]), ("refused", "invalid_request"), fields)
        self.assertEqual(self.client.exec("kept").result["value"], "7")

    def test_a_second_call_at_once_is_refused_and_the_first_goes_on(self) -> None:
        limits = {"timeoutMs": 60_000, "maxOutputBytes": 100}
        first = self.client.send(op="exec", code="print('begun')\nimport time; time.sleep(60)", **limits)
        self.assertEqual(self.client.first_output(), b"begun\n")
        for fields in ({"op": "exec", "code": "1"}, {"op": "shell", "commands": ["true"]}):
            refused = self.client.finish(self.client.send(**fields, **limits)).result
            self.assertEqual((refused["code"], refused["message"]), ("unavailable", "another call is running"))
        pinged = self.client.send(op="ping")
        self.assertEqual(self.client.finish(pinged).result, {"type": "done", "id": pinged})
        self.client.send(op="interrupt", id=first + 1)
        self.client.send(op="interrupt", id=first)
        self.assertEqual(self.client.finish(first).result["outcome"], "interrupted")

    def test_half_a_frame_and_a_flood_of_frames_harm_the_sender_only(self) -> None:
        half = "import os, struct\nos.write(3, struct.pack('>IB', 100, 74) + b'half')\n1"
        self.assertIn(self.client.exec(half, timeout=1).result["outcome"], ("timed_out", "died"))
        flood = "import os, struct\nwhile True: os.write(3, struct.pack('>IB', 16, 86) + bytes(16))"
        self.assertEqual(self.client.exec(flood).result["outcome"], "died")
        self.assertEqual(self.client.exec("1 + 1").result["value"], "2")


class BrokenHostTest(unittest.TestCase):
    def test_a_frame_of_four_gigabytes_ends_a_supervisor_in_good_order(self) -> None:
        client = KernelClient()
        child = int(client.exec("import os; os.getpid()").result["value"])
        assert client.process.stdin
        client.process.stdin.write(HEADER.pack(0xFFFFFFFF, JSON) + b"{")
        client.process.stdin.flush()
        with self.assertRaises(EOFError):
            client.receive()
        client.close()
        self.assertEqual(client.process.returncode, 0)
        self.assertTrue(eventually(lambda: is_gone(child)))


if __name__ == "__main__":
    unittest.main()

"""A real supervisor in a process of its own, without a container around it."""

import os
import unittest

from gantry_kernel.processes import is_gone

from .kernel_client import KernelClient, eventually


class SupervisorTest(unittest.TestCase):
    client: KernelClient

    @classmethod
    def setUpClass(cls) -> None:
        cls.client = KernelClient()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()

    def test_it_says_when_it_is_ready(self) -> None:
        self.assertEqual(self.client.ready["type"], "ready")
        self.assertEqual(self.client.ready["preloaded"], [])

    def test_output_value_and_state(self) -> None:
        first = self.client.exec('x = 41\nprint("out")\nimport sys; print("err", file=sys.stderr)\nx + 1')
        self.assertEqual((first.stdout, first.stderr, first.result["value"]), ("out\n", "err\n", "42"))
        self.assertEqual(first.result["outcome"], "completed")
        self.assertEqual(self.client.exec("x").result["value"], "41")
        self.assertNotIn("value", self.client.exec("x = 1").result)
        self.assertNotIn("value", self.client.exec("None").result)

    def test_output_is_live_also_within_a_line(self) -> None:
        call_id = self.client.send(
            op="exec", code='print("half", end="")\nimport time; time.sleep(60)', timeoutMs=60_000, maxOutputBytes=100
        )
        self.assertEqual(self.client.first_output(), b"half")
        self.client.send(op="interrupt", id=call_id)
        result = self.client.finish(call_id).result
        self.assertEqual((result["outcome"], result["stateKept"]), ("interrupted", True))

    def test_a_printed_line_is_one_piece(self) -> None:
        call_id = self.client.send(
            op="exec", code='print("line")\nimport time; time.sleep(60)', timeoutMs=60_000, maxOutputBytes=100
        )
        self.assertEqual(self.client.first_output(), b"line\n")
        self.client.send(op="interrupt", id=call_id)
        self.client.finish(call_id)

    def test_failures_show_the_users_frames_only(self) -> None:
        result = self.client.exec("def f():\n    return 1 / 0\nf()").result
        self.assertEqual(result["outcome"], "failed")
        self.assertIn("return 1 / 0", result["exception"])
        self.assertNotIn("gantry_kernel", result["exception"])
        self.assertIn("SyntaxError", self.client.exec("let = = 1").result["exception"])
        self.assertIn("null bytes", self.client.exec("a\0b").result["exception"])

    def test_exits_and_interrupts_are_told_apart(self) -> None:
        self.assertEqual(self.client.exec("raise SystemExit").result["outcome"], "completed")
        failed = self.client.exec("import sys; sys.exit('broken')").result
        self.assertEqual((failed["outcome"], failed["exception"]), ("failed", "SystemExit: broken"))
        own = self.client.exec("raise KeyboardInterrupt").result
        self.assertEqual(own["outcome"], "failed")
        self.assertIn("KeyboardInterrupt", own["exception"])
        self.assertEqual(self.client.exec("raise GeneratorExit").result["outcome"], "failed")

    def test_input_is_refused(self) -> None:
        self.assertIn("cannot be answered", self.client.exec("input()").result["exception"])

    def test_a_timeout_keeps_the_state_if_the_code_lets_go(self) -> None:
        self.client.exec("kept = 5")
        result = self.client.exec("import time; time.sleep(60)", timeout=0.2).result
        self.assertEqual((result["outcome"], result["stateKept"]), ("timed_out", True))
        self.assertNotIn("interpreter.py", result["exception"])
        self.assertEqual(self.client.exec("kept").result["value"], "5")

    def test_stubborn_code_is_killed_and_replaced(self) -> None:
        code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
        result = self.client.exec(code, timeout=0.2).result
        self.assertEqual((result["outcome"], result["stateKept"]), ("timed_out", False))
        self.assertEqual(self.client.exec("1 + 1").result["value"], "2")

    def test_a_dead_interpreter_is_reported_and_replaced(self) -> None:
        for code, reason in (("os._exit(3)", "exit status 3"), ("os.kill(os.getpid(), 9)", "signal 9")):
            result = self.client.exec(f"import os; {code}").result
            self.assertEqual((result["outcome"], result["stateKept"]), ("died", False))
            self.assertIn(reason, result["exception"])
            self.assertEqual(self.client.exec("1").result["stateKept"], True)

    def test_output_is_capped_and_counted(self) -> None:
        outcome = self.client.exec('print("x" * 99_999)', max_output=10)
        [overflow] = outcome.result["overflows"]
        self.assertEqual((outcome.stdout, overflow["stream"], overflow["droppedBytes"]), ("x" * 10, "stdout", 99_990))
        self.assertEqual(self.client.exec("print(1)").stdout, "1\n")

    def test_output_of_a_finished_call_never_reaches_the_next(self) -> None:
        code = 'import threading, time\nthreading.Timer(0.05, lambda: print("late")).start()'
        self.client.exec(code)
        self.assertEqual(self.client.shell("sleep 0.2").result["exitCode"], 0)
        self.assertEqual(self.client.exec('print("mine")').stdout, "mine\n")

    def test_a_fork_does_not_answer_for_its_parent(self) -> None:
        result = self.client.exec("import os\nme = os.getpid()\nos.fork()\nos.getpid() == me").result
        self.assertEqual(result["value"], "True")
        self.assertEqual(self.client.exec("1 + 1").result["value"], "2")

    def test_a_forged_frame_kills_the_forger(self) -> None:
        forge = "import os\nos.write(3, b'\\xff\\xff\\xff\\xffJ')\nimport time; time.sleep(60)"
        result = self.client.exec(forge).result
        self.assertEqual(result["outcome"], "died")
        self.assertIn("protocol", result["exception"])

    def test_the_shell_runs_all_commands_in_one_shell(self) -> None:
        outcome = self.client.shell("cd /tmp; name=value", "false", "pwd; echo $name", "echo no >&2; exit 7")
        self.assertEqual((outcome.stdout, outcome.stderr), ("/tmp\nvalue\n", "no\n"))
        self.assertEqual((outcome.result["outcome"], outcome.result["exitCode"]), ("failed", 7))

    def test_the_shell_leaves_the_interpreter_alone(self) -> None:
        self.client.exec("kept = 6")
        stubborn = "trap '' INT; echo deaf; while true; do :; done"
        call_id = self.client.send(op="shell", commands=[stubborn], timeoutMs=60_000, maxOutputBytes=100)
        self.assertEqual(self.client.first_output(), b"deaf\n")
        self.client.send(op="interrupt", id=call_id)
        result = self.client.finish(call_id).result
        self.assertEqual((result["outcome"], result["exitCode"], result["stateKept"]), ("interrupted", 137, True))
        self.assertEqual(self.client.exec("kept").result["value"], "6")

    def test_background_processes_end_with_their_call(self) -> None:
        outcome = self.client.shell("setsid sleep 600 & echo $!")
        pid = int(outcome.stdout)
        self.assertTrue(eventually(lambda: is_gone(pid)))

    def test_files_travel_both_ways(self) -> None:
        data = os.urandom(1_500_000)
        call_id = self.client.send(op="write", path="dir/data")
        self.client.send_data(call_id, data[:700_000])
        self.client.send_data(call_id, data[700_000:])
        self.client.send_data(call_id, b"")
        self.assertEqual(self.client.finish(call_id).result["type"], "done")
        self.assertEqual(self.client.exec("import os; os.path.getsize('dir/data')").result["value"], "1500000")
        call_id = self.client.send(op="read", path="dir/data", maxBytes=2_000_000)
        for _ in range(8):
            self.client.send(op="more", id=call_id)
        self.assertEqual(b"".join(self.client.finish(call_id).images), data)
        call_id = self.client.send(op="read", path="../escape", maxBytes=10)
        self.assertEqual(self.client.finish(call_id).result["code"], "invalid_path")
        self.client.finish(self.client.send(op="remove", path="dir/data"))

    def test_changes_are_reported_after_each_call(self) -> None:
        changes = self.client.exec("with open('note', 'w') as file: print('x', file=file)").result["changes"]
        self.assertEqual([(it["change"], it["path"], it["bytes"]) for it in changes], [("created", "note", 2)])
        changes = self.client.shell("rm note").result["changes"]
        self.assertEqual(changes, [{"change": "deleted", "path": "note"}])


class EndTest(unittest.TestCase):
    def test_it_leaves_with_its_host_and_takes_everything_along(self) -> None:
        client = KernelClient()
        outcome = client.exec("import os; os.getpid()")
        client.close()
        self.assertEqual(client.process.returncode, 0)
        pid = int(outcome.result["value"])
        self.assertTrue(eventually(lambda: is_gone(pid)))


if __name__ == "__main__":
    unittest.main()

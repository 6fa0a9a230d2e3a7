"""Processes that calls leave running: ended, or kept on request, with a real supervisor."""

import os
import unittest
from typing import Any

from gantry_kernel.processes import Process, command_line, is_gone, members

from .kernel_client import KernelClient, Outcome, eventually


class CommandLineTest(unittest.TestCase):
    def test_a_process_without_arguments_goes_by_its_name(self) -> None:
        ended = os.posix_spawn("/bin/true", ["true"], {})
        os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
        self.assertEqual(command_line(ended), "true")
        os.waitpid(ended, 0)
        self.assertEqual(command_line(ended), "")


class MembersTest(unittest.TestCase):
    def test_a_session_takes_along_what_it_started(self) -> None:
        table = {
            10: Process(parent=1, session=10),
            11: Process(parent=10, session=10),
            12: Process(parent=11, session=12),
            13: Process(parent=12, session=13),
            20: Process(parent=1, session=20),
            21: Process(parent=20, session=20),
        }
        self.assertEqual(members({10}, table), {10, 11, 12, 13})
        self.assertEqual(members({12}, table), {12, 13})
        self.assertEqual(members(set(), table), set())
        # Its first process is gone; the session is still known by the others.
        del table[10]
        self.assertEqual(members({10}, table), {11, 12, 13})


class BackgroundTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = KernelClient()
        self.addCleanup(self.client.close)

    def keep(self, *commands: str) -> Outcome:
        return self.client.shell(*commands, background="keep")

    def commands(self) -> list[str]:
        return [process["command"] for process in self.running(self.client.exec("1"))]

    def running(self, outcome: Outcome) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = outcome.result["background"]
        return listed

    def test_they_end_with_their_call(self) -> None:
        outcome = self.client.shell("sleep 600 & setsid sleep 601 & nohup sleep 602 >/dev/null 2>&1 & echo $!")
        self.assertTrue(eventually(lambda: is_gone(int(outcome.stdout))))
        self.assertEqual(self.running(outcome), [])

    def test_what_kept_ones_write_is_pending_until_the_next_call_tells_it(self) -> None:
        self.keep("(until [ -e go ]; do sleep 0.01; done; echo two >> log; : > done) &", "echo one > log")
        pending = self.changed(self.client.finish(self.client.send(op="pending")))
        self.assertEqual(pending, set())
        folder = self.client.workspace.name
        with open(os.path.join(folder, "go"), "w"):
            pass
        self.assertTrue(eventually(lambda: os.path.exists(os.path.join(folder, "done"))))
        pending = self.changed(self.client.finish(self.client.send(op="pending")))
        self.assertEqual(pending, {("modified", "log"), ("created", "go"), ("created", "done")})
        self.assertEqual(self.changed(self.client.exec("1")), pending)

    def changed(self, outcome: Outcome) -> set[tuple[str, str]]:
        return {(change["change"], change["path"]) for change in outcome.result["changes"]}

    def test_kept_ones_are_listed_and_outlive_other_calls(self) -> None:
        elsewhere = "import os; os.setsid(); os.execlp('sleep', 'sleep', '601')"
        kept = self.keep(f'sleep 600 & python3 -c "{elsewhere}" &')
        # Until it has become what it runs, a process is still its shell.
        self.assertTrue(eventually(lambda: self.commands() == ["sleep 600", "sleep 601"]))
        pids = [process["pid"] for process in self.running(kept)]
        stray = self.client.shell("sleep 602 & echo $!")
        self.assertTrue(eventually(lambda: is_gone(int(stray.stdout))))
        for outcome in (stray, self.client.exec("1 + 1"), self.client.exec("import os; os._exit(1)")):
            self.assertEqual([process["pid"] for process in self.running(outcome)], pids)
        os.kill(pids[0], 9)
        self.assertTrue(eventually(lambda: is_gone(pids[0])))
        self.assertEqual([process["pid"] for process in self.running(self.client.exec("1"))], pids[1:])

    def test_what_a_kept_one_starts_later_is_kept_too(self) -> None:
        self.keep("mkfifo go said", "(read < go; sleep 600 & echo $! > said; wait) &")
        pid = int(self.client.shell("echo > go; cat said").stdout)
        self.client.exec("1 + 1")
        self.assertFalse(is_gone(pid))

    def test_what_python_started_is_not_kept_by_a_shell(self) -> None:
        self.client.shell("mkfifo go said")
        late = "open('go').read(); subprocess.Popen(['sh', '-c', 'echo > said; exec sleep 700'])"
        self.client.exec(f"import subprocess, threading\nthreading.Thread(target=lambda: exec({late!r})).start()")
        self.keep("echo > go; cat said; sleep 600 &")
        self.assertTrue(eventually(lambda: self.commands() == ["sleep 600"]))

    def test_a_stopped_call_keeps_nothing(self) -> None:
        call_id = self.client.send(
            op="shell",
            commands=["sleep 600 & echo $!; wait"],
            timeoutMs=60_000,
            maxOutputBytes=100,
            background="keep",
        )
        pid = int(self.client.first_output())
        self.client.send(op="interrupt", id=call_id)
        outcome = self.client.finish(call_id)
        self.assertEqual((outcome.result["outcome"], self.running(outcome)), ("interrupted", []))
        self.assertTrue(eventually(lambda: is_gone(pid)))

    def test_they_can_go_on_writing_and_nobody_hears_of_it(self) -> None:
        self.keep("mkfifo said", "(head -c 300000 /dev/zero; echo written > said; sleep 600) &")
        self.assertEqual(self.client.shell("cat said; echo mine").stdout, "written\nmine\n")
        self.assertEqual(self.client.exec("print('mine')").stdout, "mine\n")

    def test_they_end_with_the_sandbox(self) -> None:
        [process] = self.running(self.keep("sleep 600 &"))
        self.client.close()
        self.assertTrue(eventually(lambda: is_gone(process["pid"])))

    def test_a_command_line_is_one_printable_line(self) -> None:
        self.keep('bash -c \'exec -a "$(printf "a\\nb\\033[31mc%0300d" 1)" sleep 600\' &')
        self.assertTrue(eventually(lambda: self.commands()[0].startswith("a?b?[31mc000")))
        self.assertEqual(len(self.commands()[0]), 200)


if __name__ == "__main__":
    unittest.main()

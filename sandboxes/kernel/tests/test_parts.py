import json
import unittest

from gantry_kernel.accounting import parse_oom_kills
from gantry_kernel.hardening import filter_instructions
from gantry_kernel.interpreter_process import checked_result
from gantry_kernel.protocol import ProtocolError

ALLOW, EPERM = 0x7FFF0000, 0x00050001


def run_filter(machine: str, architecture: int, number: int) -> int:
    """Interprets the filter as the kernel does."""
    program = filter_instructions(machine)
    data = {0: number, 4: architecture}
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == 0x20:
            accumulator = data[value]
        elif code == 0x15:
            position += if_true if accumulator == value else if_false
        elif code == 0x35:
            position += if_true if accumulator >= value else if_false
        else:
            return value


class FilterTest(unittest.TestCase):
    def test_each_machine_refuses_its_own_numbers(self) -> None:
        for machine, architecture, ptrace, write in (
            ("x86_64", 0xC000003E, 101, 1),
            ("aarch64", 0xC00000B7, 117, 64),
        ):
            for number in (425, 426, 427, ptrace):
                self.assertEqual(run_filter(machine, architecture, number), EPERM, (machine, number))
            for number in (0, write, 424, 428, 439):
                self.assertEqual(run_filter(machine, architecture, number), ALLOW, (machine, number))

    def test_other_architectures_and_x32_are_refused(self) -> None:
        self.assertEqual(run_filter("x86_64", 0x40000003, 1), EPERM)
        self.assertEqual(run_filter("x86_64", 0xC000003E, 0x40000001), EPERM)


class AccountingTest(unittest.TestCase):
    def test_both_cgroup_versions_are_read(self) -> None:
        self.assertEqual(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3)
        self.assertEqual(parse_oom_kills("low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n"), 2)
        self.assertEqual(parse_oom_kills("nothing here"), 0)


class ResultTest(unittest.TestCase):
    def test_only_known_fields_of_right_types_pass(self) -> None:
        forged = {"status": "failed", "value": 3, "exception": "E", "frames": -1, "cpuMs": True, "outcome": "won"}
        self.assertEqual(checked_result(json.dumps(forged).encode()), {"status": "failed", "exception": "E"})

    def test_garbage_is_a_violation(self) -> None:
        for payload in (b"{", b"[]", b"null", b'{"status": "won"}', b"[" * 100_000, b"\xff"):
            with self.assertRaises(ProtocolError):
                checked_result(payload)


if __name__ == "__main__":
    unittest.main()

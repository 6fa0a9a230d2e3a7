import json
import unittest

from gantry_kernel.accounting import parse_oom_kills
from gantry_kernel.interpreter_process import checked_result
from gantry_kernel.protocol import ProtocolError


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

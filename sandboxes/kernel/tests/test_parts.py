import json
import unittest

from gantry_kernel.python_result import checked_result
from gantry_kernel.protocol import ProtocolError


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

import functools
import json
import unittest

from gantry_kernel.loop import MIN_TIMERS_TO_SWEEP, Loop
from gantry_kernel.protocol import ProtocolError
from gantry_kernel.python_result import MAX_TEXT, checked_result


def checked(**fields: object) -> dict[str, object]:
    return checked_result(json.dumps({"status": "failed", **fields}).encode())


class ResultTest(unittest.TestCase):
    def test_only_known_fields_of_right_types_pass(self) -> None:
        forged = {
            "value": 3,
            "exception": "E",
            "frames": -1,
            "cpuMs": True,
            "outcome": "won",
            "closed": ["fd", "stdout"],
        }
        self.assertEqual(checked(**forged), {"status": "failed", "exception": "E", "closed": ["stdout"]})

    def test_nothing_passes_that_the_host_would_end_the_sandbox_for(self) -> None:
        self.assertEqual(checked(frames=1.5, peakMemoryBytes=1e300, cpuMs=float("nan")), {"status": "failed"})
        self.assertEqual(len(str(checked(value="x" * (1 << 20))["value"])), MAX_TEXT)
        self.assertEqual(checked(value="a\ud800b")["value"], "a?b")

    def test_garbage_is_a_violation(self) -> None:
        for payload in (b"{", b"[]", b"null", b'{"status": "won"}', b"[" * 100_000, b"\xff"):
            with self.assertRaises(ProtocolError):
                checked_result(payload)


class LoopTest(unittest.TestCase):
    def test_cancelled_timers_do_not_pile_up(self) -> None:
        loop = Loop()
        for _ in range(10_000):
            loop.after(3600, lambda: None).cancel()
        self.assertLessEqual(len(loop._timers), MIN_TIMERS_TO_SWEEP)

    def test_a_timer_among_cancelled_ones_still_comes(self) -> None:
        loop = Loop()
        came: list[int] = []
        for number in range(500):
            timer = loop.after(0, functools.partial(came.append, number))
            if number != 250:
                timer.cancel()
        loop.run_once()
        self.assertEqual(came, [250])


if __name__ == "__main__":
    unittest.main()

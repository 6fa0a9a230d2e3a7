import os
import tempfile
import unittest
from typing import Callable, TypeVar

from gantry_kernel.accounting import Accounting, Figures, Usage, figures

Seen = TypeVar("Seen")

VERSION_1 = {
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "memory/memory.max_usage_in_bytes": "44707840\n",
    "cpuacct/cpuacct.usage": "431652313\n",
    "pids/pids.current": "2\n",
}
VERSION_2 = {
    "memory.events": "low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n",
    "memory.peak": "71303168\n",
    "cpu.stat": "usage_usec 1250500\nuser_usec 1000000\nsystem_usec 250500\nnr_periods 0\n",
    "pids.current": "3\n",
}
# A whole machine's: no events of memory, so none of it is a sandbox's.
ROOT_OF_VERSION_2 = {"cpu.stat": VERSION_2["cpu.stat"], "memory.stat": "anon 1\n"}


class AccountingTest(unittest.TestCase):
    def read(self, files: dict[str, str]) -> Usage:
        return self.opened(files, Accounting.read)

    def opened(self, files: dict[str, str], look: Callable[[Accounting], Seen]) -> Seen:
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w") as file:
                    file.write(text)
            accounting = Accounting(root)
            try:
                return look(accounting)
            finally:
                accounting.close()

    def test_both_versions_are_read(self) -> None:
        self.assertEqual(self.read(VERSION_1), Usage(431.652313, 44707840, 3))
        self.assertEqual(self.read(VERSION_2), Usage(1250.5, 71303168, 2))

    def test_a_joint_controller_of_the_processor_is_found(self) -> None:
        files = {**VERSION_1, "cpu,cpuacct/cpuacct.usage": "2000000\n"}
        del files["cpuacct/cpuacct.usage"]
        self.assertEqual(self.read(files).cpu_ms, 2)

    def test_what_a_kernel_does_not_count_is_unknown(self) -> None:
        older = {path: text for path, text in VERSION_2.items() if path != "memory.peak"}
        self.assertEqual(self.read(older), Usage(1250.5, None, 2))
        for files in ({}, ROOT_OF_VERSION_2, {"memory.events": "garbage\n", "cpu.stat": "usage_usec lots\n"}):
            self.assertEqual(self.read(files), Usage(None, None, 0))
        self.assertEqual(Accounting(None).read(), Usage(None, None, 0))

    def test_tasks_are_counted_in_both_versions(self) -> None:
        self.assertEqual(self.opened(VERSION_1, Accounting.tasks), 2)
        self.assertEqual(self.opened(VERSION_2, Accounting.tasks), 3)
        for files in ({}, ROOT_OF_VERSION_2, {**VERSION_2, "pids.current": "max\n"}):
            self.assertIsNone(self.opened(files, Accounting.tasks))

    def test_a_counter_is_read_anew_each_time(self) -> None:
        with tempfile.TemporaryDirectory() as root:
            path = os.path.join(root, "memory.events")
            self.write(path, 1)
            accounting = Accounting(root)
            self.assertEqual(accounting.read().oom_kills, 1)
            self.write(path, 12)
            self.assertEqual(accounting.read().oom_kills, 12)
            accounting.close()

    def write(self, path: str, kills: int) -> None:
        with open(path, "w") as file:
            file.write(f"oom_kill {kills}\n")


class FiguresTest(unittest.TestCase):
    def test_the_groups_counts_come_first(self) -> None:
        used = figures(Usage(100, 50, 1), Usage(130.5, 80, 3), own_cpu_ms=7, own_peak_bytes=60)
        self.assertEqual(used, Figures(30.5, 80, 2))

    def test_a_peak_of_an_earlier_call_is_not_this_ones(self) -> None:
        self.assertEqual(figures(Usage(1, 80, 0), Usage(2, 80, 0), 7, 60).peak_bytes, 60)
        self.assertIsNone(figures(Usage(1, 80, 0), Usage(2, 80, 0), None, None).peak_bytes)

    def test_without_a_group_the_process_speaks_for_itself(self) -> None:
        self.assertEqual(figures(Usage(), Usage(), 7, 60), Figures(7, 60, 0))


if __name__ == "__main__":
    unittest.main()

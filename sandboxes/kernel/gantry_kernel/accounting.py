"""What the container's control group counted: processor time, peak memory, processes killed for memory."""

from __future__ import annotations

import os
from typing import Callable, NamedTuple

CONTROL_GROUPS = "/sys/fs/cgroup"


class Usage(NamedTuple):
    """All of it since the sandbox began, and of everything in it; None where it is not counted."""

    cpu_ms: float | None = None
    peak_bytes: int | None = None
    oom_kills: int = 0


Parse = Callable[[bytes], int]


def _field(name: bytes) -> Parse:
    start = b"\n" + name + b" "

    def parse(content: bytes) -> int:
        return int((b"\n" + content).partition(start)[2].partition(b"\n")[0])

    return parse


class _Counter(NamedTuple):
    paths: tuple[str, ...]
    parse: Parse = int
    per_unit: float = 1


class _Version(NamedTuple):
    """`oom_kills` is also what a version is known by: a machine's root group, which is not ours, has none."""

    oom_kills: _Counter
    peak_bytes: _Counter
    cpu_ms: _Counter
    tasks: _Counter


_VERSIONS = (
    _Version(
        _Counter(("memory/memory.oom_control",), _field(b"oom_kill")),
        _Counter(("memory/memory.max_usage_in_bytes",)),
        _Counter(("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage"), per_unit=1e-6),
        _Counter(("pids/pids.current",)),
    ),
    _Version(
        _Counter(("memory.events",), _field(b"oom_kill")),
        # Kernels before 5.19 do not have it.
        _Counter(("memory.peak",)),
        _Counter(("cpu.stat",), _field(b"usage_usec"), per_unit=1e-3),
        _Counter(("pids.current",)),
    ),
)


Count = Callable[[], float | None]


def _not_counted() -> None:
    return None


def _counting(fd: int, counter: _Counter) -> Count:
    parse, per_unit = counter.parse, counter.per_unit

    def count() -> float | None:
        try:
            return parse(os.pread(fd, 4096, 0)) * per_unit
        except (OSError, ValueError):
            return None

    return count


class Accounting:
    """Opens its files once: a call reads them twice."""

    def __init__(self, root: str | None) -> None:
        """Without a root nothing is counted, as where the sandbox shares its group with others."""
        self._files: list[int] = []
        counts: dict[str, Count] = {}
        for version in _VERSIONS if root is not None else ():
            for name, counter in version._asdict().items():
                fd = self._opened([os.path.join(root or "", path) for path in counter.paths])
                if fd is not None:
                    self._files.append(fd)
                    counts[name] = _counting(fd, counter)
                elif name == "oom_kills":
                    break
            if counts:
                break
        self._cpu_ms = counts.get("cpu_ms", _not_counted)
        self._peak_bytes = counts.get("peak_bytes", _not_counted)
        self._oom_kills = counts.get("oom_kills", _not_counted)
        self._tasks = counts.get("tasks", _not_counted)

    @staticmethod
    def _opened(paths: list[str]) -> int | None:
        for path in paths:
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
        return None

    def read(self) -> Usage:
        peak = self._peak_bytes()
        return Usage(self._cpu_ms(), None if peak is None else int(peak), int(self._oom_kills() or 0))

    def tasks(self) -> int | None:
        """How many processes and threads there are now, those included that are over and not yet reaped."""
        count = self._tasks()
        return None if count is None else int(count)

    def close(self) -> None:
        for fd in self._files:
            os.close(fd)
        self._files.clear()


class Figures(NamedTuple):
    """What one call used. The peak is exact where the call set the sandbox's record, else its largest process's."""

    cpu_ms: float | None
    peak_bytes: int | None
    oom_kills: int


def figures(before: Usage, after: Usage, own_cpu_ms: float | None, own_peak_bytes: int | None) -> Figures:
    """The control group's counts where there are any, and what the call's own process reported elsewhere."""
    cpu_ms = own_cpu_ms
    if before.cpu_ms is not None and after.cpu_ms is not None:
        cpu_ms = max(0.0, after.cpu_ms - before.cpu_ms)
    peak = own_peak_bytes
    if before.peak_bytes is not None and after.peak_bytes is not None and after.peak_bytes > before.peak_bytes:
        peak = max(after.peak_bytes, own_peak_bytes or 0)
    return Figures(cpu_ms, peak, max(0, after.oom_kills - before.oom_kills))

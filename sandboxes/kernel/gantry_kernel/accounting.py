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


Parse = Callable[[str], int | None]


def _whole(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _field(name: str) -> Parse:
    def parse(text: str) -> int | None:
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return _whole(value)
        return None

    return parse


class _Counter(NamedTuple):
    paths: tuple[str, ...]
    parse: Parse
    per_unit: float = 1


class _Version(NamedTuple):
    """`oom_kills` is also what a version is known by: a machine's root group, which is not ours, has none."""

    oom_kills: _Counter
    peak_bytes: _Counter
    cpu_ms: _Counter


_VERSIONS = (
    _Version(
        _Counter(("memory/memory.oom_control",), _field("oom_kill")),
        _Counter(("memory/memory.max_usage_in_bytes",), _whole),
        _Counter(("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage"), _whole, per_unit=1e-6),
    ),
    _Version(
        _Counter(("memory.events",), _field("oom_kill")),
        # Kernels before 5.19 do not have it.
        _Counter(("memory.peak",), _whole),
        _Counter(("cpu.stat",), _field("usage_usec"), per_unit=1e-3),
    ),
)


class Accounting:
    """Opens its files once: a call reads them twice."""

    def __init__(self, root: str | None) -> None:
        """Without a root nothing is counted, as where the sandbox shares its group with others."""
        self._files: dict[str, tuple[int, _Counter]] = {}
        for version in _VERSIONS if root is not None else ():
            for name, counter in version._asdict().items():
                fd = self._opened([os.path.join(root or "", path) for path in counter.paths])
                if fd is not None:
                    self._files[name] = (fd, counter)
                elif name == "oom_kills":
                    break
            if self._files:
                return

    @staticmethod
    def _opened(paths: list[str]) -> int | None:
        for path in paths:
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
        return None

    def read(self) -> Usage:
        cpu_ms = self._count("cpu_ms")
        peak = self._count("peak_bytes")
        return Usage(cpu_ms, None if peak is None else int(peak), int(self._count("oom_kills") or 0))

    def close(self) -> None:
        for fd, _ in self._files.values():
            os.close(fd)
        self._files.clear()

    def _count(self, name: str) -> float | None:
        if name not in self._files:
            return None
        fd, counter = self._files[name]
        try:
            units = counter.parse(os.pread(fd, 4096, 0).decode())
        except OSError:
            return None
        return None if units is None else units * counter.per_unit


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

"""How many processes the kernel killed for want of memory in this container."""

from __future__ import annotations

CGROUP_V1 = "/sys/fs/cgroup/memory/memory.oom_control"
CGROUP_V2 = "/sys/fs/cgroup/memory.events"


def parse_oom_kills(text: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == "oom_kill" and value.strip().isdigit():
            return int(value)
    return 0


def oom_kills() -> int:
    """0 where neither cgroup version shows the count."""
    for path in (CGROUP_V1, CGROUP_V2):
        try:
            with open(path) as file:
                return parse_oom_kills(file.read())
        except OSError:
            continue
    return 0

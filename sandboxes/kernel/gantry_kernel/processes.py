"""Ending what a call left running."""

from __future__ import annotations

import os
import signal

MAX_ROUNDS = 50


def _parent_of(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def descendants() -> set[int]:
    """Every process below this one; as PID 1 that is every other process there is."""
    own = os.getpid()
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {own}
    if own == 1:
        return pids
    parents = {pid: _parent_of(pid) for pid in pids}
    found: set[int] = set()
    grew = True
    while grew:
        below = {pid for pid, parent in parents.items() if parent == own or parent in found}
        grew = below != found
        found = below
    return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except (OSError, IndexError):
        return True


def end_all_but(keep: int | None) -> int:
    """Kills every descendant but `keep` and says how many. Frozen first: a fork bomb would outrun the kill."""
    doomed = {pid for pid in descendants() if pid != keep and not is_zombie(pid)}
    if not doomed:
        return 0
    ended: set[int] = set()
    if os.getpid() == 1:
        _signal(-1, signal.SIGSTOP)
    for _ in range(MAX_ROUNDS):
        doomed = {pid for pid in descendants() if pid != keep and pid not in ended and not is_zombie(pid)}
        if not doomed:
            break
        for pid in doomed:
            _signal(pid, signal.SIGKILL)
        ended |= doomed
    if keep is not None:
        _signal(keep, signal.SIGCONT)
    return len(ended)


def interrupt_group(leader: int) -> None:
    """SIGINT to the leader's group; SIGCONT first, a stopped process would sleep through it."""
    for number in (signal.SIGCONT, signal.SIGINT):
        try:
            os.killpg(leader, number)
        except OSError:
            _signal(leader, number)

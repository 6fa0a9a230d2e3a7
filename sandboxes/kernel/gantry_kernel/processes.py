"""Which processes there are below this one, and ending what a call left running."""

from __future__ import annotations

import os
import signal
from typing import Collection, NamedTuple

MAX_ROUNDS = 50
NONE_KEPT: Collection[int] = frozenset()


class Process(NamedTuple):
    parent: int
    session: int


def _process(pid: int) -> Process | None:
    """None for one that is gone or only waits for its parent to hear of its end."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent, _group, session = file.read().rpartition(b")")[2].split()[:4]
        return None if state == b"Z" else Process(int(parent), int(session))
    except (OSError, ValueError):
        return None


def _pids() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def living() -> dict[int, Process]:
    """Every live process below this one; as PID 1 that is every other process there is."""
    own = os.getpid()
    every = {pid: process for pid in _pids() - {own} if (process := _process(pid)) is not None}
    return every if own == 1 else {pid: every[pid] for pid in _below({own}, every)}


def _below(ancestors: set[int], table: dict[int, Process]) -> set[int]:
    found: set[int] = set()
    while grown := {pid for pid, process in table.items() if process.parent in ancestors | found} - found:
        found |= grown
    return found


def members(sessions: Collection[int], table: dict[int, Process]) -> set[int]:
    """The processes of these sessions, and what they started, in whatever session that is now."""
    own = {pid for pid, process in table.items() if process.session in sessions}
    return own | _below(own, table)


def command_line(pid: int) -> str:
    """As it was started, in one line of printable text; empty when it cannot be seen.

    A process that is becoming another program, or wiped its arguments, has none for a moment: then its name.
    """
    text = _text(f"/proc/{pid}/cmdline") or _text(f"/proc/{pid}/comm")
    return "".join(character if character.isprintable() else "?" for character in text)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            words = file.read(4096).rstrip(b"\0\n").split(b"\0")
    except OSError:
        return ""
    return b" ".join(words).decode("utf-8", "replace")


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def is_gone(pid: int) -> bool:
    return _process(pid) is None


def end_all_but(interpreter: int | None, kept_sessions: Collection[int] = NONE_KEPT) -> None:
    """Kills every process below. Frozen first: a fork bomb would outrun the kill."""
    own = os.getpid()
    # After nearly every call there is nobody else, and no more has to be read than names.
    if own == 1 and not _pids() - {1, interpreter}:
        return
    if not _strays(interpreter, kept_sessions):
        return
    if own == 1:
        _signal(-1, signal.SIGSTOP)
    ended: set[int] = set()
    for _ in range(MAX_ROUNDS):
        doomed = _strays(interpreter, kept_sessions) - ended
        if not doomed:
            break
        for pid in doomed:
            _signal(pid, signal.SIGKILL)
        ended |= doomed
    if own == 1:
        _signal(-1, signal.SIGCONT)


def _strays(interpreter: int | None, kept_sessions: Collection[int]) -> set[int]:
    table = living()
    return set(table) - {interpreter} - (members(kept_sessions, table) if kept_sessions else set())


def interrupt_group(leader: int) -> None:
    """SIGINT to the leader's group; SIGCONT first, a stopped process would sleep through it."""
    for number in (signal.SIGCONT, signal.SIGINT):
        try:
            os.killpg(leader, number)
        except OSError:
            _signal(leader, number)


def end_described(status: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"ended by signal {number} ({signal.strsignal(number)})"
    return f"ended with exit status {os.WEXITSTATUS(status)}"

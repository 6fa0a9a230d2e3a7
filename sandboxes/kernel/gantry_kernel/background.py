"""The processes that calls asked to keep. They end with the sandbox, or when their place is needed."""

from __future__ import annotations

from .children import SHELL
from .processes import command_line, living, members

MAX_LISTED = 64
MAX_COMMAND_CHARACTERS = 200
_SUBSHELL = " ".join(SHELL)


class Background:
    """Known by their sessions: what a kept process starts later is kept as well."""

    def __init__(self) -> None:
        self.sessions: set[int] = set()

    def keep_all_but(self, interpreter: int | None) -> None:
        """What runs now, except what the interpreter started, which ends with the call."""
        kept = {pid: process for pid, process in living().items() if pid != interpreter}
        # A process that opens a session of its own later gives it its own number.
        self.sessions |= {process.session for process in kept.values()} | kept.keys()
        self.sessions.discard(interpreter or 0)

    def forget_ended(self) -> None:
        """Before a call starts: a session's number may be given out again once nobody is in it."""
        if self.sessions:
            table = living()
            self.sessions &= {process.session for process in table.values()} | table.keys()

    def listed(self) -> list[dict[str, object]]:
        if not self.sessions:
            return []
        pids = sorted(members(self.sessions, living()))[:MAX_LISTED]
        return [{"pid": pid, "command": _shown(command_line(pid))} for pid in pids]


def _shown(command: str) -> str:
    return "bash" if command.startswith(_SUBSHELL) else command[:MAX_COMMAND_CHARACTERS]

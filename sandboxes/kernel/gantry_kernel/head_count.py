"""Whether a call left anybody behind, by the number of tasks in the sandbox's control group.

A task is counted from before its first step until it is reaped, and nobody inside can change the number otherwise: as
many as before the first call means nobody but the interpreter's one thread. It spares the walk over /proc.
"""

from __future__ import annotations

from typing import Callable


class HeadCount:
    def __init__(self, tasks: Callable[[], int | None]) -> None:
        """To be made before the first interpreter is forked. `tasks` gives None where they are not counted."""
        self._tasks = tasks
        self._without_interpreter = tasks()
        self._at_rest: int | None = None

    def interpreter_is_there(self) -> None:
        """To be called before it runs anybody's code. Only the first one counts: before another, calls have run."""
        before, self._without_interpreter = self._without_interpreter, None
        now = self._tasks()
        # Otherwise somebody else came or went, or what counts does not count tasks: then it proves nothing.
        if now is not None and before is not None and now == before + 1:
            self._at_rest = now

    def is_at_rest(self) -> bool:
        """True when only the interpreter is there. False may mean that it is not known."""
        return self._at_rest is not None and self._tasks() == self._at_rest

"""The supervisor's view of one shell: it lives for one call, its pipes for as long as someone writes to them."""

from __future__ import annotations

from .call_outbox import CallOutbox
from .children import fork_shell
from .loop import Loop
from .output import OutputPipe
from .protocol import STDERR, STDOUT
from .requests import Leftovers


class ShellProcess:
    def __init__(
        self, loop: Loop, workspace: str, outbox: CallOutbox, commands: list[str], background: Leftovers
    ) -> None:
        child = fork_shell(workspace, commands)
        self.pid = child.pid
        self.background = background
        self.stdout = OutputPipe(loop, child.stdout, STDOUT, outbox)
        self.stderr = OutputPipe(loop, child.stderr, STDERR, outbox)

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()

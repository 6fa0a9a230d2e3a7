"""The heart of PID 1: takes the host's requests, runs one call at a time, survives what the calls do."""

from __future__ import annotations

import os
import platform
import signal
from contextlib import suppress
from resource import struct_rusage
from typing import Any, NoReturn

from .accounting import CONTROL_GROUPS, Accounting, Figures, Usage, figures
from .background import Background
from .call import Call, Place
from .child_exits import on_child_exit
from .head_count import HeadCount
from .host_desk import HostDesk
from .interpreter_process import InterpreterProcess
from .loop import Loop
from .output import OutputPipe
from .processes import end_all_but, interrupt_group
from .requests import PythonRequest, ShellRequest
from .shell_process import ShellProcess
from .spill import Spill
from .workspace import Workspace

REFORK_RETRY_SECONDS = 0.1


class Supervisor:
    def __init__(self, workspace: str, preloaded: list[str]) -> None:
        self._root = workspace
        self._preloaded = preloaded
        self._loop = Loop()
        self._workspace = Workspace(workspace)
        self._desk = HostDesk(self._loop, self._workspace, self, self._leave)
        # The control group is the sandbox's own only where this is its first process.
        self._accounting = Accounting(CONTROL_GROUPS if os.getpid() == 1 else None)
        self._head_count = HeadCount(self._accounting.tasks)
        self._background = Background()
        # Kept processes may go on writing; nobody is told of it.
        self._unheard: list[OutputPipe] = []
        self._interpreter: InterpreterProcess | None = None
        self._shell: ShellProcess | None = None
        self._call: Call | None = None
        self._calls = 0
        # A call that came while the interpreter could not be forked yet.
        self._waiting: PythonRequest | None = None
        # One for which a call must end first that no host asks for any more.
        self._next: PythonRequest | ShellRequest | None = None
        self._state_lost = False

    def serve(self) -> None:
        on_child_exit(self._loop, self._reap)
        self._desk.open()
        self._fork_interpreter()
        while True:
            self._loop.run_once()

    # --- the host ---

    def start(self, request: PythonRequest | ShellRequest) -> None:
        if self._call is not None and self._desk.outbox.told_as is None and self._next is None:
            self._next = request
            self._call.stop("interrupted")
        elif self._call is not None or self._waiting is not None:
            self._desk.refuse(request.id, "unavailable", "another call is running")
        elif isinstance(request, PythonRequest):
            self._start_python(request)
        else:
            self._start_shell(request)

    def _start_next(self) -> None:
        request, self._next = self._next, None
        if request is not None:
            self.start(request)

    def interrupt(self, call_id: int) -> None:
        if self._call is not None and self._desk.outbox.told_as == call_id:
            self._call.stop("interrupted")
        elif self._waiting is not None and self._waiting.id == call_id:
            self._waiting = None
            self._desk.refuse(call_id, "unavailable", "it was interrupted before an interpreter stood ready")
        elif self._next is not None and self._next.id == call_id:
            self._next = None
            self._desk.refuse(call_id, "unavailable", "it was interrupted before an earlier call had ended")

    def forget_host(self) -> None:
        self._waiting = self._next = None

    def _leave(self) -> NoReturn:
        """The host is gone, and nobody else may use what runs here."""
        end_all_but(None)
        os._exit(0)

    # --- children ---

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._interpreter is not None and pid == self._interpreter.pid:
                self._on_interpreter_exit(status)
            elif self._shell is not None and pid == self._shell.pid:
                self._finish_shell(self._shell, status, usage)

    def _fork_interpreter(self) -> None:
        if self._interpreter is not None:
            return
        try:
            told = (self._on_hello, self._on_violation)
            self._interpreter = InterpreterProcess(self._loop, self._root, self._desk.outbox, *told)
        except OSError:
            # The process limit is still used up by what is being killed.
            self._end_everything()
            self._loop.after(REFORK_RETRY_SECONDS, self._fork_interpreter)
            return
        if self._waiting is not None:
            request, self._waiting = self._waiting, None
            self._start_python(request)

    def _end_everything(self) -> None:
        self._background.sessions.clear()
        end_all_but(None)

    def _end_strays(self) -> None:
        if self._interpreter is not None and self._head_count.is_at_rest():
            return
        end_all_but(self._interpreter.pid if self._interpreter else None, self._background.sessions)

    def _on_hello(self, filtered: bool) -> None:
        self._head_count.interpreter_is_there()
        version = platform.python_version()
        self._desk.announce({"python": version, "preloaded": self._preloaded, "filtered": filtered})

    def _on_violation(self, message: str) -> None:
        if self._call is not None:
            self._call.violation = message
        if self._interpreter is not None:
            with suppress(OSError):
                os.kill(self._interpreter.pid, signal.SIGKILL)

    def _on_interpreter_exit(self, status: int) -> None:
        interpreter = self._interpreter
        if interpreter is None:
            return
        self._state_lost = True
        call = self._call
        if call is not None and self._shell is None:
            end_all_but(None, self._background.sessions)
            used = self._used(call, None, None)
            self._finish(call, call.death(status, used), used)
        interpreter.close()
        self._interpreter = None
        self._fork_interpreter()

    # --- calls ---

    def _start_python(self, request: PythonRequest) -> None:
        interpreter = self._interpreter
        if interpreter is None:
            self._waiting = request
            return
        self._background.forget_ended()
        interpreter.discard_output()
        pid = interpreter.pid
        place = Place(
            interpreter.stdout,
            interpreter.stderr,
            interrupt=lambda: interrupt_group(pid),
            kill=lambda: end_all_but(None, self._background.sessions),
        )

        def finished(result: dict[str, Any]) -> None:
            self._end_strays()
            outcome = call.stopped or result.pop("status")
            result.pop("status", None)
            used = self._used(call, result.pop("cpuMs", None), result.pop("peakMemoryBytes", None))
            self._finish(call, {"outcome": outcome, **result}, used)

        usage = self._accounting.read()
        interpreter.run(request.code, self._desk.outbox.send_picture, finished)
        # After that: the code is on its way meanwhile.
        call = self._begin(request, place, usage)

    def _start_shell(self, request: ShellRequest) -> None:
        self._background.forget_ended()
        shell = self._forked_shell(request)
        if shell is None:
            self._desk.refuse(request.id, "unavailable", "no process is left for a shell")
            return
        self._shell = shell
        place = Place(shell.stdout, shell.stderr, lambda: interrupt_group(shell.pid), self._end_strays)
        self._begin(request, place, self._accounting.read())

    def _forked_shell(self, request: ShellRequest) -> ShellProcess | None:
        for _ in range(2):
            try:
                return ShellProcess(self._loop, self._root, self._desk.outbox, request.commands, request.background)
            except OSError:
                # Kept processes may have taken every place there is.
                self._background.sessions.clear()
                self._end_strays()
        return None

    def _begin(self, request: PythonRequest | ShellRequest, place: Place, usage: Usage) -> Call:
        self._calls += 1
        number = self._calls
        self._desk.outbox.begin(request.id, request.key)
        self._call = Call(self._loop, request, place, usage, lambda stream: Spill(self._workspace, number, stream))
        return self._call

    def _used(self, call: Call, own_cpu_ms: float | None, own_peak_bytes: int | None) -> Figures:
        return figures(call.usage, self._accounting.read(), own_cpu_ms, own_peak_bytes)

    def _finish_shell(self, shell: ShellProcess, status: int, usage: struct_rusage) -> None:
        call = self._call
        if call is None:
            return
        if shell.background == "keep" and call.stopped is None:
            self._background.keep_all_but(self._interpreter.pid if self._interpreter else None)
        self._end_strays()
        used = self._used(call, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss * 1024)
        ended = os.waitstatus_to_exitcode(status)
        code = 128 - ended if ended < 0 else ended
        outcome: str = call.stopped or ("completed" if code == 0 else "failed")
        if call.stopped is None and code != 0 and used.oom_kills > 0:
            outcome = "out_of_memory"
        self._finish(call, {"outcome": outcome, "exitCode": code}, used)
        self._shell = None
        if shell.background == "keep":
            unheard = (*self._unheard, shell.stdout, shell.stderr)
            self._unheard = [pipe for pipe in unheard if pipe.is_open]
        else:
            shell.close()

    def _finish(self, call: Call, result: dict[str, Any], used: Figures) -> None:
        told = call.finish()
        self._call = None
        if self._interpreter is not None:
            self._interpreter.stop_listening()
        kept, self._state_lost = not self._state_lost, False
        measured = {"cpuMs": used.cpu_ms, "peakMemoryBytes": used.peak_bytes, "oomKills": used.oom_kills}
        self._desk.outbox.finish(
            {
                **result,
                **told,
                **{name: figure for name, figure in measured.items() if figure is not None},
                "stateKept": kept,
                "background": self._background.listed(),
                "changes": self._workspace.changes(),
            }
        )
        if self._next is not None:
            # After what ended the call is done with it.
            self._loop.after(0, self._start_next)

"""The heart of PID 1: takes the host's requests, runs one call at a time, survives what the calls do."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from contextlib import suppress
from resource import struct_rusage
from typing import Any, NoReturn

from .accounting import CONTROL_GROUPS, Accounting, Figures, figures
from .background import Background
from .call import Call, Place
from .egress import Egress
from .child_exits import on_child_exit
from .file_requests import FileRequests
from .frame_writer import FrameWriter
from .interpreter_process import InterpreterProcess
from .loop import Loop
from .output import OutputPipe
from .processes import end_all_but, end_described, interrupt_group
from .protocol import DATA, ID, JSON, VIDEO_FRAME, TUNNEL, FrameReader, ProtocolError
from .requests import BadRequest, FileRequest, InterruptRequest, PingRequest, PythonRequest, ShellRequest, parse_request
from .shell_process import ShellProcess
from .spill import Spill
from .workspace import Workspace

REFORK_RETRY_SECONDS = 0.1


class Supervisor:
    def __init__(self, workspace: str, preloaded: list[str]) -> None:
        self._root = workspace
        self._preloaded = preloaded
        self._loop = Loop()
        self._writer = FrameWriter(self._loop, 1, self._leave)
        self._workspace = Workspace(workspace)
        self._files = FileRequests(self._workspace, self._writer)
        self._egress = Egress(self._loop, self._writer)
        self._frames = FrameReader()
        # The control group is the sandbox's own only where this is its first process.
        self._accounting = Accounting(CONTROL_GROUPS if os.getpid() == 1 else None)
        self._background = Background()
        # Kept processes may go on writing; nobody is told of it.
        self._unheard: list[OutputPipe] = []
        self._interpreter: InterpreterProcess | None = None
        self._shell: ShellProcess | None = None
        self._call: Call | None = None
        self._calls = 0
        # A call that came while the interpreter could not be forked yet.
        self._waiting: PythonRequest | None = None
        self._state_lost = False
        self._announced = False

    def serve(self) -> None:
        on_child_exit(self._loop, self._reap)
        os.set_blocking(0, False)
        self._loop.on_readable(0, self._on_input)
        self._fork_interpreter()
        while True:
            self._loop.run_once()

    # --- the host ---

    def _on_input(self) -> None:
        try:
            data = os.read(0, 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self._leave()
        try:
            frames = self._frames.feed(data)
        except ProtocolError as error:
            # Where the next frame begins cannot be known any more.
            print(f"the host broke the protocol: {error}", file=sys.stderr)
            self._leave()
        for kind, payload in frames:
            if kind == DATA:
                self._files.receive(payload)
            elif kind == TUNNEL:
                self._egress.receive(payload)
            elif kind == JSON:
                self._take(payload)

    def _take(self, payload: bytes) -> None:
        try:
            request = parse_request(payload)
        except BadRequest as error:
            self._refuse(error.call_id, "invalid_request", str(error))
            return
        if isinstance(request, FileRequest):
            self._files.handle(request)
        elif isinstance(request, InterruptRequest):
            self._interrupt(request.id)
        elif isinstance(request, PingRequest):
            self._send({"type": "done", "id": request.id})
        elif self._call is not None or self._waiting is not None:
            self._refuse(request.id, "unavailable", "another call is running")
        elif isinstance(request, PythonRequest):
            self._start_python(request)
        else:
            self._start_shell(request)

    def _interrupt(self, call_id: int) -> None:
        if self._call is not None and self._call.id == call_id:
            self._call.stop("interrupted")
        elif self._waiting is not None and self._waiting.id == call_id:
            self._waiting = None
            self._refuse(call_id, "unavailable", "it was interrupted before an interpreter stood ready")

    def _refuse(self, call_id: int, code: str, message: str) -> None:
        self._send({"type": "refused", "id": call_id, "code": code, "message": message})

    def _send(self, message: dict[str, object]) -> None:
        self._writer.send(JSON, json.dumps(message).encode())

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
            self._interpreter = InterpreterProcess(self._loop, self._root, self._writer, *told)
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
        end_all_but(self._interpreter.pid if self._interpreter else None, self._background.sessions)

    def _on_hello(self, filtered: bool) -> None:
        if not self._announced:
            self._announced = True
            version = platform.python_version()
            self._send({"type": "ready", "python": version, "preloaded": self._preloaded, "filtered": filtered})

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
            self._finish(call, self._death(call, status, used), used)
        interpreter.close()
        self._interpreter = None
        self._fork_interpreter()

    @staticmethod
    def _death(call: Call, status: int, used: Figures) -> dict[str, Any]:
        if call.stopped is not None:
            return {"outcome": call.stopped}
        if used.oom_kills > 0:
            return {"outcome": "out_of_memory"}
        reason = end_described(status) if call.violation is None else f"it broke the protocol: {call.violation}"
        return {"outcome": "died", "exception": f"The Python process is gone: {reason}"}

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
        call = self._begin(request, place)
        identity = ID.pack(call.id)

        def on_picture(kind: int, body: bytes) -> None:
            send = self._writer.send_perishable if kind == VIDEO_FRAME else self._writer.send
            send(kind, identity, body)

        def finished(result: dict[str, Any]) -> None:
            self._end_strays()
            outcome = call.stopped or result.pop("status")
            result.pop("status", None)
            used = self._used(call, result.pop("cpuMs", None), result.pop("peakMemoryBytes", None))
            self._finish(call, {"outcome": outcome, **result}, used)

        interpreter.run(request.code, on_picture, finished)

    def _start_shell(self, request: ShellRequest) -> None:
        self._background.forget_ended()
        shell = self._forked_shell(request)
        if shell is None:
            self._refuse(request.id, "unavailable", "no process is left for a shell")
            return
        self._shell = shell
        place = Place(shell.stdout, shell.stderr, lambda: interrupt_group(shell.pid), self._end_strays)
        self._begin(request, place)

    def _forked_shell(self, request: ShellRequest) -> ShellProcess | None:
        for _ in range(2):
            try:
                return ShellProcess(self._loop, self._root, self._writer, request.commands, request.background)
            except OSError:
                # Kept processes may have taken every place there is.
                self._background.sessions.clear()
                self._end_strays()
        return None

    def _begin(self, request: PythonRequest | ShellRequest, place: Place) -> Call:
        self._calls += 1
        number = self._calls
        usage = self._accounting.read()
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
        self._send(
            {
                "type": "result",
                "id": call.id,
                **result,
                **told,
                **{name: figure for name, figure in measured.items() if figure is not None},
                "stateKept": kept,
                "background": self._background.listed(),
                "changes": self._workspace.changes(),
            }
        )

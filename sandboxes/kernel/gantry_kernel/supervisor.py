"""The heart of PID 1: takes the host's requests, runs one call at a time, survives what the calls do."""

from __future__ import annotations

import json
import os
import platform
import signal
from typing import Any

from .accounting import oom_kills
from .call import Call
from .children import fork_shell
from .file_requests import FileRequests
from .frame_writer import FrameWriter
from .interpreter_process import InterpreterProcess
from .loop import Loop
from .output import OutputPipe
from .processes import end_all_but, interrupt_group
from .protocol import DATA, ID, JSON, STDERR, STDOUT, FrameReader
from .workspace import Workspace

REFORK_RETRY_SECONDS = 0.1


class _Shell:
    def __init__(self, pid: int, stdout: OutputPipe, stderr: OutputPipe) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr


class Supervisor:
    def __init__(self, workspace: str, preloaded: list[str]) -> None:
        self._root = workspace
        self._preloaded = preloaded
        self._loop = Loop()
        self._writer = FrameWriter(self._loop, 1, self._leave)
        self._workspace = Workspace(workspace)
        self._files = FileRequests(self._workspace, self._writer)
        self._frames = FrameReader()
        self._interpreter: InterpreterProcess | None = None
        self._shell: _Shell | None = None
        self._call: Call | None = None
        # A call that came while the interpreter could not be forked yet.
        self._waiting: dict[str, Any] | None = None
        self._state_lost = False
        self._announced = False

    def serve(self) -> None:
        self._watch_children()
        os.set_blocking(0, False)
        self._loop.on_readable(0, self._on_request)
        self._fork_interpreter()
        while True:
            self._loop.run_once()

    # --- the host ---

    def _on_request(self) -> None:
        try:
            data = os.read(0, 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self._leave()
        for kind, payload in self._frames.feed(data):
            if kind == DATA:
                self._files.receive(payload)
            elif kind == JSON:
                self._handle(json.loads(payload))

    def _handle(self, request: dict[str, Any]) -> None:
        operation = request["op"]
        if self._files.handle(operation, request):
            return
        if operation == "interrupt":
            if self._call is not None and self._call.id == request["id"]:
                self._call.stop("interrupted")
        elif operation == "exec":
            self._start_python(request)
        elif operation == "shell":
            self._start_shell(request)

    def _send(self, message: dict[str, object]) -> None:
        self._writer.send(JSON, json.dumps(message).encode())

    def _leave(self) -> None:
        """The host is gone, and nobody else may use what runs here."""
        end_all_but(None)
        os._exit(0)

    # --- children ---

    def _watch_children(self) -> None:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # User code may flood us with SIGCHLD; a full pipe still wakes us.
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)

        def on_wakeup() -> None:
            try:
                os.read(read, 4096)
            except BlockingIOError:
                pass
            self._reap()

        self._loop.on_readable(read, on_wakeup)

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
                self._finish_shell(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)

    def _fork_interpreter(self) -> None:
        if self._interpreter is not None:
            return
        try:
            self._interpreter = InterpreterProcess(
                self._loop, self._root, self._writer, self._on_hello, self._on_violation
            )
        except OSError:
            # The process limit is still used up by what is being killed.
            end_all_but(None)
            self._loop.after(REFORK_RETRY_SECONDS, self._fork_interpreter)
            return
        if self._waiting is not None:
            request, self._waiting = self._waiting, None
            self._start_python(request)

    def _on_hello(self, filtered: bool) -> None:
        if not self._announced:
            self._announced = True
            version = platform.python_version()
            self._send({"type": "ready", "python": version, "preloaded": self._preloaded, "filtered": filtered})

    def _on_violation(self, message: str) -> None:
        if self._call is not None:
            self._call.violation = message
        if self._interpreter is not None:
            try:
                os.kill(self._interpreter.pid, signal.SIGKILL)
            except OSError:
                pass

    def _on_interpreter_exit(self, status: int) -> None:
        interpreter = self._interpreter
        if interpreter is None:
            return
        self._state_lost = True
        call = self._call
        if call is not None and call.kind == "exec":
            end_all_but(None)
            self._finish(call, interpreter.stdout, interpreter.stderr, self._death(call, status))
        interpreter.close()
        self._interpreter = None
        self._fork_interpreter()

    def _death(self, call: Call, status: int) -> dict[str, Any]:
        if call.stopped is not None:
            return {"outcome": call.stopped}
        if oom_kills() > call.oom_kills_before:
            return {"outcome": "out_of_memory"}
        if call.violation is not None:
            reason = f"it broke the sandbox's protocol: {call.violation}"
        elif os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            reason = f"ended by signal {number} ({signal.strsignal(number)})"
        else:
            reason = f"ended with exit status {os.WEXITSTATUS(status)}"
        return {"outcome": "died", "exception": f"The Python process is gone: {reason}"}

    # --- calls ---

    def _start_python(self, request: dict[str, Any]) -> None:
        interpreter = self._interpreter
        if interpreter is None:
            self._waiting = request
            return
        pid = interpreter.pid
        call = self._begin(request, "exec", lambda: interrupt_group(pid), lambda: end_all_but(None))
        interpreter.stdout.begin(call.id, request["maxOutputBytes"])
        interpreter.stderr.begin(call.id, request["maxOutputBytes"])
        identity = ID.pack(call.id)

        def finished(result: dict[str, Any]) -> None:
            end_all_but(pid)
            outcome = call.stopped or result.pop("status")
            result.pop("status", None)
            self._finish(call, interpreter.stdout, interpreter.stderr, {"outcome": outcome, **result})

        interpreter.run(request["code"], lambda kind, body: self._writer.send(kind, identity, body), finished)

    def _start_shell(self, request: dict[str, Any]) -> None:
        def kill() -> None:
            end_all_but(self._interpreter.pid if self._interpreter else None)

        try:
            child = fork_shell(self._root, request["commands"])
        except OSError as error:
            self._send({"type": "refused", "id": request["id"], "code": "unavailable", "message": str(error)})
            return
        call = self._begin(request, "shell", lambda: interrupt_group(child.pid), kill)
        self._shell = _Shell(
            child.pid,
            OutputPipe(self._loop, child.stdout, STDOUT, self._writer),
            OutputPipe(self._loop, child.stderr, STDERR, self._writer),
        )
        self._shell.stdout.begin(call.id, request["maxOutputBytes"])
        self._shell.stderr.begin(call.id, request["maxOutputBytes"])

    def _begin(self, request: dict[str, Any], kind: Any, interrupt: Any, kill: Any) -> Call:
        seconds = request["timeoutMs"] / 1000
        self._call = Call(self._loop, request["id"], kind, seconds, interrupt, kill, oom_kills())
        return self._call

    def _finish_shell(self, status: int, cpu_seconds: float, peak_bytes: int) -> None:
        shell, call = self._shell, self._call
        if shell is None or call is None:
            return
        end_all_but(self._interpreter.pid if self._interpreter else None)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        outcome: str = "completed" if code == 0 else "failed"
        if call.stopped is not None:
            outcome = call.stopped
        elif code != 0 and oom_kills() > call.oom_kills_before:
            outcome = "out_of_memory"
        result = {"outcome": outcome, "exitCode": code, "cpuMs": cpu_seconds * 1000, "peakMemoryBytes": peak_bytes}
        self._finish(call, shell.stdout, shell.stderr, result)
        shell.stdout.close()
        shell.stderr.close()
        self._shell = None

    def _finish(self, call: Call, stdout: OutputPipe, stderr: OutputPipe, result: dict[str, Any]) -> None:
        duration = call.finish()
        stdout.end()
        stderr.end()
        self._call = None
        if self._interpreter is not None:
            self._interpreter.stop_listening()
        kept, self._state_lost = not self._state_lost, False
        self._send(
            {
                "type": "result",
                "id": call.id,
                **result,
                "stateKept": kept,
                "droppedBytes": stdout.dropped + stderr.dropped,
                "durationMs": duration,
                "changes": self._workspace.changes(),
            }
        )

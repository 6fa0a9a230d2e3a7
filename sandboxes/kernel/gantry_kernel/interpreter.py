"""The Python that user code runs in. Forked from the supervisor; its variables live until it dies."""

from __future__ import annotations

import ast
import builtins
import contextlib
import linecache
import os
import random
import resource
import signal
import sys
import time
import traceback
import types
from typing import NoReturn

from .child_channel import ChildChannel
from .output_stream import OutputStream
from .pictures import Pictures
from .protocol import IMAGE, VIDEO_FRAME

MAX_TEXT = 64 << 10
# Tracebacks show source lines of this many calls.
MAX_REMEMBERED_CALLS = 200


def run_interpreter(channel_fd: int, filtered: bool) -> NoReturn:
    """Serves calls until the supervisor goes away; never returns into the supervisor's stack."""
    try:
        Interpreter(ChildChannel(channel_fd)).serve(filtered)
    finally:
        os._exit(1)


def _capped(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT // 2]}\n[{len(text) - MAX_TEXT} characters left out]\n{text[-MAX_TEXT // 2 :]}"


def _no_input(*_: object) -> NoReturn:
    raise EOFError("input() cannot be answered here; put the value in the code")


class Interpreter:
    def __init__(self, channel: ChildChannel) -> None:
        self._channel = channel
        self._interruptible = False
        self._calls = 0
        module = types.ModuleType("__main__")
        module.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = module
        sys.argv = [""]
        self._namespace = module.__dict__
        sys.stdin = open(0, closefd=False)
        self._streams = (OutputStream("stdout", 1), OutputStream("stderr", 2))
        builtins.input = _no_input
        self._pictures = Pictures(
            lambda mime, data: channel.send(IMAGE, bytes([len(mime)]), mime.encode(), data),
            lambda mime, data: channel.send(VIDEO_FRAME, bytes([len(mime)]), mime.encode(), data),
        )
        # The child started with plain signals; Python wants these two its own way.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGINT, self._on_interrupt)
        # Every interpreter is a fork of the same process: without this they would draw the same numbers.
        random.seed()
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()

    def serve(self, filtered: bool) -> None:
        self._channel.send_json({"filtered": filtered})
        # Before the next call comes, or that call would wait for it.
        self._prepare()
        while (code := self._channel.receive()) is not None:
            self._channel.send_json(self._call(code))
            self._prepare()

    def _prepare(self) -> None:
        """Takes back what the last call's code may have set."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._reset_peak_memory()

    def _call(self, code: str) -> dict[str, object]:
        for stream in self._streams:
            stream.begin()
        self._calls += 1
        cpu = self._cpu_seconds()
        result: dict[str, object] = {}
        try:
            self._interruptible = True
            try:
                self._run_and_show(code, result)
            finally:
                self._interruptible = False
        except BaseException as error:  # user code may raise anything, SystemExit included
            result.update(self._failure(error))
        closed = [stream.name for stream in self._streams if not stream.end()]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "status": "completed",
            **result,
            **({"closed": closed} if closed else {}),
            "frames": self._pictures.frames,
            "cpuMs": (self._cpu_seconds() - cpu) * 1000,
            "peakMemoryBytes": usage.ru_maxrss * 1024,
        }

    def _run_and_show(self, code: str, result: dict[str, object]) -> None:
        self._pictures.begin()
        try:
            self._run(code, result)
        except KeyboardInterrupt:
            self._pictures.discard()
            raise
        except BaseException:
            # As in a notebook, what was drawn before an error is shown; it counts more than a faulty picture.
            with contextlib.suppress(Exception):
                self._pictures.end()
            raise
        self._pictures.end()

    def _run(self, code: str, result: dict[str, object]) -> None:
        name = f"<call {self._calls}>"
        linecache.cache.pop(f"<call {self._calls - MAX_REMEMBERED_CALLS}>", None)
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        tree = ast.parse(code, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        # Not with this module's own `__future__`: code may look at what it annotates.
        if tree.body:
            exec(compile(tree, name, "exec", dont_inherit=True), self._namespace)
        if not isinstance(last, ast.Expr):
            return
        value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), self._namespace)
        if value is None:
            return
        self._namespace["_"] = value
        result["value"] = _capped(repr(value))
        self._pictures.value(value)

    def _failure(self, error: BaseException) -> dict[str, object]:
        # An interrupt that came just as the call's code ended may have kept this from being unset.
        self._interruptible = False
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return {"status": "completed"}
        try:
            # The error's texts are the user's code too.
            self._interruptible = True
            try:
                said = f"SystemExit: {error.code}" if isinstance(error, SystemExit) else self._traceback(error)
            finally:
                self._interruptible = False
            return {"status": "failed", "exception": _capped(said)}
        except BaseException:
            self._interruptible = False
            return {"status": "failed", "exception": type(error).__name__}

    def _traceback(self, error: BaseException) -> str:
        trace = error.__traceback__
        # The kernel's own frames say nothing about the user's code.
        while trace and not trace.tb_frame.f_code.co_filename.startswith("<call "):
            trace = trace.tb_next
        report = traceback.TracebackException(type(error), error, trace, limit=-30)
        # The interrupt is raised by our signal handler, wherever the user's code was.
        report.stack[:] = [frame for frame in report.stack if frame.filename != __file__]
        return "".join(report.format()).rstrip()

    def _on_interrupt(self, *_: object) -> None:
        if self._interruptible:
            raise KeyboardInterrupt

    @staticmethod
    def _cpu_seconds() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    @staticmethod
    def _reset_peak_memory() -> None:
        try:
            file = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            os.write(file, b"5")
        finally:
            os.close(file)

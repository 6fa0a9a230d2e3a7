"""Forking what a call runs in. Every child gets a session of its own, plain signals and no stray descriptors."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from typing import Callable, NamedTuple, NoReturn

from . import hardening
from .interpreter import run_interpreter

EXTRA_FD = 3
# `eval` in one shell: `cd` and variables carry over to the commands after it. The commands come in
# through a descriptor: as arguments they could not be longer than 128 KiB each.
_RUN_ALL = (
    f'mapfile -d "" -t -u {EXTRA_FD} commands && exec {EXTRA_FD}<&-; '
    'set -- "${commands[@]}"; unset commands; for command; do eval "$command"; done'
)
SHELL = ["/bin/bash", "-c", _RUN_ALL, "bash"]


class Child(NamedTuple):
    pid: int
    stdout: int
    stderr: int
    """The supervisor's end of the interpreter's socket; None for a shell."""
    channel: socket.socket | None


def _fork(extra: int, become: Callable[[bool], NoReturn]) -> tuple[int, int, int]:
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    ends = (out_read, out_write, err_read, err_write)
    try:
        pid = os.fork()
    except OSError:
        for fd in ends:
            os.close(fd)
        raise
    if pid == 0:
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            null = os.open("/dev/null", os.O_RDONLY)
            sources = [null, out_write, err_write, extra]
            # Moved out of the way first: a source may sit on another's destination.
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in sources]
            for target, fd in enumerate(high):
                os.dup2(fd, target, inheritable=True)
            os.closerange(len(high), 1 << 16)
            become(hardening.harden_child())
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(126)
    os.close(out_write)
    os.close(err_write)
    for fd in (out_read, err_read):
        os.set_blocking(fd, False)
    return pid, out_read, err_read


def _enter(workspace: str) -> None:
    """Code owns the directory, and may have shut everybody out of it."""
    try:
        os.chdir(workspace)
    except PermissionError:
        os.chmod(workspace, 0o700)
        os.chdir(workspace)


def fork_interpreter(workspace: str) -> Child:
    ours, theirs = socket.socketpair()

    def become(filtered: bool) -> NoReturn:
        _enter(workspace)
        sys.path.insert(0, workspace)
        run_interpreter(EXTRA_FD, filtered)

    try:
        pid, stdout, stderr = _fork(theirs.fileno(), become)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Child(pid, stdout, stderr, ours)


def fork_shell(workspace: str, commands: list[str]) -> Child:
    def become(_filtered: bool) -> NoReturn:
        _enter(workspace)
        os.execv(SHELL[0], SHELL)

    script = os.memfd_create("commands", os.MFD_CLOEXEC)
    try:
        with open(script, "wb", closefd=False) as file:
            file.write(b"".join(command.encode("utf-8", "replace") + b"\0" for command in commands))
        os.lseek(script, 0, os.SEEK_SET)
        pid, stdout, stderr = _fork(script, become)
    finally:
        os.close(script)
    return Child(pid, stdout, stderr, None)

"""What the kernel itself adds to the container's walls."""

from __future__ import annotations

import ctypes
import platform
import signal

from .system_call_filter import MACHINES, filter_program

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

IGNORED_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGPIPE,
    signal.SIGALRM,
)


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def _prctl(option: int, value: int, pointer: object = 0) -> bool:
    status: int = _libc.prctl(option, ctypes.c_ulong(value), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0))
    return status == 0


def harden_supervisor() -> None:
    """Unreadable to the code it runs, deaf to signals from inside, parent of every orphan."""
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def harden_child() -> bool:
    """For a freshly forked child: first to be killed for memory, under a second filter. True if filtered."""
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _prctl(PR_SET_DUMPABLE, 1)
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass
    return _install_filter()


def _built_filter() -> _Program | None:
    machine = platform.machine()
    if machine not in MACHINES:
        return None
    program = filter_program(machine)
    array = (_Instruction * len(program))(*(_Instruction(*fields) for fields in program))
    return _Program(len(program), array)


# Once, before the first fork.
_FILTER = _built_filter()


def _install_filter() -> bool:
    if _FILTER is None or not _prctl(PR_SET_NO_NEW_PRIVS, 1):
        return False
    return _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(_FILTER))

"""What the kernel itself adds to the container's walls."""

from __future__ import annotations

import ctypes
import platform
import signal

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

# audit architecture and the calls refused there. Older engines' default profile lets io_uring
# through; the others are refused by most profiles, and cost nothing to refuse again.
_IO_URING = (425, 426, 427)
_REFUSED: dict[str, tuple[int, tuple[int, ...]]] = {
    # ptrace, keyrings, perf_event_open, process_vm_readv/writev, bpf, userfaultfd
    "x86_64": (0xC000003E, (101, 248, 249, 250, 298, 310, 311, 321, 323) + _IO_URING),
    "aarch64": (0xC00000B7, (117, 217, 218, 219, 241, 270, 271, 280, 282) + _IO_URING),
}
_X32_BIT = 0x40000000

_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def filter_instructions(machine: str) -> list[tuple[int, int, int, int]]:
    """Classic BPF: refuse foreign architectures, the x32 calls and the listed numbers; allow the rest."""
    architecture, refused = _REFUSED[machine]
    checks = len(refused)
    program = [
        (_LOAD_WORD, 0, 0, 4),
        (_JUMP_EQUAL, 0, checks + 3, architecture),
        (_LOAD_WORD, 0, 0, 0),
        (_JUMP_AT_LEAST, checks + 1, 0, _X32_BIT),
    ]
    program += [(_JUMP_EQUAL, checks - index, 0, number) for index, number in enumerate(refused)]
    return program + [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]


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


def _install_filter() -> bool:
    machine = platform.machine()
    if machine not in _REFUSED or not _prctl(PR_SET_NO_NEW_PRIVS, 1):
        return False
    instructions = filter_instructions(machine)
    array = (_Instruction * len(instructions))(*(_Instruction(*fields) for fields in instructions))
    program = _Program(len(instructions), array)
    return _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))

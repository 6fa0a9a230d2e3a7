"""The second system call filter, as a classic BPF program: what a container engine's own profile may let through.

Older profiles allow io_uring, which goes around every filter, and sockets of the hypervisor and of the
kernel's own cryptography. The rest is refused by most profiles, and costs nothing to refuse again: the
same filter stands where there is no engine.
"""

from __future__ import annotations

from typing import NamedTuple

EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
ALLOW, REFUSE = 0x7FFF0000, 0x00050000

LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets in the kernel's `struct seccomp_data`; both machines are little-endian.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24

_X32_BIT = 0x40000000
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NAMESPACE_FLAGS = 0x7E020000
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_SOCKET_FAMILIES = (1, 2, 10, 16)

# name: (number on x86_64, number on aarch64)
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # a second way into the kernel, around this filter
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # other processes, and handles of theirs
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # what exploits of the kernel are made with
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18),
    # memory that outlives whoever made it: no kill gives it back
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # ... and that no size of a file system in memory counts
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "ioprio_set": (251, 30),
    # namespaces and file systems
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "nfsservctl": (180, 42),
    # the machine itself
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "uselib": (134, None),
}

# Code runs as the supervisor's user, so it could set the supervisor's limits and priority too: at idle
# priority beside busy loops the supervisor gets no processor, not even to die of a SIGKILL. The first
# argument is a process, 0 the caller.
_ON_ONESELF_ONLY: dict[str, tuple[int, int]] = {
    "prlimit64": (302, 261),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
}


class Machine(NamedTuple):
    audit_architecture: int
    column: int
    clone: int
    clone3: int
    socket: int
    setpriority: int


MACHINES = {
    "x86_64": Machine(0xC000003E, 0, clone=56, clone3=435, socket=41, setpriority=141),
    "aarch64": Machine(0xC00000B7, 1, clone=220, clone3=435, socket=198, setpriority=140),
}


class Instruction(NamedTuple):
    code: int
    if_true: int
    if_false: int
    value: int


def refused_numbers(machine: str) -> dict[str, int]:
    """The calls that are refused whatever their arguments, by name."""
    column = MACHINES[machine].column
    numbers = {name: pair[column] for name, pair in _REFUSED.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def own_numbers(machine: str) -> dict[str, int]:
    """The calls that are refused for any process but the caller, by name."""
    column = MACHINES[machine].column
    return {name: pair[column] for name, pair in _ON_ONESELF_ONLY.items()}


def filter_program(machine: str) -> list[Instruction]:
    """Foreign architectures and the x32 calls are refused whole: their numbers mean other calls."""
    known = MACHINES[machine]
    refused = refused_numbers(machine).values()
    body = [
        *(_jump(JUMP_EQUAL, number, "refuse") for number in refused),
        _jump(JUMP_EQUAL, known.clone3, "no_such_call"),
        _jump(JUMP_EQUAL, known.clone, "clone"),
        _jump(JUMP_EQUAL, known.socket, "socket"),
        *(_jump(JUMP_EQUAL, number, "oneself") for number in own_numbers(machine).values()),
        _jump(JUMP_EQUAL, known.setpriority, "setpriority"),
    ]
    head = [
        ("", LOAD_WORD, ARCHITECTURE, "", ""),
        ("", JUMP_EQUAL, known.audit_architecture, "", "refuse"),
        ("", LOAD_WORD, NUMBER, "", ""),
        _jump(JUMP_AT_LEAST, _X32_BIT, "refuse"),
    ]
    return _resolved([*head, *body, *_tail()])


# label of this instruction, code, value, label to go to if true, and if false; "" is the next one
_Line = tuple[str, int, int, str, str]


def _jump(code: int, value: int, if_true: str) -> _Line:
    return ("", code, value, if_true, "")


def _tail() -> list[_Line]:
    """`clone3` hides its flags behind a pointer; told that there is none, every C library uses `clone`."""
    families = [_jump(JUMP_EQUAL, family, "allow") for family in _SOCKET_FAMILIES]
    return [
        ("", RETURN, ALLOW, "", ""),
        ("clone", LOAD_WORD, FIRST_ARGUMENT, "", ""),
        ("", JUMP_ANY_BIT, _NAMESPACE_FLAGS, "refuse", "allow"),
        ("socket", LOAD_WORD, FIRST_ARGUMENT, "", ""),
        *families,
        ("", RETURN, REFUSE | EAFNOSUPPORT, "", ""),
        # PRIO_PROCESS, and 0 for the caller
        ("setpriority", LOAD_WORD, FIRST_ARGUMENT, "", ""),
        ("", JUMP_EQUAL, 0, "", "refuse"),
        ("", LOAD_WORD, SECOND_ARGUMENT, "", ""),
        ("", JUMP_EQUAL, 0, "allow", "refuse"),
        ("oneself", LOAD_WORD, FIRST_ARGUMENT, "", ""),
        ("", JUMP_EQUAL, 0, "allow", "refuse"),
        ("no_such_call", RETURN, REFUSE | ENOSYS, "", ""),
        ("refuse", RETURN, REFUSE | EPERM, "", ""),
        ("allow", RETURN, ALLOW, "", ""),
    ]


def _resolved(lines: list[_Line]) -> list[Instruction]:
    places = {line[0]: index for index, line in enumerate(lines) if line[0]}
    program = []
    for index, (_, code, value, if_true, if_false) in enumerate(lines):
        # Jumps count from the next instruction.
        to_true, to_false = (places[label] - index - 1 if label else 0 for label in (if_true, if_false))
        program.append(Instruction(code, to_true, to_false, value))
    return program

import ctypes
import json
import os
import platform
import socket
import subprocess
import threading
import unittest
from typing import Callable

from gantry_kernel.hardening import harden_child
from gantry_kernel.system_call_filter import (
    ALLOW,
    ARCHITECTURE,
    EAFNOSUPPORT,
    ENOSYS,
    EPERM,
    FIRST_ARGUMENT,
    JUMP_ANY_BIT,
    JUMP_AT_LEAST,
    JUMP_EQUAL,
    LOAD_WORD,
    MACHINES,
    NUMBER,
    REFUSE,
    RETURN,
    SECOND_ARGUMENT,
    filter_program,
    own_numbers,
    refused_numbers,
)

X86_64, AARCH64, I386, ARM = 0xC000003E, 0xC00000B7, 0x40000003, 0x40000028
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17
# as the C library starts a thread
THREAD_FLAGS = 0x3D0F00
# read, write, mmap, futex, execve, openat, clock_gettime, wait4
EVERYDAY = {"x86_64": (0, 1, 9, 202, 59, 257, 228, 61), "aarch64": (63, 64, 222, 98, 221, 56, 113, 260)}
# What a reader of the kernel's own tables expects; the program's table is checked against it.
BY_HEART = {
    "x86_64": {"ptrace": 101, "unshare": 272, "bpf": 321, "mount": 165, "userfaultfd": 323, "keyctl": 250},
    "aarch64": {"ptrace": 117, "unshare": 97, "bpf": 280, "mount": 40, "userfaultfd": 282, "keyctl": 219},
}


def verdict(machine: str, architecture: int, number: int, argument: int = 0, second: int = 0) -> int:
    """Interprets the program as the kernel does."""
    program = filter_program(machine)
    data = {NUMBER: number, ARCHITECTURE: architecture, FIRST_ARGUMENT: argument, SECOND_ARGUMENT: second}
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == LOAD_WORD:
            accumulator = data[value]
        elif code == JUMP_EQUAL:
            position += if_true if accumulator == value else if_false
        elif code == JUMP_AT_LEAST:
            position += if_true if accumulator >= value else if_false
        elif code == JUMP_ANY_BIT:
            position += if_true if accumulator & value else if_false
        else:
            assert code == RETURN
            return value


class FilterProgramTest(unittest.TestCase):
    def test_every_listed_call_is_refused_by_its_machines_number(self) -> None:
        for machine, known in MACHINES.items():
            for name, number in refused_numbers(machine).items():
                self.assertEqual(verdict(machine, known.audit_architecture, number), REFUSE | EPERM, (machine, name))
            self.assertEqual(verdict(machine, known.audit_architecture, known.clone3), REFUSE | ENOSYS)

    def test_everything_else_is_allowed(self) -> None:
        for machine, known in MACHINES.items():
            special = {*refused_numbers(machine).values(), known.clone3, known.socket}
            allowed = set(range(600)) - special
            self.assertTrue(allowed.issuperset(EVERYDAY[machine]))
            for number in allowed:
                self.assertEqual(verdict(machine, known.audit_architecture, number), ALLOW, (machine, number))

    def test_the_numbers_are_those_of_the_machine(self) -> None:
        for machine, names in BY_HEART.items():
            numbers = refused_numbers(machine)
            self.assertEqual({name: numbers[name] for name in names}, names)
        self.assertEqual([refused_numbers(machine)["io_uring_setup"] for machine in MACHINES], [425, 425])

    def test_foreign_architectures_and_the_x32_calls_are_refused(self) -> None:
        for machine, foreign in (("x86_64", AARCH64), ("aarch64", X86_64), ("x86_64", I386), ("aarch64", ARM)):
            for number in (1, *EVERYDAY[machine]):
                self.assertEqual(verdict(machine, foreign, number), REFUSE | EPERM, (machine, number))
        for number in (0, 1, 59, 425):
            self.assertEqual(verdict("x86_64", X86_64, 0x40000000 | number), REFUSE | EPERM)

    def test_clone_makes_processes_but_no_namespaces(self) -> None:
        for machine, known in MACHINES.items():
            for flags in (SIGCHLD, THREAD_FLAGS):
                self.assertEqual(verdict(machine, known.audit_architecture, known.clone, flags), ALLOW)
            for bit in (17, 25, 26, 27, 28, 29, 30):
                flags = SIGCHLD | 1 << bit
                self.assertEqual(verdict(machine, known.audit_architecture, known.clone, flags), REFUSE | EPERM)

    def test_only_plain_families_of_sockets_are_made(self) -> None:
        for machine, known in MACHINES.items():
            families = {family for family in range(64) if self._makes(machine, family)}
            self.assertEqual(families, {1, 2, 10, 16})
            self.assertEqual(verdict(machine, known.audit_architecture, known.socket, 40), REFUSE | EAFNOSUPPORT)

    def _makes(self, machine: str, family: int) -> bool:
        known = MACHINES[machine]
        return verdict(machine, known.audit_architecture, known.socket, family) == ALLOW

    def test_limits_and_priorities_are_set_for_oneself_alone(self) -> None:
        for machine, known in MACHINES.items():
            for number in own_numbers(machine).values():
                self.assertEqual(verdict(machine, known.audit_architecture, number, 0), ALLOW)
                self.assertEqual(verdict(machine, known.audit_architecture, number, 1), REFUSE | EPERM)
            for which, who in ((0, 0), (0, 1), (1, 0), (2, 0)):
                expected = ALLOW if (which, who) == (0, 0) else REFUSE | EPERM
                answer = verdict(machine, known.audit_architecture, known.setpriority, which, who)
                self.assertEqual(answer, expected, (machine, which, who))

    def test_it_fits_the_kernels_limits(self) -> None:
        for machine in MACHINES:
            for code, if_true, if_false, value in filter_program(machine):
                self.assertTrue(0 <= if_true < 256 and 0 <= if_false < 256 and 0 <= value < 1 << 32, code)


def in_hardened_child(probe: Callable[[], object]) -> object:
    """What `probe` returns in a process of its own under the filter, through JSON."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, json.dumps([harden_child(), probe()]).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as answer:
        filtered, value = json.load(answer)
    os.waitpid(pid, 0)
    assert filtered
    return value


def refusal_of(name: str, *arguments: int) -> int:
    number = refused_numbers(platform.machine())[name]
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(number, *map(ctypes.c_long, arguments)) == -1 else 0


class LiveFilterTest(unittest.TestCase):
    def test_this_kernel_refuses_what_the_program_says(self) -> None:
        # Calls that do no harm if they are let through, with arguments that a kernel would otherwise mind.
        names = ("io_uring_setup", "userfaultfd", "bpf", "keyctl", "perf_event_open", "setns", "kcmp", "move_pages")
        errors = in_hardened_child(lambda: {name: refusal_of(name, 0, 0, 0, 0, 0) for name in names})
        self.assertEqual(errors, dict.fromkeys(names, EPERM))

    def test_a_namespace_is_refused_also_by_clone(self) -> None:
        def clone() -> int:
            libc = ctypes.CDLL(None, use_errno=True)
            number = MACHINES[platform.machine()].clone
            status = libc.syscall(number, ctypes.c_long(CLONE_NEWUSER | SIGCHLD), 0, 0, 0, 0)
            if status == 0:
                os._exit(0)
            return ctypes.get_errno() if status == -1 else 0

        self.assertEqual(in_hardened_child(clone), EPERM)

    def test_a_socket_to_the_hypervisor_is_refused(self) -> None:
        def refused(family: int) -> int:
            try:
                socket.socket(family, socket.SOCK_STREAM).close()
            except OSError as error:
                return error.errno or -1
            return 0

        self.assertEqual(in_hardened_child(lambda: [refused(1), refused(2), refused(40)]), [0, 0, EAFNOSUPPORT])

    def test_threads_and_processes_still_start(self) -> None:
        def work() -> list[object]:
            done: list[object] = []
            thread = threading.Thread(target=lambda: done.append("thread"))
            thread.start()
            thread.join()
            return [*done, subprocess.run(["sh", "-c", "echo process"], capture_output=True).stdout.decode().strip()]

        self.assertEqual(in_hardened_child(work), ["thread", "process"])


if __name__ == "__main__":
    unittest.main()

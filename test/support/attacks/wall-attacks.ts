import { type Attack, ENDS, THROUGH } from './attack.js';

const NOTHING = { outcome: 'completed', value: '[]' } as const;

/** Ways out of the sandbox: to the host's files, sockets, network, clock and kernel. */
export const WALL_ATTACKS: readonly Attack[] = [
  {
    name: 'write to the system',
    why: 'a changed system would outlive the call or reach the engine',
    program: {
      python: `${THROUGH}
import os
places = ['/', '/etc', '/usr', '/opt/gantry', '/run', '/var/tmp', '/sys/fs/cgroup', '/proc/sys/kernel', '/sys', '/home']
files = ['/etc/hosts', '/etc/resolv.conf', '/etc/passwd', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger',
         '/sys/kernel/uevent_helper', '/usr/bin/python3']
through(**{f'{place}/attack': lambda place=place: open(f'{place}/attack', 'w') for place in places},
        **{file: lambda file=file: open(file, 'r+b') for file in files})`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: "the host's files",
    why: 'nothing of the host may be mounted',
    program: {
      python: String.raw`${THROUGH}
import os
through(read=lambda: open('CANARY_FILE').read(), write=lambda: open('CANARY_FILE', 'w'),
        make=lambda: open('CANARY_DIRECTORY/made', 'w'), root=lambda: open('/proc/1/root/CANARY_FILE'),
        up=lambda: open('/workspace/' + '../' * 30 + 'CANARY_FILE'), cwd=lambda: os.listdir('/proc/1/cwd'),
        host=lambda: os.stat('/proc/CANARY_PID/exe') and os.readlink('/proc/CANARY_PID/exe'),
        link=lambda: os.link('/etc/passwd', 'hard'))`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: "the server's environment",
    why: 'keys and addresses stand in it',
    program: {
      python: `${THROUGH}
import os
with_canary = [name for name, value in os.environ.items() if 'canary-' in value]
with_canary + through(parent=lambda: open('/proc/1/environ', 'rb').read())`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'inherited descriptors',
    why: "one of the engine's or the server's would be a way around every wall",
    program: {
      python: String.raw`
import os, stat
kinds = {}
for name in os.listdir('/proc/self/fd'):
    try: kinds[int(name)] = os.readlink(f'/proc/self/fd/{name}').split(':')[0]
    except OSError: pass
sorted({kind for kind in kinds.values()} - {'/dev/null', 'pipe', 'socket', '/workspace', 'anon_inode'}
       - {kind for kind in kinds.values() if kind.startswith('/proc/')})`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'the network',
    why: 'data would leave, the host and its neighbours would be reached',
    program: {
      python: `${THROUGH}
import os, socket
port = int('CANARY_PORT')
hosts = 'CANARY_ADDRESSES'.split() + ['1.1.1.1', '169.254.169.254', '::1', '0.0.0.0']
cards = [card for card in os.listdir('/sys/class/net') if card != 'lo'] if os.path.exists('/sys/class/net') else []
cards + through(**{host: lambda host=host: socket.create_connection((host, port), 0.5) for host in hosts},
        datagram=lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53)),
        name=lambda: socket.getaddrinfo('example.com', 80),
        raw=lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        packet=lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        machine=lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, 1024)))`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: "the host's sockets",
    why: 'an engine, a bus or a database that listens on one would obey',
    program: {
      python: String.raw`${THROUGH}
import socket
def connect(path):
    socket.socket(socket.AF_UNIX).connect(path)
paths = ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', '/run/dbus/system_bus_socket',
         '/tmp/.s.PGSQL.5432', 'CANARY_SOCKET', '\0CANARY_ABSTRACT']
through(**{path: lambda path=path: connect(path) for path in paths})`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'system calls for the mighty',
    why: 'each is a known way to the kernel or to other processes',
    program: {
      python: String.raw`
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
tables = {
    'x86_64': dict(ptrace=101, mount=165, umount2=166, swapon=167, reboot=169, sethostname=170, init_module=175, quotactl=179,
        settimeofday=164, clock_settime=227, kexec_load=246, add_key=248, request_key=249, keyctl=250, unshare=272,
        perf_event_open=298, open_by_handle_at=304, setns=308, process_vm_readv=310, process_vm_writev=311,
        finit_module=313, bpf=321, userfaultfd=323, chroot=161, pivot_root=155, iopl=172, acct=163,
        io_uring_setup=425, open_tree=428, move_mount=429, fsopen=430, pidfd_getfd=438),
    'aarch64': dict(ptrace=117, mount=40, umount2=39, reboot=142, sethostname=161, init_module=105, settimeofday=170,
        clock_settime=112, kexec_load=104, add_key=217, request_key=218, keyctl=219, unshare=97, perf_event_open=241,
        open_by_handle_at=265, setns=268, process_vm_readv=270, process_vm_writev=271, bpf=280, userfaultfd=282,
        chroot=51, pivot_root=41, io_uring_setup=425, open_tree=428, move_mount=429, fsopen=430),
}
# 0x10000000: a user namespace for unshare; harmless nonsense for the others.
def refused(number):
    ctypes.set_errno(0)
    return libc.syscall(number, 0x10000000, 1, 0, 0, 0) == -1 and ctypes.get_errno() in (1, 13, 38)
[name for name, number in tables[platform.machine()].items() if not refused(number)]`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'system calls by another door',
    why: 'the 32-bit and x32 tables would go around a filter of numbers',
    program: {
      python: String.raw`
import ctypes, mmap, os, platform
answer = []
if platform.machine() == 'x86_64':
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(0x40000000 + 425, 1, 0) != -1 or ctypes.get_errno() not in (1, 38):
        answer.append('x32')
    child = os.fork()
    if child == 0:
        # mov eax, 26 (ptrace of the 32-bit table); xor ebx, ebx; int 0x80; ret
        code = bytes([0xB8, 26, 0, 0, 0, 0x31, 0xDB, 0xCD, 0x80, 0xC3])
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        os._exit(7 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() in (-1, -38) else 8)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8:
        answer.append('int 0x80')
answer`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'io_uring',
    why: 'it does reads and writes that no filter of system calls sees; old engines let it through',
    program: {
      python: `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
[number for number in (425, 426, 427) if libc.syscall(number, 1, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (1, 38)]`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'new namespaces',
    why: 'root of a new user namespace may use much more of the kernel',
    program: {
      bash: `unshare -Ur true && echo through unshare
unshare -n true && echo through net
nsenter -t 1 -m true && echo through nsenter
chroot / true && echo through chroot
mount -t tmpfs none /tmp && echo through mount
mount -t cgroup -o memory none /tmp && echo through cgroup
mount -t proc none /tmp && echo through proc
mknod /tmp/disk b 8 0 && echo through mknod
true`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', stdout: '' },
  },
  {
    name: 'programs that run as root',
    why: 'a setuid file in the image would be a way up',
    program: {
      bash: `find / -xdev -perm /6000 -type f 2>/dev/null
su -c 'echo through su' </dev/null; sudo -n echo through sudo
cp /bin/bash ./bash && chmod 6755 ./bash && ./bash -p -c 'id -u; id -ru' | sort -u | grep -qx 0 && echo through setuid
grep -E '^(CapPrm|CapEff|CapBnd|CapAmb)' /proc/self/status | grep -v 0000000000000000
grep -x 'NoNewPrivs:.*0' /proc/self/status
rm -f ./bash`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'failed'], stdout: '' },
  },
  {
    name: "the kernel's own files",
    why: 'memory, keys and switches of the host show there',
    program: {
      python: `${THROUGH}
import os
def secret(path):
    data = open(path, 'rb').read(4096)
    return -1 if not data.strip(b'\\0') else 1
paths = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/sched_debug', '/proc/kpagecount', '/proc/kmsg',
         '/dev/mem', '/dev/kmem', '/dev/port', '/dev/kmsg', '/dev/sda', '/dev/vda', '/dev/fuse', '/dev/kvm', '/dev/net/tun',
         '/sys/firmware/dmi/tables/DMI', '/sys/kernel/debug/x', '/proc/bus/pci/00', '/proc/acpi/wakeup']
addresses = [line for line in open('/proc/kallsyms').read(4096).splitlines() if not line.startswith('0' * 16)] \\
    if os.path.exists('/proc/kallsyms') and os.access('/proc/kallsyms', os.R_OK) else []
addresses[:1] + through(**{path: lambda path=path: secret(path) for path in paths})`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
  {
    name: 'clock, host name and priorities',
    why: 'the kernel has one clock for all',
    program: {
      python: `${THROUGH}
import os, socket, time
through(clock=lambda: time.clock_settime(time.CLOCK_REALTIME, 0), name=lambda: socket.sethostname('attack'),
        realtime=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)), nice=lambda: os.nice(-5),
        oom=lambda: open('/proc/self/oom_score_adj', 'wb', buffering=0).write(b'-1000'))`,
    },
    limits: ENDS,
    expected: NOTHING,
  },
];

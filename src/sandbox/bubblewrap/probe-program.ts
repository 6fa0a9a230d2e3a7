import { z } from 'zod';

/** What the walls look like from inside. */
export const findingsSchema = z.object({
  userId: z.number(),
  capabilities: z.array(z.string()),
  noNewPrivileges: z.boolean(),
  /** Whether a call that only our own filter refuses is refused. */
  filtered: z.boolean(),
  systemCallFilters: z.number(),
  interfaces: z.array(z.string()),
  /** Folders that could be written to, of those that must not be. */
  writable: z.array(z.string()),
  userNamespaces: z.boolean(),
  processesVisible: z.number(),
  workspaceBytes: z.number(),
  machineHasSwap: z.boolean(),
  /** Processes that could be had at the same time. */
  processes: z.number(),
});

export type Findings = z.infer<typeof findingsSchema>;

/** Tries the walls and prints what it found; `limit` is how many processes should be the most. */
export function probeProgram(limit: number): string {
  return `
import ctypes, json, os, platform, signal, socket

status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
libc = ctypes.CDLL(None, use_errno=True)

def writable(path):
    try:
        with open(path + "/.probe", "w"):
            os.unlink(path + "/.probe")
        return True
    except OSError:
        return False

def can_write_setting(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
        return True
    except OSError:
        return False

def processes():
    children = []
    try:
        while len(children) <= ${limit}:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError:
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children)

def new_user_namespace():
    child = os.fork()
    if child == 0:
        # Past the filter's answer to unshare: as a clone, which it looks into.
        number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
        made = libc.syscall(number, ctypes.c_ulong(0x10000000 | 17), None, None, None, None)
        os._exit(1 if made == -1 else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

storage = os.statvfs("/workspace")
print(json.dumps({
    "userId": os.getuid(),
    "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "noNewPrivileges": status["NoNewPrivs"].strip() == "1",
    "filtered": libc.unshare(0) == -1,
    "systemCallFilters": int(status.get("Seccomp_filters", "1")) if status["Seccomp"].strip() == "2" else 0,
    "machineHasSwap": len(open("/proc/swaps").readlines()) > 1,
    "interfaces": [name for _, name in socket.if_nameindex()],
    "writable": [path for path in ("/", "/etc", "/usr", "/opt", "/dev", "/dev/shm", "/sys", "/var/tmp") if writable(path)]
        + [path for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger") if can_write_setting(path)],
    "userNamespaces": new_user_namespace(),
    "processesVisible": sum(name.isdigit() for name in os.listdir("/proc")),
    "workspaceBytes": storage.f_frsize * storage.f_blocks,
    "processes": processes(),
}))
`;
}

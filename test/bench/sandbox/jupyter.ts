import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { JsonLinePython } from './json-line-python.js';

/** Debian's own, which sees Debian's packages whatever else is called python3 here. */
const DEBIAN_PYTHON = '/usr/bin/python3';
const PACKAGES = ['python3-ipykernel', 'python3-jupyter-client', 'python3-numpy', 'python3-matplotlib'];
const MODULES = ['ipykernel', 'jupyter_client', 'numpy', 'matplotlib'];
const INSTALL_BOUND_MS = 300_000;

/** As a notebook does: the reply on one channel, the value and `idle` on the other. */
const DRIVER = `
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
try:
    for line in sys.stdin:
        request = client.execute(json.loads(line)["code"])
        value, pictures, printed = None, 0, 0
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "execute_result":
                value = content["data"]["text/plain"]
            elif kind == "display_data":
                pictures += "image/png" in content["data"]
            elif kind == "stream":
                printed += len(content["text"].encode())
            elif kind == "status" and content["execution_state"] == "idle":
                break
        while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != request:
            pass
        print(json.dumps({"value": value, "pictures": pictures, "printedBytes": printed}), flush=True)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
`;

/** A Jupyter kernel behind its own client, installed if that is possible; else why there is none. */
export async function startJupyter(): Promise<JsonLinePython | string> {
  const missing = await installed();
  if (missing !== undefined) return missing;
  return JsonLinePython.running(DEBIAN_PYTHON, DRIVER);
}

async function installed(): Promise<string | undefined> {
  if (await succeeds(DEBIAN_PYTHON, ['-c', `import ${MODULES.join(', ')}`])) return undefined;
  const command = `apt-get install ${PACKAGES.join(' ')}`;
  if (process.getuid?.() !== 0) return `Jupyter is not installed; as root: ${command}`;
  const install = () =>
    succeeds('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...PACKAGES]);
  if ((await install()) || ((await succeeds('apt-get', ['update', '--quiet'])) && (await install()))) {
    return undefined;
  }
  return `Jupyter could not be installed here: ${command} failed`;
}

async function succeeds(command: string, argumentList: readonly string[]): Promise<boolean> {
  const child = spawn(command, argumentList, {
    stdio: 'ignore',
    timeout: INSTALL_BOUND_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [code] = (await once(child, 'exit').catch(() => [1])) as [number | null];
  return code === 0;
}

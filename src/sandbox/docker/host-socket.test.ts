import { once } from 'node:events';
import { access, readdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { HostSocket } from './host-socket.js';

const mode = async (path: string) => (await stat(path)).mode & 0o777;

test('only who is given the inner folder gets to it', async () => {
  const socket = await HostSocket.open();
  expect(await mode(dirname(socket.folder))).toBe(0o700);
  expect(await mode(socket.folder)).toBe(0o711);
  expect(await readdir(socket.folder)).toEqual(['host']);
  expect((await mode(join(socket.folder, 'host'))) & 0o022).toBe(0o022);
  await socket.close();
});

test('the first to connect is the only one, and nothing is left on disk', async () => {
  const socket = await HostSocket.open();
  const path = join(socket.folder, 'host');
  const first = connect(path);
  const host = await socket.connected;
  await socket.close();
  await socket.close();
  await expect(access(dirname(socket.folder))).rejects.toThrow('ENOENT');
  const [error] = (await once(connect(path), 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ENOENT');
  first.write('hello');
  expect(String((await once(host, 'data'))[0])).toBe('hello');
  first.destroy();
  host.destroy();
});

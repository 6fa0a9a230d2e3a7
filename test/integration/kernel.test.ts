import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { dockerClient } from '../../src/sandbox/docker/docker-client.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { describeWithDocker } from '../support/docker.js';

describeWithDocker('the kernel by itself', () => {
  test('passes its own tests on the Python that it runs on', async () => {
    const docker = dockerClient(undefined);
    const container = await docker.createContainer({
      Image: await sandboxImage(join(PROJECT_ROOT, 'sandboxes')),
      Labels: { gantry: '1', 'gantry.test': 'kernel' },
      Entrypoint: ['python3', '-B', '-m', 'unittest'],
      Cmd: [],
      WorkingDir: '/kernel',
      Tty: true,
      HostConfig: { Binds: [`${join(PROJECT_ROOT, 'sandboxes/kernel')}:/kernel:ro`], NetworkMode: 'none' },
    });
    try {
      await container.start();
      const { StatusCode: status } = (await container.wait()) as { StatusCode: number };
      const output = (await container.logs({ stdout: true, stderr: true })).toString();
      expect(output).toMatch(/Ran \d+ tests/);
      expect(status, output).toBe(0);
    } finally {
      await container.remove({ force: true });
    }
  });
});

import { fileURLToPath } from 'node:url';
import { describeSandboxConformance } from '../../src/sandbox/conformance.suite.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));

describeSandboxConformance(
  'the Docker provider',
  async () =>
    new DockerSandboxProvider(
      { ...SANDBOX_DEFAULTS, instanceId: `test-conformance-${process.pid}`, image },
      () => undefined,
    ),
);

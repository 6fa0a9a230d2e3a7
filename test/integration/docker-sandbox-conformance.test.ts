import { fileURLToPath } from 'node:url';
import { describeSandboxConformance } from '../../src/sandbox/conformance.suite.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { DOCKER_SANDBOX_DEFAULTS } from '../../src/sandbox/docker/docker-sandbox-options.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));

describeSandboxConformance(
  'the Docker provider',
  async () =>
    new DockerSandboxProvider(
      { ...DOCKER_SANDBOX_DEFAULTS, instanceId: `test-conformance-${process.pid}`, image },
      () => undefined,
    ),
);

import Docker from 'dockerode';
import { fileURLToPath } from 'node:url';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { ATTACK_LIMITS, testAttacks } from '../support/attacks/attack-suite.js';
import { describeWithDocker } from '../support/docker.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
const instanceId = `test-attacks-${process.pid}`;

describeWithDocker('hostile code in a Docker sandbox', () =>
  testAttacks('the Docker provider', {
    provide: async () =>
      new DockerSandboxProvider(
        { ...SANDBOX_DEFAULTS, ...ATTACK_LIMITS, instanceId, image },
        () => undefined,
      ),
    leftovers: async () => {
      const filters = { label: [`gantry.owner=${instanceId}`] };
      return (await new Docker().listContainers({ all: true, filters })).map(({ Id }) => Id);
    },
  }),
);

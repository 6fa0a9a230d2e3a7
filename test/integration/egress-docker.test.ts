import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { describeWithDocker } from '../support/docker.js';
import { until } from '../support/until.js';
import { describeEgress } from './egress-suite.js';

const instanceId = `test-egress-${process.pid}`;
const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));

describeWithDocker('where an engine is', () => {
  describeEgress(
    'the network of a session in a container',
    async (egress) =>
      new DockerSandboxProvider(
        { ...SANDBOX_DEFAULTS, image, poolSize: 1, instanceId, egress },
        () => undefined,
      ),
    () =>
      until('the last container is removed', 15_000, async () => {
        const filters = { label: [`gantry.owner=${instanceId}`] };
        return (await new Docker().listContainers({ all: true, filters })).length === 0;
      }).then(() => undefined),
  );
});

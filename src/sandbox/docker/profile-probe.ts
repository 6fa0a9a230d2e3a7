import type Docker from 'dockerode';
import { z } from 'zod';
import type { SandboxProfile } from './docker-sandbox-options.js';
import type { EngineFacts } from './engine-probe.js';
import { engineMessage, inTime } from './in-time.js';

const PROBE_TIMEOUT_MS = 15_000;
/** Tells which kernel an image carries; see sandboxes/build-image.mjs. */
const KERNEL_LABEL = 'gantry.kernel';

const imageSchema = z.object({
  Config: z
    .object({
      Labels: z.record(z.string(), z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

/** Why the engine cannot make sandboxes of the profile; undefined when nothing speaks against it. Never rejects. */
export async function probeProfile(
  docker: Docker,
  facts: EngineFacts,
  { image, runtime }: SandboxProfile,
  kernelVersion: string | undefined,
): Promise<string | undefined> {
  if (runtime !== undefined && !facts.runtimes.includes(runtime)) {
    return `The Docker engine does not know the runtime ${runtime}; it knows: ${facts.runtimes.join(', ')}.`;
  }
  try {
    const found = imageSchema.parse(await inTime(docker.getImage(image).inspect(), PROBE_TIMEOUT_MS));
    return imageProblem(image, found.Config ?? {}, kernelVersion);
  } catch (error) {
    if (!isMissing(error)) return `The image ${image} cannot be looked at: ${engineMessage(error)}`;
    return `The sandbox image ${image} is missing. ${adviceFor(image)}`;
  }
}

function adviceFor(image: string): string {
  if (image.startsWith('gantry-sandbox:')) return 'Build it with: node sandboxes/build-image.mjs';
  if (image.startsWith('gantry-sandbox-slim:')) return 'Build it with: node sandboxes/build-image.mjs --slim';
  return 'Images are never pulled: pull or build it on the engine, then make a sandbox image from it with: node sandboxes/build-image.mjs --from IMAGE';
}

function imageProblem(
  image: string,
  { Labels, Entrypoint, Volumes }: NonNullable<z.infer<typeof imageSchema>['Config']>,
  kernelVersion: string | undefined,
): string | undefined {
  const volumes = Object.keys(Volumes ?? {});
  if (volumes.length > 0) {
    return `The image ${image} declares volumes (${volumes.join(', ')}), which would be written to the engine's disk without limit. Make one without them.`;
  }
  const label = Labels?.[KERNEL_LABEL];
  if (label === undefined && !(Entrypoint ?? []).includes('gantry_kernel')) {
    return `The image ${image} has no sandbox kernel. Make one that has with: node sandboxes/build-image.mjs --from ${image}`;
  }
  if (label !== undefined && kernelVersion !== undefined && label !== kernelVersion) {
    return `The image ${image} carries the sandbox kernel of another version of Gantry. Make it anew with: node sandboxes/build-image.mjs --from IMAGE`;
  }
  return undefined;
}

function isMissing(error: unknown): boolean {
  return z.object({ statusCode: z.literal(404) }).safeParse(error).success;
}

import { z } from 'zod';
import type { HubAnswer } from './hub-answer.js';
import { hubFetch, type HubAccess } from './hub-request.js';
import { ModelError } from './model-error.js';
import type { HubName } from './model-name.js';
import { isRepositoryPath } from './repository-path.js';
import { BRIEF, type RetryPolicy, withRetries } from './retry.js';
import { failedAnswer } from './transient-failure.js';
import type { RepositoryFile } from './variants.js';

const ANSWER_WITHIN_MS = 30_000;
const LARGEST_PAGE_BYTES = 32 * 1024 * 1024;
const MOST_PAGES = 50;

const entry = z.object({
  type: z.string(),
  path: z.string(),
  size: z.number().int().nonnegative().optional(),
  lfs: z
    .object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.number().int().nonnegative().optional() })
    .optional(),
});
const page = z.array(entry);

export interface ListOptions {
  readonly hub: HubAccess;
  readonly signal: AbortSignal;
  readonly retry?: RetryPolicy;
}

/**
 * The files of a repository at a revision. Paths that would leave a folder are left out, as if they were not there.
 * Rejects with ModelError not_found, unauthorized, hub_unreachable or hub_answer.
 */
export async function listRepository(
  name: HubName,
  options: ListOptions,
): Promise<readonly RepositoryFile[]> {
  const files: RepositoryFile[] = [];
  let url: string | undefined = firstPage(options.hub, name);
  for (let pages = 0; url !== undefined; pages += 1) {
    if (pages === MOST_PAGES) throw new ModelError('hub_answer', `${name.repository} has too many files.`);
    const answer = await readPage(url, name, options);
    files.push(...answer.files);
    url = answer.next;
  }
  return files;
}

function firstPage({ endpoint }: HubAccess, { repository, revision }: HubName): string {
  const base = endpoint.replace(/\/+$/, '');
  return `${base}/api/models/${repository}/tree/${encodeURIComponent(revision)}?recursive=true`;
}

interface Page {
  readonly files: readonly RepositoryFile[];
  readonly next: string | undefined;
}

function readPage(
  url: string,
  { repository }: HubName,
  { hub, signal, retry = BRIEF }: ListOptions,
): Promise<Page> {
  return withRetries({ policy: retry, signal, what: `The list of ${repository}` }, async () => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const answer = await hubFetch(hub, { url, headers: { accept: 'application/json' }, signal: limited });
    if (answer.status !== 200) {
      answer.discard();
      throw failedAnswer(answer, repository);
    }
    return { files: parsePage(await readBounded(answer), repository), next: nextPage(answer, url) };
  });
}

async function readBounded(answer: HubAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.length;
    if (bytes > LARGEST_PAGE_BYTES)
      throw new ModelError('hub_answer', 'The hub lists more than can be read.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsePage(text: string, repository: string): readonly RepositoryFile[] {
  let parsed;
  try {
    parsed = page.parse(JSON.parse(text));
  } catch (error) {
    throw new ModelError(
      'hub_answer',
      `The hub's list of ${repository} cannot be understood.`,
      'HF_ENDPOINT must be a server with the API of huggingface.co.',
      { cause: error },
    );
  }
  return parsed.flatMap(({ type, path, size, lfs }) => {
    const bytes = lfs?.size ?? size;
    if (type !== 'file' || bytes === undefined || !isRepositoryPath(path)) return [];
    return [{ path, bytes, ...(lfs === undefined ? {} : { sha256: lfs.oid }) }];
  });
}

/** `Link: <...>; rel="next"`, on the same server only. */
function nextPage(answer: HubAnswer, from: string): string | undefined {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.header('link') ?? '')?.[1];
  const next = link === undefined ? null : URL.parse(link, from);
  return next !== null && next.origin === new URL(from).origin ? next.href : undefined;
}

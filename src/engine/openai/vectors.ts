import { z } from 'zod';
import {
  type Embeddings,
  type EmbeddingInputs,
  normalised,
  type Ranking,
  type RankRequest,
} from '../embedding.js';
import { EngineError } from '../engine-error.js';

/** Puts a question to the server's model; `path` is below the base URL. */
export type AskModel = (path: string, fields: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Inputs of one request to the server: the most that servers of every kind take. */
const INPUTS_AT_ONCE = 32;

const count = z.number().int().min(0).optional().catch(undefined);
const usage = z.object({ prompt_tokens: count, total_tokens: count }).optional().catch(undefined);
const index = z.number().int().min(0);

const embeddingsAnswer = z.object({
  data: z.array(z.object({ index, embedding: z.union([z.array(z.number()).min(1), z.string().min(1)]) })),
  usage,
});

const rankingAnswer = z.object({
  results: z.array(z.object({ index, relevance_score: z.number() })),
  usage,
});

/** By `/embeddings`, some inputs at a time. Rejects as `ask` does, or with EngineError provider. */
export async function embeddingsFrom(ask: AskModel, inputs: EmbeddingInputs): Promise<Embeddings> {
  const vectors: Float32Array<ArrayBuffer>[] = [];
  let promptTokens = 0;
  for (let at = 0; at < inputs.length; at += INPUTS_AT_ONCE) {
    const input = inputs.slice(at, at + INPUTS_AT_ONCE);
    const answer = embeddingsAnswer.safeParse(await ask('/embeddings', { input, encoding_format: 'float' }));
    if (!answer.success) throw notUnderstood('embeddings', answer.error);
    const { data } = answer.data;
    vectors.push(...inOrder(data, input.length, ({ embedding }) => normalised(vectorOf(embedding))));
    promptTokens += tokensOf(answer.data.usage);
  }
  const length = vectors[0]?.length;
  if (vectors.some((vector) => vector.length !== length)) {
    throw new EngineError('provider', 'The server sent embeddings of different lengths.');
  }
  return { vectors, promptTokens };
}

/** By `/rerank`, whose scores stay as the server gives them. Rejects as `embeddingsFrom`. */
export async function rankingFrom(
  ask: AskModel,
  { query, documents }: Pick<RankRequest, 'query' | 'documents'>,
): Promise<Ranking> {
  const fields = { query, documents, top_n: documents.length };
  const answer = rankingAnswer.safeParse(await ask('/rerank', fields));
  if (!answer.success) throw notUnderstood('a ranking', answer.error);
  const scores = inOrder(answer.data.results, documents.length, ({ relevance_score: score }) => score);
  return { scores, promptTokens: tokensOf(answer.data.usage) };
}

function inOrder<A extends { readonly index: number }, T>(
  answers: readonly A[],
  wanted: number,
  read: (answer: A) => T,
): T[] {
  const found = new Map(answers.map((answer) => [answer.index, answer]));
  const ordered = Array.from({ length: wanted }, (_, at) => found.get(at)).filter((one) => one !== undefined);
  if (answers.length !== wanted || ordered.length !== wanted) {
    throw new EngineError(
      'provider',
      `The server answered ${answers.length} of ${wanted} inputs, or not each once.`,
    );
  }
  return ordered.map(read);
}

/** Some servers send base64 whatever they are asked for. */
function vectorOf(embedding: readonly number[] | string): Float32Array<ArrayBuffer> {
  if (typeof embedding !== 'string') return Float32Array.from(embedding);
  const bytes = Buffer.from(embedding, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0) {
    throw new EngineError('provider', 'The server sent an embedding that is no base64 of 32-bit numbers.');
  }
  return Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}

function tokensOf(figures: z.infer<typeof usage>): number {
  return figures?.prompt_tokens ?? figures?.total_tokens ?? 0;
}

function notUnderstood(what: string, error: z.ZodError): EngineError {
  const [issue] = error.issues;
  const place = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
  return new EngineError('provider', `The server's answer is not ${what}${place}.`);
}

import { TEST_KEY, refuses, writeSingly, type Misbehaviour } from './misbehaviour.js';

const in30s = () => new Date(Date.now() + 30_000).toUTCString();

/** Answers with another status. */
export const REFUSALS: Readonly<Record<string, Misbehaviour>> = {
  '401 that repeats the key': {
    play: refuses(401, {
      error: { message: `Incorrect API key provided: ${TEST_KEY}.`, type: 'invalid_request_error' },
    }),
    end: { error: 'unauthorized', says: /Incorrect API key provided: \[the key\]/ },
  },
  '403': {
    play: refuses(403, { detail: 'Forbidden' }),
    end: { error: 'unauthorized', says: /403: Forbidden/ },
  },
  '404 of a model': {
    play: refuses(404, { object: 'error', message: 'The model `x` does not exist.', code: 404 }),
    end: { error: 'model_not_found', says: /does not exist/ },
  },
  '400 for the context': {
    play: refuses(400, {
      error: {
        message: "This model's maximum context length is 4096 tokens.",
        code: 'context_length_exceeded',
      },
    }),
    end: { error: 'context_overflow' },
  },
  '400 for anything else': {
    play: refuses(400, { error: { message: 'Unsupported value: temperature' } }),
    end: { error: 'invalid_request', says: /Unsupported value: temperature/ },
  },
  '422 as FastAPI tells it': {
    play: refuses(422, { detail: [{ loc: ['body', 'messages'], msg: 'Field required', type: 'missing' }] }),
    end: { error: 'invalid_request', says: /Field required/ },
  },
  '413': { play: refuses(413, 'Payload Too Large'), end: { error: 'context_overflow' } },
  '400 of a filter': {
    play: refuses(400, { error: { message: 'The response was filtered', code: 'content_filter' } }),
    end: { error: 'content_filtered' },
  },
  '429 with seconds': {
    play: refuses(429, { error: { message: 'Rate limit reached' } }, { 'retry-after': '7' }),
    end: { error: 'rate_limited', retryAfterMs: 7000 },
  },
  '429 with milliseconds': {
    play: refuses(429, {}, { 'retry-after-ms': '250', 'retry-after': '1' }),
    end: { error: 'rate_limited', retryAfterMs: 250 },
  },
  '503 with a date': {
    play: (response, request) =>
      refuses(503, { error: { message: 'Loading model' } }, { 'retry-after': in30s() })(response, request),
    end: { error: 'overloaded', says: /Loading model/, retryAfterMs: 30_000 },
  },
  '529 with nonsense to wait for': {
    play: refuses(529, '', { 'retry-after': 'soon' }),
    end: { error: 'overloaded', says: /no reason given/ },
  },
  '500 with a page': {
    play: refuses(500, '<html><body>Internal Server Error</body></html>'),
    end: { error: 'provider', says: /a web page/ },
  },
  '504': { play: refuses(504, 'upstream timed out'), end: { error: 'timeout' } },
  'an error without end': {
    play: async (response) => {
      response.writeHead(500);
      while (!response.destroyed && !response.closed)
        await writeSingly(response, [Buffer.alloc(16_384, 'x')]);
    },
    end: { error: 'provider', says: /x \.\.\.$/ },
  },
};

import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { EngineErrorCode, InterruptionCause } from '../../src/engine/engine-error.js';
import { chunk, DONE, event, openStream, USAGE_EVENT, type Answer } from './scripted-upstream.js';

/** How the generation has to end. What is not given is not looked at. */
export type ExpectedEnd =
  | {
      readonly stop: 'stop' | 'tool_calls' | 'length';
      readonly text?: string;
      readonly reasoning?: string;
      /** Name and arguments. */
      readonly calls?: readonly (readonly [string, string])[];
      /** Tokens of prompt and answer. */
      readonly usage?: readonly [number, number];
    }
  | {
      readonly error: EngineErrorCode;
      readonly interruption?: InterruptionCause;
      readonly retryAfterMs?: number;
      readonly says?: RegExp;
      readonly text?: string;
    };

export interface Misbehaviour {
  readonly play: Answer;
  readonly end: ExpectedEnd;
}

/** What the engine under test is given, so that the bounds can be reached. */
export const TEST_LIMITS = { eventChars: 20_000, answerChars: 50_000, closingMs: 100 } as const;
export const TEST_KEY = 'upstream-key-0123456789';

const HELLO: ExpectedEnd = { stop: 'stop', text: 'Hello, wörld' };
const HELLO_STREAM = `${chunk({ content: 'Hello, ' })}${chunk({ content: 'wörld' })}${chunk({}, 'stop')}${DONE}`;

function streams(text: string): Answer {
  return (response) => {
    openStream(response);
    response.end(text);
  };
}

function refuses(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Each piece leaves in a packet of its own: the next is written when the kernel has the one before. */
async function writeSingly(response: ServerResponse, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    const { promise, resolve } = Promise.withResolvers<void>();
    response.write(piece, () => setImmediate(resolve));
    await promise;
  }
}

function piece(index: number | undefined, id: string | undefined, name: string | undefined, args: unknown) {
  return { index, id, type: 'function', function: { name, arguments: args } };
}
const calls = (...pieces: readonly unknown[]) => chunk({ tool_calls: pieces });
const ended = (finish: string) => chunk({}, finish) + DONE;
const PYTHON = ['python', '{"code":"1"}'] as const;
const SEARCH = ['search', '{"query":"x"}'] as const;

const STREAMS: Record<string, Misbehaviour> = {
  'comments and keep-alives between the chunks': {
    play: streams(`: hello\n\n${HELLO_STREAM.replaceAll('data: {', ': ping\n\nid: 7\nretry: 3\ndata: {')}`),
    end: HELLO,
  },
  'CRLF at the ends of lines': { play: streams(HELLO_STREAM.replaceAll('\n', '\r\n')), end: HELLO },
  'CR at the ends of lines': { play: streams(HELLO_STREAM.replaceAll('\n', '\r')), end: HELLO },
  'a byte order mark': { play: streams(`\uFEFF${HELLO_STREAM}`), end: HELLO },
  'every byte in a packet of its own': {
    play: async (response) => {
      openStream(response);
      const bytes = Buffer.from(`${chunk({ content: 'wörld €🙂' })}${ended('stop')}`);
      await writeSingly(
        response,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      );
      response.end();
    },
    end: { stop: 'stop', text: 'wörld €🙂' },
  },
  'invalid UTF-8 in a text': {
    play: (response) => {
      openStream(response);
      const [before = '', after = ''] = chunk({ content: 'a|b' }).split('|');
      response.end(Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after + ended('stop'))]));
    },
    end: { stop: 'stop', text: 'a\uFFFDb' },
  },
  'JSON over several data lines': {
    play: streams(HELLO_STREAM.replaceAll(',"choices"', '\ndata:,"choices"')),
    end: HELLO,
  },
  'no space after the colon': { play: streams(HELLO_STREAM.replaceAll('data: ', 'data:')), end: HELLO },
  'no [DONE]': { play: streams(HELLO_STREAM.replace(DONE, '')), end: HELLO },
  'no blank line at the end': { play: streams(HELLO_STREAM.trimEnd()), end: HELLO },
  'no finish reason, only [DONE]': {
    play: streams(chunk({ content: 'Hi' }) + DONE),
    end: { stop: 'stop', text: 'Hi' },
  },
  'events of its own between the chunks': {
    play: streams(`event: status\ndata: {"loading":1}\n\nevent: ping\ndata: {}\n\n${HELLO_STREAM}`),
    end: HELLO,
  },
  'chunks with a role, with null and with nothing': {
    play: streams(
      `${chunk({ role: 'assistant' })}${chunk({ role: 'assistant', content: null, tool_calls: null })}` +
        `${chunk({})}${event({ choices: [] })}${event({ choices: null, usage: null })}${HELLO_STREAM}`,
    ),
    end: HELLO,
  },
  'an answer of nothing': { play: streams(ended('stop')), end: { stop: 'stop', text: '' } },
  'a second choice': {
    play: streams(
      event({ choices: [{ index: 1, delta: { content: 'other' } }] }) +
        event({
          choices: [
            { index: 1, delta: { content: 'one' } },
            { index: 0, delta: { content: 'mine' } },
          ],
        }) +
        ended('stop'),
    ),
    end: { stop: 'stop', text: 'mine' },
  },
  'content in parts': {
    play: streams(
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] }) +
        chunk({ content: [{ type: 'text', text: 'Yes' }] }) +
        ended('stop'),
    ),
    end: { stop: 'stop', text: 'Yes', reasoning: 'Hm' },
  },
  'reasoning under its new name': {
    play: streams(
      chunk({ reasoning: 'Hm' }) +
        chunk({ reasoning: 'm', content: null }) +
        chunk({ content: 'Yes' }) +
        ended('stop'),
    ),
    end: { stop: 'stop', text: 'Yes', reasoning: 'Hmm' },
  },
  'figures in every chunk': {
    play: streams(
      event({
        choices: [{ index: 0, delta: { content: 'a' } }],
        usage: { prompt_tokens: 9, completion_tokens: 1 },
      }) +
        event({
          choices: [{ index: 0, delta: { content: 'b' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 9, completion_tokens: 2 },
        }),
    ),
    end: { stop: 'stop', text: 'ab', usage: [9, 2] },
  },
  'figures after the finish reason': {
    play: streams(`${chunk({ content: 'a' })}${chunk({}, 'stop')}${USAGE_EVENT}${DONE}`),
    end: { stop: 'stop', usage: [20, 5] },
  },
  'silence after the finish reason': {
    play: (response) => {
      openStream(response);
      response.write(chunk({ content: 'Whole' }) + chunk({}, 'stop'));
    },
    end: { stop: 'stop', text: 'Whole' },
  },
  'a connection that breaks after the finish reason': {
    play: async (response) => {
      openStream(response);
      await writeSingly(response, [Buffer.from(chunk({ content: 'Whole' }) + chunk({}, 'stop'))]);
      response.socket?.resetAndDestroy();
    },
    end: { stop: 'stop', text: 'Whole' },
  },
  'a whole answer instead of a stream': {
    play: refuses(200, {
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Hi',
            reasoning_content: 'Hm',
            tool_calls: [piece(undefined, 'c1', ...PYTHON)],
          },
          finish_reason: 'tool_calls',
        },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 3 },
    }),
    end: { stop: 'tool_calls', text: 'Hi', reasoning: 'Hm', calls: [PYTHON], usage: [7, 3] },
  },
  'compression that nobody asked for': {
    play: (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.end(gzipSync(HELLO_STREAM));
    },
    end: HELLO,
  },
};

const CALLS: Record<string, Misbehaviour> = {
  'arguments in pieces': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"co')) +
        calls(piece(0, undefined, undefined, 'de":"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'calls without ids': {
    play: streams(
      calls(piece(0, undefined, ...PYTHON)) + calls(piece(1, '', ...SEARCH)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the same index for every call': {
    play: streams(calls(piece(0, 'a', ...PYTHON)) + calls(piece(0, 'b', ...SEARCH)) + ended('tool_calls')),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the same index and no ids': {
    play: streams(
      calls(piece(0, undefined, ...PYTHON), piece(0, undefined, ...PYTHON)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, PYTHON] },
  },
  'no index': {
    play: streams(
      calls(piece(undefined, 'a', ...PYTHON), piece(undefined, 'b', ...SEARCH)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the same id for every call': {
    play: streams(
      calls(piece(0, 'call', ...PYTHON)) + calls(piece(1, 'call', ...SEARCH)) + ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'another id with each piece of a call': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"co')) +
        calls(piece(0, 'b', undefined, 'de":"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'the name with each piece of a call': {
    play: streams(
      calls(piece(0, undefined, 'python', '{"co')) +
        calls(piece(0, undefined, 'python', 'de":"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'arguments as an object': {
    play: streams(calls(piece(0, 'a', 'python', { code: '1' })) + ended('tool_calls')),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'no arguments at all': {
    play: streams(
      calls(piece(0, 'a', 'list', '')) + calls(piece(1, 'b', 'list', undefined)) + ended('tool_calls'),
    ),
    end: {
      stop: 'tool_calls',
      calls: [
        ['list', '{}'],
        ['list', '{}'],
      ],
    },
  },
  'two calls in turns': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"code"'), piece(1, 'b', 'search', '{"qu')) +
        calls(piece(0, undefined, undefined, ':"1"}')) +
        calls(piece(1, undefined, undefined, 'ery":"x"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON, SEARCH] },
  },
  'the whole call once more at the end': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"code"')) +
        calls(piece(0, 'a', undefined, ':"1"}')) +
        calls(piece(0, 'a', ...PYTHON)) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'text in the middle of a call': {
    play: streams(
      calls(piece(0, 'a', 'python', '{"code"')) +
        chunk({ content: 'By the way' }) +
        calls(piece(0, 'a', undefined, ':"1"}')) +
        ended('tool_calls'),
    ),
    end: { stop: 'tool_calls', text: 'By the way', calls: [PYTHON] },
  },
  '`stop` after a call': {
    play: streams(calls(piece(0, 'a', ...PYTHON)) + ended('stop')),
    end: { stop: 'tool_calls', calls: [PYTHON] },
  },
  'an end by length in the middle of a call': {
    play: streams(chunk({ content: 'Now' }) + calls(piece(0, 'a', 'python', '{"co')) + ended('length')),
    end: { stop: 'length', text: 'Now', calls: [] },
  },
  'a call without a name': {
    play: streams(calls(piece(0, 'a', undefined, '{}')) + ended('tool_calls')),
    end: { error: 'provider', says: /without a name/ },
  },
  'arguments that go on after their end': {
    play: streams(
      calls(piece(0, 'a', ...PYTHON)) + calls(piece(0, 'a', undefined, ',"x"')) + ended('tool_calls'),
    ),
    end: { error: 'provider', says: /after the end of the arguments of python/ },
  },
};

const BREAKS: Record<string, Misbehaviour> = {
  'a connection that is reset in the middle': {
    play: async (response) => {
      openStream(response);
      await writeSingly(response, [Buffer.from(chunk({ content: 'Half' }))]);
      response.socket?.resetAndDestroy();
    },
    end: { error: 'stream_interrupted', interruption: 'connection_reset', text: 'Half' },
  },
  'an orderly end in the middle': {
    play: streams(chunk({ content: 'Half' })),
    end: { error: 'stream_interrupted', interruption: 'connection_reset', text: 'Half' },
  },
  'an end in the middle of an event': {
    play: streams(`${chunk({ content: 'Half' })}data: {"choices":[{"index":0,"del`),
    end: { error: 'stream_interrupted', interruption: 'connection_reset', text: 'Half' },
  },
  'compression that is cut': {
    play: (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.end(gzipSync(HELLO_STREAM).subarray(0, -20));
    },
    end: { error: 'stream_interrupted', interruption: 'connection_reset' },
  },
  'a hang-up before any answer': {
    play: (response) => void response.socket?.destroy(),
    end: { error: 'stream_interrupted', interruption: 'connection_reset' },
  },
  'an error in place of a chunk': {
    play: streams(
      chunk({ content: 'Half' }) +
        event({ error: { message: 'CUDA out of memory', type: 'server_error', code: 500 } }) +
        DONE,
    ),
    end: {
      error: 'stream_interrupted',
      interruption: 'provider_5xx_mid_stream',
      says: /CUDA out of memory/,
      text: 'Half',
    },
  },
  "an error of vLLM's kind": {
    play: streams(
      event({ object: 'error', message: 'EngineCore died', type: 'InternalServerError', code: 500 }),
    ),
    end: { error: 'stream_interrupted', interruption: 'provider_5xx_mid_stream', says: /EngineCore died/ },
  },
  'an event named error': {
    play: streams(`${chunk({ content: 'Half' })}event: error\ndata: overheated\n\n`),
    end: { error: 'stream_interrupted', interruption: 'provider_5xx_mid_stream', text: 'Half' },
  },
  'too long a context, told in the stream': {
    play: streams(
      event({
        error: {
          code: 400,
          message: 'the request exceeds the available context size',
          type: 'exceed_context_size_error',
        },
      }),
    ),
    end: { error: 'context_overflow' },
  },
  'error as the finish reason': {
    play: streams(chunk({ content: 'Half' }) + ended('error')),
    end: { error: 'stream_interrupted', interruption: 'provider_5xx_mid_stream' },
  },
  'a filter': {
    play: streams(chunk({ content: 'Half' }) + ended('content_filter')),
    end: { error: 'content_filtered' },
  },
  'an event that is no JSON': {
    play: streams(`${chunk({ content: 'Half' })}data: {"choices": oops}\n\n`),
    end: { error: 'provider', says: /no JSON/, text: 'Half' },
  },
  'an event without end': {
    play: streams(`${chunk({ content: 'Half' })}data: {"x":"${'a'.repeat(TEST_LIMITS.eventChars + 1)}`),
    end: { error: 'provider', says: /more than 20000 characters/ },
  },
  'an answer without end': {
    play: async (response) => {
      openStream(response);
      while (!response.destroyed && !response.closed) {
        await writeSingly(response, [Buffer.from(chunk({ content: 'on and on '.repeat(100) }))]);
      }
    },
    end: { error: 'provider', says: /more than 50000 characters/ },
  },
  'nothing but [DONE]': { play: streams(DONE), end: { error: 'provider', says: /no part of an answer/ } },
  'text that is no event stream': { play: streams('Service is warming up'), end: { error: 'provider' } },
  'JSON without choices': {
    play: refuses(200, { ok: true }),
    end: { error: 'provider', says: /JSON that is no answer/ },
  },
  'an error with status 200': {
    play: refuses(200, { error: 'Trying to keep the first 5000 tokens when context length is 4096' }),
    end: { error: 'context_overflow' },
  },
  'a web page with status 200': {
    play: refuses(200, '<!doctype html><p>Sign in', { 'content-type': 'text/html' }),
    end: { error: 'provider', says: /web page/ },
  },
  'something that is not HTTP': {
    play: (response) => void response.socket?.end('220 mail.example.org ESMTP\r\n'),
    end: { error: 'provider', says: /HPE_/ },
  },
};

const in30s = () => new Date(Date.now() + 30_000).toUTCString();

const REFUSALS: Record<string, Misbehaviour> = {
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

/** Everything that a server did to us once or could do, and how it has to end. */
export const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  ...STREAMS,
  ...CALLS,
  ...BREAKS,
  ...REFUSALS,
};

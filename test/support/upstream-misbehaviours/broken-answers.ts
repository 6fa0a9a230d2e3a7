import { gzipSync } from 'node:zlib';
import { DONE, chunk, event, openStream } from '../scripted-upstream.js';
import {
  HELLO_STREAM,
  TEST_LIMITS,
  ended,
  refuses,
  streams,
  writeSingly,
  type Misbehaviour,
} from './misbehaviour.js';

/** Answers that begin with status 200 and do not end well. */
export const BROKEN_ANSWERS: Readonly<Record<string, Misbehaviour>> = {
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

import { gzipSync } from 'node:zlib';
import { DONE, USAGE_EVENT, chunk, event, openStream } from '../scripted-upstream.js';
import {
  HELLO,
  HELLO_STREAM,
  PYTHON,
  ended,
  piece,
  refuses,
  streams,
  writeSingly,
  type Misbehaviour,
} from './misbehaviour.js';

/** Whole answers in a shape that is not the usual one. */
export const ODD_STREAMS: Readonly<Record<string, Misbehaviour>> = {
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

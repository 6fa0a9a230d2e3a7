import { expect, test } from 'vitest';
import type { Media } from '../engine/media.js';
import { MAX_SHOWN_CHARS, withMedia } from './show-media.js';
import type { Shown, SnapshotMessage } from './snapshot.js';

const picture: Media = { type: 'image', mimeType: 'image/png', name: 'cat.png', data: 'AAAA' };
const sound: Media = { type: 'audio', mimeType: 'audio/wav', name: 'hum.wav', data: 'BBBB' };

/** Reads what is named, and notes what was asked for. */
function shelf(stored: Readonly<Record<string, readonly Media[]>>) {
  const read: string[] = [];
  const keyOf = (shown: Shown) => (shown.from === 'files' ? shown.fileIds.join() : shown.callId);
  return {
    read: (shown: Shown) => {
      read.push(keyOf(shown));
      return Promise.resolve(stored[keyOf(shown)] ?? []);
    },
    asked: read,
  };
}

const user = (content: string, ...fileIds: string[]): SnapshotMessage => ({
  role: 'user',
  content,
  ...(fileIds.length === 0 ? {} : { shows: { from: 'files', fileIds } }),
});
const answer: SnapshotMessage = { role: 'assistant', content: 'Yes.', toolCalls: [] };
const plotted: SnapshotMessage = {
  role: 'tool',
  toolCallId: 'call_1',
  name: 'python',
  content: '[1 image shown to the user]',
  shows: { from: 'pictures', callId: 'call_1' },
};

test('what the model takes goes with the message', async () => {
  const media = shelf({ file_1: [picture], call_1: [picture] });
  const messages = [user('Look', 'file_1'), answer, user('Plot it'), plotted];
  expect(await withMedia(messages, ['image'], media)).toEqual([
    { role: 'user', content: 'Look', media: [picture] },
    answer,
    { role: 'user', content: 'Plot it' },
    { role: 'tool', toolCallId: 'call_1', name: 'python', content: plotted.content, media: [picture] },
  ]);
});

test('a model that takes none of what is asked about now is not asked', async () => {
  const media = shelf({ file_1: [picture], file_2: [sound] });
  await expect(withMedia([user('Look', 'file_1')], [], media)).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'The model takes no image (cat.png). It takes: text.',
  });
  const heard = withMedia([user('Hear', 'file_2'), plotted], ['image'], media);
  await expect(heard).rejects.toThrow('takes no audio (hum.wav). It takes: text, image.');
});

test('of what another model was shown earlier it is told the name', async () => {
  const media = shelf({ file_1: [picture] });
  const [first] = await withMedia([user('Look', 'file_1'), answer, user('And?')], [], media);
  expect(first).toEqual({ role: 'user', content: 'Look\n[image cat.png: not shown to you]' });
});

test('pictures of results are not even read for a model that takes none', async () => {
  const media = shelf({ call_1: [picture] });
  const [, result] = await withMedia([user('Plot'), plotted], ['audio'], media);
  expect(result).toEqual({ role: 'tool', toolCallId: 'call_1', name: 'python', content: plotted.content });
  expect(media.asked).toEqual([]);
});

test('the newest are shown, as far as there is room', async () => {
  const large = (name: string): Media => ({ ...picture, name, data: 'A'.repeat(MAX_SHOWN_CHARS / 2) });
  const media = shelf({ a: [large('a.png')], b: [large('b.png')], c: [large('c.png')] });
  const messages = [user('1', 'a'), answer, user('2', 'b'), answer, user('3', 'c')];
  const shown = await withMedia(messages, ['image'], media);
  expect(shown.map((message) => ('media' in message ? message.media?.[0]?.name : undefined))).toEqual([
    undefined,
    undefined,
    'b.png',
    undefined,
    'c.png',
  ]);
  expect(shown[0]?.content).toBe('1\n[image a.png: not shown to you]');
  const tooMuch = shelf({ a: [large('a.png'), large('b.png'), large('c.png')] });
  await expect(withMedia([user('1', 'a')], ['image'], tooMuch)).rejects.toThrow('more than 24 MiB');
});

test('of the pictures that a tool makes the newest are shown, and none is too much', async () => {
  const plot = (index: number): Media => ({
    ...picture,
    name: `picture ${index}`,
    data: String(index).repeat(MAX_SHOWN_CHARS * 0.4),
  });
  const media = shelf({ call_1: [plot(1), plot(2), plot(3)] });
  const [, , result] = await withMedia([user('Plot it'), answer, plotted], ['image'], media);
  expect(result).toMatchObject({
    content: plotted.content,
    media: [{ name: 'picture 2' }, { name: 'picture 3' }],
  });
});

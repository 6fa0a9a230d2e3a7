import { z } from 'zod';
import type { UploadedMedia } from '../../files/attachments.js';

const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]{1,64});base64,([A-Za-z0-9+/]+={0,2})$/;

const textPart = z.looseObject({ type: z.literal('text'), text: z.string() });

/** `detail` changes nothing here. */
const imagePart = z.looseObject({
  type: z.literal('image_url'),
  image_url: z.looseObject({
    url: z
      .string()
      .regex(DATA_URL, 'must be a data: URL with base64 content: this server fetches no images of others'),
  }),
});

const audioPart = z.looseObject({
  type: z.literal('input_audio'),
  input_audio: z.looseObject({ data: z.base64().min(1), format: z.enum(['wav', 'mp3']) }),
});

const texts = z.array(z.discriminatedUnion('type', [textPart], 'must be "text" in a message of this role'));
const parts = z.discriminatedUnion('type', [textPart, imagePart, audioPart], {
  error: 'must be "text", "image_url" or "input_audio"',
});

/** What any message may say, and what only a user's may. */
export const textContent = z.union([z.string(), texts.max(1000)]);
export const userContent = z.union([z.string(), z.array(parts).max(1000)]);

type Content = z.infer<typeof userContent>;

export function textOf(content: Content | null | undefined): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Named by their place among the message's own. What they really are is found in the bytes. */
export function mediaOf(content: Content): UploadedMedia[] {
  if (typeof content === 'string') return [];
  return content
    .flatMap((part) => (part.type === 'text' ? [] : [part]))
    .map((part, index) =>
      part.type === 'image_url'
        ? { name: `image-${index + 1}`, content: Buffer.from(base64Of(part.image_url.url), 'base64') }
        : { name: `audio-${index + 1}`, content: Buffer.from(part.input_audio.data, 'base64') },
    );
}

function base64Of(url: string): string {
  return DATA_URL.exec(url)?.[2] ?? '';
}

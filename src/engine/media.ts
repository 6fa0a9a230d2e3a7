/** What models may take beside text. */
export type MediaType = 'image' | 'audio';

/** A picture or a sound in a message. */
export interface Media {
  readonly type: MediaType;
  /** Such as `image/png`, found in the bytes. */
  readonly mimeType: string;
  readonly name: string;
  /** Base64. */
  readonly data: string;
}

/** Undefined for what no model takes. */
export function mediaTypeOf(mimeType: string): MediaType | undefined {
  if (IMAGES.has(mimeType)) return 'image';
  return mimeType in AUDIO_FORMATS ? 'audio' : undefined;
}

/** Those that OpenAI's API takes, and every server after it. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
export const AUDIO_FORMATS: Readonly<Record<string, 'wav' | 'mp3'>> = {
  'audio/wav': 'wav',
  'audio/vnd.wave': 'wav',
  'audio/mpeg': 'mp3',
};

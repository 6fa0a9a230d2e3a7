import { listOf } from './sandbox-egress.js';

/** Origins as browsers write them, so that they can be compared as text: `https://chat.example.org`. */
export function originsOf(text: string): readonly string[] {
  return listOf(text).flatMap((part) => originOf(part) ?? []);
}

export function areOrigins(text: string): boolean {
  return listOf(text).every((part) => originOf(part) !== undefined);
}

/** Undefined where no browser would send that. Of schemes that are no web's (`app://...`) the text is taken as it is. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !text.startsWith(`${url.protocol}//`) || url.host === '') return undefined;
  if (!/^https?:$/.test(url.protocol)) return text;
  return url.href === `${url.origin}/` ? url.origin : undefined;
}

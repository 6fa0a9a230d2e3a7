/**
 * Postgres refuses NUL and lone surrogates in text and jsonb; models and programs print both.
 * They become U+FFFD, so that what a tool prints can never make a commit fail.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** JSON text that any jsonb column takes. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? storableText(inner) : inner,
  );
}

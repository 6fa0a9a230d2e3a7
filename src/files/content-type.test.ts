import { describe, expect, it } from 'vitest';
import { detectContentType, servedContentType } from './content-type.js';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==',
  'base64',
);

async function typeOf(content: string | Buffer, name: string) {
  const bytes = Buffer.from(content);
  const isUtf8 = !bytes.includes(0) && Buffer.from(bytes.toString('utf8')).equals(bytes);
  const type = await detectContentType(bytes, isUtf8, name);
  return { ...type, served: servedContentType(type) };
}

describe('content types', () => {
  it('come from the bytes, not from the name', async () => {
    expect(await typeOf(PNG, 'evil.html')).toEqual({
      mimeType: 'image/png',
      isText: false,
      served: 'image/png',
    });
    expect(await typeOf(Buffer.from([0xff, 0, 1, 2]), 'a.png')).toEqual({
      mimeType: 'application/octet-stream',
      isText: false,
      served: 'application/octet-stream',
    });
  });

  it('tell text from text by the name', async () => {
    expect(await typeOf('a,b\n1,2\n', 'a.csv')).toMatchObject({
      mimeType: 'text/csv',
      served: 'text/csv; charset=utf-8',
    });
    expect(await typeOf('', 'empty')).toMatchObject({ mimeType: 'text/plain', isText: true });
    expect(await typeOf('%PDF-1.7\n', 'a.pdf')).toMatchObject({ mimeType: 'application/pdf', isText: false });
  });

  it.each([
    ['<!doctype html><script>alert(1)</script>', 'a.html'],
    ['<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'a.svg'],
    ['<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'a.svg'],
    ['<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'a.xhtml'],
    ['alert(1)', 'a.js'],
  ])('are never active: %s', async (content, name) => {
    expect((await typeOf(content, name)).served).toBe('text/plain; charset=utf-8');
  });

  it('are never active for markup that is no UTF-8 either', async () => {
    const content = Buffer.concat([
      Buffer.from('<?xml version="1.0"?><svg onload="alert(1)"/>'),
      Buffer.from([0xff]),
    ]);
    expect((await typeOf(content, 'a.svg')).served).toBe('application/octet-stream');
  });
});

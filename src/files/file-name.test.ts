import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attachmentDisposition, displayName, displayPath, numberedName, truncateUtf8 } from './file-name.js';

const hostile = fc.string({ unit: 'binary', maxLength: 400 });

describe('displayName', () => {
  it.each([
    ['report.csv', 'report.csv'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\x\\y.png', 'y.png'],
    ['/', 'file'],
    ['..', 'file'],
    ['', 'file'],
    ['a\nb\r\0c.txt', 'a_b__c.txt'],
    ['invoice\u202Egpj.exe', 'invoice_gpj.exe'],
    ['グラフ.png', 'グラフ.png'],
    ['\uD800.txt', '\uFFFD.txt'],
    ['.env', '.env'],
  ])('shows %j as %j', (given, shown) => {
    expect(displayName(given)).toBe(shown);
  });

  it('keeps the extension of a name that is too long, and whole characters', () => {
    const shown = displayName(`${'é'.repeat(300)}.png`);
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(255);
    expect(shown).toMatch(/^é+\.png$/);
  });

  it('is safe for any name, and stays what it is', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const shown = displayName(name);
        expect(shown).not.toMatch(/[/\\\p{Cc}\u202A-\u202E\u2066-\u2069\u2028\u2029]/u);
        expect(['', '.', '..']).not.toContain(shown);
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(255);
        expect(displayName(shown)).toBe(shown);
      }),
    );
  });
});

describe('displayPath', () => {
  it('keeps folders and leads nowhere else', () => {
    expect(displayPath('out/plot.png')).toBe('out/plot.png');
    expect(displayPath('../../x')).toBe('file/file/x');
    expect(displayPath('/etc/passwd')).toBe('file/etc/passwd');
    expect(displayPath('a\\..\\b')).toBe('a_.._b');
  });
});

describe('attachmentDisposition', () => {
  it('names the file twice, for old readers and for new ones', () => {
    expect(attachmentDisposition('näme "1".txt')).toBe(
      `attachment; filename="n_me _1_.txt"; filename*=UTF-8''n%C3%A4me%20%221%22.txt`,
    );
  });

  it('is one harmless header line that tells the name, for any name', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const header = attachmentDisposition(name);
        expect(header).toMatch(
          /^attachment; filename="[ !#$&-[\]-~]*"; filename\*=UTF-8''[A-Za-z0-9.%_~-]*$/,
        );
        expect(decodeURIComponent(header.slice(header.indexOf("''") + 2))).toBe(displayName(name));
      }),
    );
  });
});

describe('numberedName', () => {
  it('puts the number before the extension', () => {
    expect(numberedName('plot.png', 2)).toBe('plot-2.png');
    expect(numberedName('Makefile', 3)).toBe('Makefile-3');
    expect(Buffer.byteLength(numberedName(`${'x'.repeat(251)}.png`, 12))).toBe(255);
  });
});

describe('truncateUtf8', () => {
  it('gives the longest prefix of whole characters that fits', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.integer({ min: 0, max: 80 }),
        (text, maxBytes) => {
          const cut = truncateUtf8(text, maxBytes);
          expect(text.startsWith(cut)).toBe(true);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes);
          const next = text.codePointAt(cut.length);
          if (next !== undefined)
            expect(Buffer.byteLength(cut + String.fromCodePoint(next))).toBeGreaterThan(maxBytes);
        },
      ),
    );
  });
});

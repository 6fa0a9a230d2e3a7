import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelError } from './model-error.js';
import { type HubName, hubNameText, parseModelName, repositoryFolder } from './model-name.js';

function hub(text: string): HubName {
  const name = parseModelName(text);
  if (name.kind !== 'hub') throw new Error(`${text} is ${name.kind}`);
  return name;
}

describe('parseModelName', () => {
  it('reads the forms of a name', () => {
    expect(parseModelName('demo')).toEqual({ kind: 'demo' });
    expect(parseModelName('dir/mine.gguf')).toEqual({ kind: 'local', path: 'dir/mine.gguf' });
    expect(hub('hf:owner/repo')).toEqual({
      kind: 'hub',
      repository: 'owner/repo',
      revision: 'main',
      variant: { by: 'default' },
    });
    expect(hub('hf:owner/repo:q4_k_m').variant).toEqual({ by: 'quantization', quantization: 'Q4_K_M' });
    expect(hub('hf:o/r/Q8_0/big-00002-of-00003.gguf@refs/pr/1')).toMatchObject({
      revision: 'refs/pr/1',
      variant: { by: 'file', path: 'Q8_0/big-00002-of-00003.gguf' },
    });
  });

  it.each(['hf:o/r', 'hf:o/r:UD-Q4_K_XL', 'hf:o/r/a b/c.gguf', 'hf:o/r:Q8_0@v1.0', 'hf:o/r@refs/pr/1'])(
    'writes %s back as it was',
    (text) => expect(hubNameText(hub(text))).toBe(text),
  );

  it.each([
    'hf:',
    'hf:owner',
    'hf:../../etc/passwd',
    'hf:owner/..',
    'hf:owner/repo:../x',
    'hf:a b/c',
    'hf:o/r/../x.gguf',
    'hf:o/r//etc/x.gguf',
    'hf:o/r/.hidden.gguf',
    'hf:o/r/a\\..\\b.gguf',
    'hf:o/r/a\u0000.gguf',
    'hf:o/r/a\u001B[2J.gguf',
    'hf:o/r/model.safetensors',
    'hf:o/r@../../x',
    'hf:o/r@a@b',
    'hf:o/r@',
    'hf:o/r:Q8_0/file.gguf',
    `hf:o/r/${'a'.repeat(300)}.gguf`,
    `hf:o/r@${'a'.repeat(200)}`,
  ])('refuses %j', (text) => {
    expect(() => parseModelName(text)).toThrow(expect.objectContaining({ code: 'invalid_name' }));
    expect(() => parseModelName(text)).toThrow(/is not of the form/);
  });

  it.each(['', 'a\0b'])('refuses %j, which is no path', (text) => {
    expect(() => parseModelName(text)).toThrow(ModelError);
  });

  it('never names a folder outside, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', '.', '/', ':', '@', '\\', '-', '_', ' ', '\0')),
        (letters) => {
          let folder = '';
          let file = '';
          try {
            const name = hub(`hf:${letters.join('')}`);
            folder = repositoryFolder(name);
            file = name.variant.by === 'file' ? name.variant.path : '';
          } catch {
            return;
          }
          for (const segment of `${folder}/${file}`.split('/')) expect(segment).not.toMatch(/^\.\.?$|[\0\\]/);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('repositoryFolder', () => {
  it('differs for each revision', () => {
    const folders = ['hf:o/r', 'hf:o/r@v1', 'hf:o/r@refs/pr/1'].map((text) => repositoryFolder(hub(text)));
    expect(folders).toEqual(['o/r', 'o/r@v1', 'o/r@refs@pr@1']);
  });
});

import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DockerDemultiplexer } from './docker-demultiplexer.js';

function frame(stream: number, payload: Buffer, length = payload.length): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream);
  header.writeUInt32BE(length, 4);
  return Buffer.concat([header, payload]);
}

async function demultiplex(chunks: readonly Buffer[]): Promise<{ stdout: string; stderr: string }> {
  const stderr: Buffer[] = [];
  const stdout: Buffer[] = [];
  const wire = new PassThrough();
  const demultiplexer = new DockerDemultiplexer(wire, (bytes) => stderr.push(Buffer.from(bytes)));
  demultiplexer.on('data', (bytes: Buffer) => stdout.push(bytes));
  const ended = new Promise((resolve, reject) => demultiplexer.once('end', resolve).once('error', reject));
  for (const chunk of chunks) wire.write(chunk);
  wire.end();
  await ended;
  return { stdout: Buffer.concat(stdout).toString('hex'), stderr: Buffer.concat(stderr).toString('hex') };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return [...chunks, bytes.subarray(start)];
}

test('however the bytes are cut, each stream comes out whole', async () => {
  const pieces = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(pieces, fc.array(fc.integer({ min: 1, max: 30 })), async (parts, sizes) => {
      const wire = Buffer.concat(parts.map(([stream, payload]) => frame(stream, Buffer.from(payload))));
      const of = (wanted: number): string =>
        Buffer.concat(parts.filter(([stream]) => stream === wanted).map(([, payload]) => payload)).toString(
          'hex',
        );
      expect(await demultiplex(cut(wire, sizes))).toEqual({ stdout: of(1), stderr: of(2) });
    }),
  );
});

test.each([
  ['an unknown stream', frame(3, Buffer.from('x'))],
  ['an absurd length', frame(1, Buffer.from('x'), 0xffffffff)],
])('%s is an error', async (_title, wire) => {
  await expect(demultiplex([wire])).rejects.toThrow('cannot be read');
});

test('it stops taking in while nobody reads, and goes on when somebody does', async () => {
  const wire = new PassThrough();
  const demultiplexer = new DockerDemultiplexer(wire, () => undefined);
  const piece = frame(1, Buffer.alloc(64 * 1024));
  let written = 0;
  while (wire.write(piece) && written < 100) written += 1;
  expect(written).toBeLessThan(10);
  wire.end();
  const read = await buffer(demultiplexer);
  expect(read).toHaveLength((written + 1) * 64 * 1024);
});

test('what breaks the stream below breaks it, and its end is its end', async () => {
  const broken = new PassThrough();
  const demultiplexer = new DockerDemultiplexer(broken, () => undefined);
  broken.destroy(new Error('the engine is gone'));
  await expect(buffer(demultiplexer)).rejects.toThrow('the engine is gone');
});

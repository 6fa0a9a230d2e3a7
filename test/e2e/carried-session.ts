import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { GantryClient } from '../../src/client/gantry-client.js';
import type { WireEvent } from '../../src/gateway/frames.js';
import { endOfCall, eventsOf, ofType, resultOf } from './run-events.js';

/** Content by path. */
export type Tree = Readonly<Record<string, Buffer>>;

/** What `MAKE_TREE` leaves in the working directory. */
export const MADE_TREE: Tree = {
  'deep/er/est/every byte.bin': Buffer.alloc(2 ** 20, Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
  'deep/naïve 名前 🗂.txt': Buffer.from('ünïcode\n'),
  'empty.txt': Buffer.alloc(0),
  'plain.txt': Buffer.from('one\ntwo\n'),
  'run.sh': Buffer.from('#!/bin/sh\necho it ran\n'),
};

/** Also leaves the variable `kept`. */
export const MAKE_TREE = `import os
os.makedirs('deep/er/est')
open('deep/er/est/every byte.bin', 'wb').write(bytes(range(256)) * 4096)
open('deep/naïve 名前 🗂.txt', 'w').write('ünïcode\\n')
open('empty.txt', 'w').close()
open('plain.txt', 'w').write('one\\ntwo\\n')
open('run.sh', 'w').write('#!/bin/sh\\necho it ran\\n')
os.chmod('run.sh', 0o755)
kept = 42`;

/** Of every file, seen from inside; and whether variables are there. */
const LOOK = `import hashlib, json, os
found = {}
for folder, _, names in os.walk('.'):
    for name in names:
        path = os.path.join(folder, name)
        found[os.path.relpath(path)] = hashlib.sha256(open(path, 'rb').read()).hexdigest()
print(json.dumps({'files': found, 'kept': globals().get('kept')}))`;

function digestsOf(tree: Tree): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, content]) => [path, createHash('sha256').update(content).digest('hex')]),
  );
}

/** A session as one server's client has it. */
export class CarriedSession {
  constructor(
    readonly client: GantryClient,
    readonly id: string,
  ) {}

  begin(code: string) {
    return this.client.invokeTool({ session_id: this.id, name: 'python', arguments: { code } });
  }

  /** The events of a call that went well. */
  async python(code: string): Promise<WireEvent[]> {
    const events = await eventsOf(this.client, await this.begin(code));
    expect(endOfCall(events).status, resultOf(events)).toBe('succeeded');
    return events;
  }

  async terminal(command: string): Promise<string> {
    const run = await this.client.invokeTool({
      session_id: this.id,
      name: 'terminal',
      arguments: { commands: [command] },
    });
    return resultOf(await eventsOf(this.client, run));
  }

  /**
   * The first call on another engine: every file is there byte for byte and no other, variables are gone, and both the
   * client and the model are told so; the next call is told nothing and has what this one left.
   */
  async findsAfterMove(tree: Tree): Promise<void> {
    const events = await this.python(LOOK);
    const [lost, ...more] = ofType(events, 'sandbox_state_lost');
    expect(lost?.reason).toContain('variables');
    expect(more).toEqual([]);
    const [told = '', seen = ''] = resultOf(events).split('\n');
    expect(told).toBe(`[${lost?.reason}]`);
    expect(JSON.parse(seen)).toEqual({ files: digestsOf(tree), kept: null });
    const next = await this.python('len(found)');
    expect(ofType(next, 'sandbox_state_lost')).toEqual([]);
    expect(resultOf(next)).toBe(String(Object.keys(tree).length));
  }

  /** The same bytes for a client that asks the server for them. */
  async serves(tree: Tree): Promise<void> {
    const files = await this.client.files.ofSession(this.id);
    for (const [path, content] of Object.entries(tree)) {
      const versions = files.filter(({ name }) => name === path);
      const contents = await Promise.all(versions.map(({ id }) => this.contentOf(id)));
      expect(
        contents.some((one) => one.equals(content)),
        path,
      ).toBe(true);
    }
  }

  private async contentOf(fileId: string): Promise<Buffer> {
    return Buffer.from(await new Response(await this.client.files.content(fileId)).arrayBuffer());
  }
}

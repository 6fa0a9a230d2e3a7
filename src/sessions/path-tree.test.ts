import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { PathTree } from './path-tree.js';

const path = fc
  .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));

it('takes exactly the paths that a directory could hold', () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 20 }), (paths) => {
      const tree = new PathTree();
      const held: string[] = [];
      for (const one of paths) {
        const free = held.every(
          (other) => other !== one && !other.startsWith(`${one}/`) && !one.startsWith(`${other}/`),
        );
        expect(tree.add(one)).toBe(free);
        if (free) held.push(one);
      }
    }),
  );
});

import { expect, test } from 'vitest';
import { type Occupant, planRoom } from './room.js';

const occupant = (name: string, lastUsedAt: number, rest: Partial<Occupant> = {}): Occupant => ({
  name,
  bytes: 100,
  lastUsedAt,
  mayGo: true,
  ...rest,
});

test('what fits into free memory sends nothing away', () => {
  expect(planRoom(100, 100, [occupant('a', 1)])).toEqual({ type: 'fits', unload: [] });
});

test('the least recently used go first, and no more than needed', () => {
  const occupants = [occupant('new', 3), occupant('old', 1), occupant('middle', 2)];
  expect(planRoom(150, 0, occupants)).toEqual({ type: 'fits', unload: ['old', 'middle'] });
});

test('what is at work or the default stays, however long ago it was used', () => {
  const occupants = [occupant('busy', 0, { mayGo: false }), occupant('idle', 5)];
  expect(planRoom(100, 0, occupants)).toEqual({ type: 'fits', unload: ['idle'] });
  expect(planRoom(101, 0, occupants)).toEqual({ type: 'refused', needed: 101, reachable: 100 });
});

test('a budget that is overdrawn has nothing free', () => {
  expect(planRoom(100, -50, [occupant('a', 1)])).toEqual({ type: 'fits', unload: ['a'] });
  expect(planRoom(101, -50, [occupant('a', 1)])).toMatchObject({ type: 'refused', reachable: 100 });
});

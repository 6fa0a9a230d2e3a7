import { printHeading } from '../measure.js';
import { benchCalls, benchClient } from './calls.js';
import { benchClaims } from './claims.js';
import { benchCrowd } from './crowd.js';
import { benchFiles } from './files.js';
import { sandboxPlaces } from './places.js';

/** Every way to run code here, next to what it costs to do without its walls. */
export async function benchSandbox(): Promise<void> {
  const places = await sandboxPlaces();
  printHeading(`sandbox: ${places.map(({ name }) => name).join(', ')}`);
  await benchCalls(places);
  await benchClaims(places);
  await benchCrowd(places);
  await benchFiles(places);
  for (const place of places.slice(0, 1)) await benchClient(place);
}

import { describe } from 'vitest';

/**
 * `describe` for tests that need a Docker engine. They are skipped only where `npm test` has tried to get one and
 * could not; it then says so in its last lines. Everywhere else a missing engine makes them fail.
 */
export const describeWithDocker = describe.runIf(process.env['GANTRY_TEST_WITHOUT_DOCKER'] === undefined);

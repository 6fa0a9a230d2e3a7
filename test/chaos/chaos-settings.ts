/** `GANTRY_CHAOS_KILLS=50` gives the full table; the default keeps the suite short. */
export function killCount(usual: number): number {
  const asked = Number(process.env['GANTRY_CHAOS_KILLS']);
  return Number.isInteger(asked) && asked > 0 ? asked : usual;
}

/** Printed with each run, so that a bad one can be had again: `GANTRY_CHAOS_SEED=<seed>`. */
export function chaosSeed(): number {
  const asked = Number(process.env['GANTRY_CHAOS_SEED']);
  return Number.isInteger(asked) && asked > 0 ? asked : Date.now() % 2 ** 31;
}

/** For the test's own time limit: what it needs without kills, and what each kill adds on a busy machine. */
export function chaosTimeout(kills: number): number {
  return 180_000 + kills * 20_000;
}

const PREFIX = 'council:';
export const FEWEST_EXPERTS = 2;
export const MOST_EXPERTS = 8;

export function isCouncil(model: string | undefined): model is string {
  return model?.startsWith(PREFIX) ?? false;
}

/** The experts of `council:a,b,c` in their order; the same one may come twice. Not checked in any way. */
export function expertsOf(model: string): readonly string[] {
  return model
    .slice(PREFIX.length)
    .split(',')
    .map((name) => name.trim());
}

/** What is wrong with the name itself, for who wrote it; undefined when nothing is. */
export function councilNameProblem(model: string): string | undefined {
  const experts = expertsOf(model);
  if (experts.includes(''))
    return 'A council is written as council:a,b,c, with the name of a model in each place.';
  if (experts.length < FEWEST_EXPERTS || experts.length > MOST_EXPERTS) {
    return `A council has ${FEWEST_EXPERTS} to ${MOST_EXPERTS} experts; this one has ${experts.length}.`;
  }
  return experts.some(isCouncil) ? 'A council cannot be an expert of another one.' : undefined;
}

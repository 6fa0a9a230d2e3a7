/**
 * The steps of a Dockerfile as this project writes them, for a machine without an engine: what each RUN says and what
 * each COPY copies, in order. Everything else (base image, user, entry point) is the runtime's affair. A Dockerfile is
 * the one place where the content of a sandbox is said.
 * @typedef {{ kind: 'run', script: string } | { kind: 'copy', from: string, to: string }} Step
 * @param {string} text
 * @returns {Step[]}
 */
export function dockerfileSteps(text) {
  return instructionsIn(text).flatMap((instruction) => {
    const [, name, rest] = /^(\w+)\s+([^]*)$/.exec(instruction) ?? [];
    if (name === 'RUN') return [{ kind: 'run', script: rest }];
    if (name !== 'COPY') return [];
    const [from, to, ...more] = rest.trim().split(/\s+/);
    if (to === undefined || more.length > 0 || from.startsWith('--'))
      throw new Error(`cannot follow: COPY ${rest}`);
    return [{ kind: 'copy', from, to }];
  });
}

/** Comments gone, continued lines kept as they are: a shell reads them the same way. */
function instructionsIn(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
  const instructions = [];
  let continued = false;
  for (const line of lines) {
    if (continued) instructions.push(`${instructions.pop()}\n${line}`);
    else instructions.push(line);
    continued = line.endsWith('\\');
  }
  return instructions;
}

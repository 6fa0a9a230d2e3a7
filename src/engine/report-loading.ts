import type { EngineStatus } from './engine.js';

/** Each phase once, and within one a line a second at most. */
export function reportLoading(report: (line: string) => void): (status: EngineStatus) => void {
  let told = { step: '', at: 0 };
  return (status) => {
    const step = status.state === 'loading' ? status.phase : status.state;
    if (step === told.step && performance.now() - told.at < 1000) return;
    told = { step, at: performance.now() };
    report(describeStatus(status));
  };
}

function describeStatus(status: EngineStatus): string {
  switch (status.state) {
    case 'loading':
      return `Model ${status.model}: ${status.phase}, ${Math.round(status.progress * 100)} %.`;
    case 'ready':
      return `Model ${status.model} is ready on ${status.device}, with ${status.contextSize} tokens of context.`;
    case 'remote':
      return `Model ${status.model} is ready on ${status.url} (${status.kind}), with ${status.contextSize} tokens of context by ${status.contextFrom}.`;
    case 'pool':
      return `${status.members.length} models, ${status.model} first.`;
    case 'failed':
      return `Model ${status.model} could not be loaded: ${status.message} ${status.hint ?? ''}`;
    case 'elsewhere':
      return `Model ${status.model} is with the workers.`;
    case 'closed':
      return `Model ${status.model} is unloaded.`;
    default:
      return status satisfies never;
  }
}

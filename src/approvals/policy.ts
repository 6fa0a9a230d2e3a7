import type { AgentPermission } from '../runs/run-request.js';
import type { ToolReach } from '../tools/tool.js';

export type PolicyDecision = 'allow' | 'ask' | 'deny';

/** A rule a person stored for a session. `tool` is a name or a glob in which `*` stands for anything. */
export interface PolicyRule {
  readonly tool: string;
  readonly decision: PolicyDecision;
}

export interface PolicyQuestion {
  readonly toolName: string;
  readonly reach: ToolReach;
  readonly rules: readonly PolicyRule[];
  /** The server's setting and the request's; the stricter holds, so a request can only tighten. */
  readonly floors: readonly AgentPermission[];
}

/**
 * Whether a call runs, waits for a person or is refused. Denial beats all. A stored `allow` answers an
 * `ask` (that is what "remember for this session" means); it never lifts a denial.
 */
export function decideCall(question: PolicyQuestion): PolicyDecision {
  const matching = question.rules.filter((rule) => matchesTool(rule.tool, question.toolName));
  if (question.floors.includes('deny') || matching.some((rule) => rule.decision === 'deny')) return 'deny';
  const specific = mostSpecific(matching);
  if (specific.some((rule) => rule.decision === 'ask')) return 'ask';
  if (specific.length > 0) return 'allow';
  if (question.floors.includes('ask')) return 'ask';
  return question.reach === 'sandbox' ? 'allow' : 'ask';
}

/** An exact name beats a glob; among globs the one with more fixed characters. */
function mostSpecific(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const weight = (rule: PolicyRule) =>
    rule.tool.includes('*') ? rule.tool.replaceAll('*', '').length : Number.POSITIVE_INFINITY;
  const heaviest = Math.max(...rules.map(weight));
  return rules.filter((rule) => weight(rule) === heaviest);
}

/** Linear in the name, whatever the pattern: both come from outside. */
export function matchesTool(pattern: string, name: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  const tail = rest.pop() ?? '';
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
  let position = head.length;
  for (const part of rest) {
    const found = name.indexOf(part, position);
    if (found < 0 || found + part.length > name.length - tail.length) return false;
    position = found + part.length;
  }
  return true;
}

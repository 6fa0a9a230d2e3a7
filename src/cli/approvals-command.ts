import { Command } from 'commander';
import type { ApprovalDecision } from '../runs/run-request.js';
import { addConnectOptions, clientOf } from './connect-options.js';
import type { ConnectOptions } from './connect-options.js';
import { plainLine } from './terminal-text.js';

export function approvalsCommand(): Command {
  const approvals = new Command('approvals').description('see and decide what waits for a person');
  addConnectOptions(approvals.command('list', { isDefault: true }))
    .option('--all', 'decided ones too')
    .action(list);
  addConnectOptions(approvals.command('approve <id>'))
    .option('--for-session', 'and calls like it in the same session')
    .action((id: string, flags: ConnectOptions & { readonly forSession?: boolean }) =>
      decide(id, flags, {
        decision: 'approve',
        ...(flags.forSession === true && { remember_for_session: true }),
      }),
    );
  addConnectOptions(approvals.command('deny <id>'))
    .option('--message <text>', 'the model is told why')
    .action((id: string, flags: ConnectOptions & { readonly message?: string }) =>
      decide(id, flags, {
        decision: 'deny',
        ...(flags.message !== undefined && { message: flags.message }),
      }),
    );
  return approvals;
}

async function list(flags: ConnectOptions & { readonly all?: boolean }): Promise<void> {
  const filter = flags.all === true ? {} : { status: 'pending' as const };
  for (const approval of await clientOf(flags).approvals.list(filter)) {
    const { id, state, session_id: sessionId, tool_name: tool } = approval;
    const args = plainLine(JSON.stringify(approval.arguments) ?? '');
    print(`${id}  ${state}  ${sessionId}  ${plainLine(tool)}  ${args}`);
  }
}

async function decide(id: string, flags: ConnectOptions, decision: ApprovalDecision): Promise<void> {
  const approval = await clientOf(flags).approvals.decide(id, decision);
  print(`${approval.id}  ${approval.state}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

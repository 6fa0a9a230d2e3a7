import type { CallEntry, RunEntry, Transcript } from '../client/transcript.js';
import { plainLine, plainText } from './terminal-text.js';

/** A conversation as plain text. */
export function printTranscript(transcript: Transcript, print: (line: string) => void): void {
  for (const entry of transcript.entries) {
    if (entry.type === 'message') print(`> ${plainText(entry.content)}`);
    else printRun(entry, print);
  }
}

function printRun(run: RunEntry, print: (line: string) => void): void {
  for (const round of run.rounds) {
    if (round.content !== '') print(plainText(round.content));
    for (const call of round.calls) printCall(call, print);
  }
  for (const file of run.files) print(`[file ${file.id} ${plainLine(file.name)}, ${file.bytes} bytes]`);
  print(`[${run.run_id} ${run.error === null ? (run.stop_reason ?? run.phase) : plainLine(run.error)}]`);
}

function printCall(call: CallEntry, print: (line: string) => void): void {
  const place =
    call.queue_position === null ? '' : `, place ${call.queue_position} in the line for a sandbox`;
  print(`[${plainLine(call.name)}: ${call.status ?? call.phase}${place}]`);
  for (const text of [call.stdout, call.stderr])
    if (text !== '')
      print(
        plainText(text)
          .trimEnd()
          .split('\n')
          .map((line) => `  | ${line}`)
          .join('\n'),
      );
}

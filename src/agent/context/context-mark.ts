import { capOutput } from '../cap-output.js';
import type { Shown, SnapshotMessage } from '../snapshot.js';

/**
 * What the model sees of a session's messages. Numbers are places in `RunSnapshot.messages`: 0 is the system
 * message, which always stays. The messages themselves are never changed.
 */
export interface ContextMark {
  /** The first message that is shown whole, or as the rest of this mark says; those before it are left out. */
  readonly from: number;
  /** User messages from here on stay although they lie before `from`: they asked for the turn in work. */
  readonly askedFrom: number | null;
  /** A note stands for the results before this place. */
  readonly trimmedBefore: number;
  /** Of the results after those, up to this place, only so many characters are shown. */
  readonly cappedBefore: number;
  readonly capCharacters: number;
  /** What the model wrote about the messages that are left out. */
  readonly summary: string | null;
}

export const WHOLE_CONTEXT: ContextMark = {
  from: 1,
  askedFrom: null,
  trimmedBefore: 1,
  cappedBefore: 1,
  capCharacters: 0,
  summary: null,
};

/** Stands before a summary, so that the roles of user and assistant go on taking turns. */
const ASKED_FOR_SUMMARY = 'Summarise our conversation so far.';

type ToolMessage = Extract<SnapshotMessage, { role: 'tool' }>;

/** The conversation as the mark leaves it. Pure; the very same messages where it leaves out nothing. */
export function applyMark(
  messages: readonly SnapshotMessage[],
  mark: ContextMark,
): readonly SnapshotMessage[] {
  if (mark.from <= 1 && mark.trimmedBefore <= 1 && mark.cappedBefore <= 1) return messages;
  const shown = messages.flatMap((message, place) =>
    message.role === 'system' || isShown(message, place, mark)
      ? [{ place, message: message.role === 'tool' ? shownResult(message, place, mark) : message }]
      : [],
  );
  return withSummary(joinRequests(shown), mark.summary);
}

export function isShown(message: SnapshotMessage, place: number, mark: ContextMark): boolean {
  if (place >= mark.from) return true;
  return message.role === 'user' && mark.askedFrom !== null && place >= mark.askedFrom;
}

/** A result as the mark shows it; the same object where that is the whole. */
export function shownResult(message: ToolMessage, place: number, mark: ContextMark): ToolMessage {
  if (place < mark.trimmedBefore) {
    const { shows: _pictures, ...trimmed } = shorter(message, noteFor(message.content));
    return trimmed.content === message.content ? message : trimmed;
  }
  if (place < mark.cappedBefore) {
    return shorter(message, capOutput(message.content, mark.capCharacters, undefined).content);
  }
  return message;
}

function shorter(message: ToolMessage, content: string): ToolMessage {
  return content.length < message.content.length ? { ...message, content } : message;
}

/** The same content gives the same note, so that what was read once need not be read again. */
function noteFor(content: string): string {
  return `[${content.length} characters of this result left out to make room]`;
}

/** Templates want the roles to take turns: what the user said around rounds that are left out becomes one message. */
function joinRequests(
  shown: readonly { readonly place: number; readonly message: SnapshotMessage }[],
): readonly SnapshotMessage[] {
  const joined: SnapshotMessage[] = [];
  for (const [index, { place, message }] of shown.entries()) {
    const before = shown[index - 1];
    const last = joined.at(-1);
    const isJoined = last?.role === 'user' && message.role === 'user' && before?.place !== place - 1;
    if (isJoined) {
      const content = `${last.content}\n\n${message.content}`;
      joined[joined.length - 1] = { role: 'user', content, ...filesOf(last.shows, message.shows) };
    } else {
      joined.push(message);
    }
  }
  return joined;
}

function filesOf(...shown: readonly (Shown | undefined)[]): { readonly shows?: Shown } {
  const fileIds = shown.flatMap((one) => (one?.from === 'files' ? one.fileIds : []));
  return fileIds.length === 0 ? {} : { shows: { from: 'files', fileIds } };
}

function withSummary(
  messages: readonly SnapshotMessage[],
  summary: string | null,
): readonly SnapshotMessage[] {
  if (summary === null) return messages;
  const afterSystem = messages.findIndex((message) => message.role !== 'system');
  return messages.toSpliced(
    afterSystem === -1 ? messages.length : afterSystem,
    0,
    { role: 'user', content: ASKED_FOR_SUMMARY },
    { role: 'assistant', content: summary, toolCalls: [] },
  );
}

import type { HostMessage } from '../protocol.js';
import { HERMES, writtenCall } from './call-syntax.js';
import type { TemplateManners } from './template-manners.js';

type Assistant = Extract<HostMessage, { role: 'assistant' }>;

/**
 * The conversation as a template of these manners takes it, with nothing left out. `offer`: how the tools are told where
 * the template does not do that.
 */
export function fitMessages(
  messages: readonly HostMessage[],
  manners: TemplateManners,
  offer: string | undefined,
): HostMessage[] {
  let fitted = offer === undefined ? [...messages] : withOffer(messages, offer);
  if (manners.calls === 'written') fitted = fitted.map(writtenOut);
  if (manners.calls === 'one by one') fitted = oneByOne(fitted);
  if (manners.system === 'in the next message') fitted = systemInNext(fitted);
  if (manners.turns === 'alternating' || manners.calls === 'written') fitted = joined(fitted);
  if (manners.turns === 'alternating') fitted = alternating(fitted);
  if (manners.textBesideThoughts === 'in the thoughts') fitted = fitted.map(textInThoughts);
  return manners.ids === 'nine characters' ? fitted.map(withNineCharacterIds) : fitted;
}

function withOffer(messages: readonly HostMessage[], offer: string): HostMessage[] {
  const [first, ...rest] = messages;
  return first?.role === 'system'
    ? [{ ...first, content: `${first.content}\n\n${offer}` }, ...rest]
    : [{ role: 'system', content: offer }, ...messages];
}

function writtenOut(message: HostMessage): HostMessage {
  if (message.role === 'tool') {
    return { role: 'user', content: `<tool_response>\n${message.content}\n</tool_response>` };
  }
  if (message.role !== 'assistant' || message.toolCalls.length === 0) return message;
  const calls = message.toolCalls.map((call) => writtenCall(HERMES, call));
  return {
    ...message,
    content: [...(message.content === '' ? [] : [message.content]), ...calls].join('\n'),
    toolCalls: [],
  };
}

/** Each call is a turn of its own, and its result follows it. */
function oneByOne(messages: readonly HostMessage[]): HostMessage[] {
  const isOf = ({ toolCalls }: Assistant, message: HostMessage): boolean =>
    message.role === 'tool' && toolCalls.some(({ id }) => id === message.toolCallId);
  const spread = messages.filter((message): message is Assistant => hasSeveralCalls(message));
  return messages
    .filter((message) => !spread.some((turn) => isOf(turn, message)))
    .flatMap((message) => {
      if (!hasSeveralCalls(message)) return [message];
      return message.toolCalls.flatMap((call, index) => [
        index === 0
          ? { ...message, toolCalls: [call] }
          : { role: 'assistant' as const, content: '', toolCalls: [call] },
        ...messages.filter((result) => result.role === 'tool' && result.toolCallId === call.id),
      ]);
    });
}

function hasSeveralCalls(message: HostMessage): message is Assistant {
  return message.role === 'assistant' && message.toolCalls.length > 1;
}

function systemInNext(messages: readonly HostMessage[]): HostMessage[] {
  const fitted: HostMessage[] = [];
  let held = '';
  for (const message of messages) {
    if (message.role === 'system') held += `${message.content}\n\n`;
    else if (message.role === 'user' && held !== '') {
      fitted.push({ ...message, content: held + message.content });
      held = '';
    } else fitted.push(message);
  }
  return held === '' ? fitted : [...fitted, { role: 'user', content: held.trimEnd() }];
}

/** What users say one after the other becomes one message; so do results that are written out. */
function joined(messages: readonly HostMessage[]): HostMessage[] {
  const fitted: HostMessage[] = [];
  for (const message of messages) {
    const last = fitted.at(-1);
    if (message.role === 'user' && last?.role === 'user') {
      fitted[fitted.length - 1] = { role: 'user', content: `${last.content}\n${message.content}` };
    } else fitted.push(message);
  }
  return fitted;
}

/** Where a user speaks after a result, an empty answer stands between. */
function alternating(messages: readonly HostMessage[]): HostMessage[] {
  let isUserNext = true;
  return messages.flatMap((message): HostMessage[] => {
    if (message.role !== 'user' && (message.role !== 'assistant' || message.toolCalls.length > 0))
      return [message];
    const isExpected = (message.role === 'user') === isUserNext;
    isUserNext = message.role !== 'user';
    if (isExpected) return [message];
    return message.role === 'user' ? [{ role: 'assistant', content: '', toolCalls: [] }, message] : [message];
  });
}

function textInThoughts(message: HostMessage): HostMessage {
  if (message.role !== 'assistant' || message.toolCalls.length === 0) return message;
  if (message.content === '' || message.reasoning === undefined || message.reasoning === '') return message;
  return { ...message, content: '', reasoning: `${message.reasoning}\n\n${message.content}` };
}

function withNineCharacterIds(message: HostMessage): HostMessage {
  if (message.role === 'tool') return { ...message, toolCallId: nineCharacters(message.toolCallId) };
  if (message.role !== 'assistant') return message;
  return {
    ...message,
    toolCalls: message.toolCalls.map((call) => ({ ...call, id: nineCharacters(call.id) })),
  };
}

/** The end of an id is what tells it from others. */
function nineCharacters(id: string): string {
  return id
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(-9)
    .padStart(9, '0');
}

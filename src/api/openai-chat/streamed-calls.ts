import type { PayloadOf } from '../../events/event.js';

type Chunk = PayloadOf<'chunk'>;
type Delta = Chunk['choices'][number]['delta'];

interface SentCall {
  readonly id: string;
  /** Among the calls that this stream shows. */
  readonly index: number;
  /** No arguments so far. */
  isEmpty: boolean;
}

interface Begun {
  /** In its round. */
  readonly index: number;
  readonly id: string;
  readonly name: string;
  /** The arguments so far: small pieces come merged. */
  readonly json: string;
}

/** The calls of the client's functions as they are made; those of the server's tools are left out. */
export class StreamedCalls {
  private round = -1;
  /** Of this round, by their index there. */
  private ofRound = new Map<number, SentCall>();
  private readonly all: SentCall[] = [];

  constructor(private readonly isClientTool: (name: string) => boolean) {}

  add({ round }: Chunk, { tool_calls: calls }: Delta): object[] {
    if (round !== this.round) {
      this.round = round;
      this.ofRound = new Map();
    }
    return (calls ?? []).flatMap(({ index, id, function: { name, arguments: json } }) => {
      if (id !== undefined && name !== undefined) return this.start({ index, id, name, json: json ?? '' });
      const call = this.ofRound.get(index);
      if (call === undefined || !json) return [];
      call.isEmpty = false;
      return [argumentsDelta(call, json)];
    });
  }

  wasSent(id: string): boolean {
    return this.all.some((call) => call.id === id);
  }

  /** Clients parse what they get: a call without arguments has an empty object. */
  end(): object[] {
    return this.all.filter((call) => call.isEmpty).map((call) => argumentsDelta(call, '{}'));
  }

  private start({ index, id, name, json }: Begun): object[] {
    if (!this.isClientTool(name)) return [];
    const call: SentCall = { id, index: this.all.length, isEmpty: json === '' };
    this.all.push(call);
    this.ofRound.set(index, call);
    return [
      { tool_calls: [{ index: call.index, id, type: 'function', function: { name, arguments: json } }] },
    ];
  }
}

function argumentsDelta(call: SentCall, text: string): object {
  return { tool_calls: [{ index: call.index, function: { arguments: text } }] };
}

import { createParser } from 'eventsource-parser';
import { EngineError } from '../engine-error.js';

export interface ServerSentEvent {
  readonly name: string | undefined;
  readonly data: string;
  /** False for the last one of a stream that ended without the blank line after it: it may be cut. */
  readonly whole: boolean;
}

/**
 * Server-sent events from bytes, however they are split. Comments, ids and retry times are left out,
 * invalid UTF-8 becomes U+FFFD. Holds one unfinished event, up to `maxEventChars`; a longer one throws
 * EngineError provider, after the events before it have been given.
 */
export class EventStreamDecoder {
  private readonly text = new TextDecoder('utf-8');
  private ready: ServerSentEvent[] = [];
  private ended = false;
  private failure: EngineError | undefined;
  private readonly parser;

  constructor(maxEventChars: number) {
    this.parser = createParser({
      maxBufferSize: maxEventChars,
      onEvent: ({ event, data }) => {
        this.ready.push({ name: event, data, whole: !this.ended });
      },
      onError: (error) => {
        // Unknown fields and the like mean nothing to us; only the bound ends a stream.
        if (error.type === 'max-buffer-size-exceeded') this.failure = tooLong(maxEventChars);
      },
    });
  }

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): readonly ServerSentEvent[] {
    this.feed(this.text.decode(bytes, { stream: true }));
    return this.take();
  }

  /** What the end of the stream completes. */
  end(): readonly ServerSentEvent[] {
    this.feed(this.text.decode());
    const whole = this.take();
    this.ended = true;
    this.feed('\n\n');
    return [...whole, ...this.take()];
  }

  private take(): readonly ServerSentEvent[] {
    const events = this.ready;
    this.ready = [];
    return events;
  }

  private feed(text: string): void {
    if (this.failure !== undefined) throw this.failure;
    this.parser.feed(text);
  }
}

function tooLong(maxEventChars: number): EngineError {
  return new EngineError('provider', `The server sent an event of more than ${maxEventChars} characters.`);
}

import type ivm from 'isolated-vm';

/** The parts of the inspector's answers that are read here. */
export interface RemoteObject {
  readonly type: string;
  readonly subtype?: string;
  readonly value?: unknown;
  readonly description?: string;
  readonly objectId?: string;
}
export interface Evaluation {
  readonly result?: RemoteObject;
  readonly exceptionDetails?: { readonly text: string; readonly exception?: RemoteObject };
}

/**
 * Code runs through V8's inspector because its REPL mode is the one way to have top-level await, the value of
 * the last expression and `const` that may be declared again, without a parser and rewriting of our own.
 */
export class InspectorClient {
  private readonly session: ivm.InspectorSession;
  private readonly waiting = new Map<number, (evaluation: Evaluation | undefined) => void>();
  private contextId = 0;
  private last = 0;

  constructor(isolate: ivm.Isolate) {
    this.session = isolate.createInspectorSession();
    this.session.onResponse = (id, message) => {
      const parsed = JSON.parse(message) as { result?: Evaluation };
      this.waiting.get(id)?.(parsed.result);
      this.waiting.delete(id);
    };
    this.session.onNotification = (message) => {
      const { method, params } = JSON.parse(message) as {
        method: string;
        params: { context?: { id: number; name: string } };
      };
      if (method === 'Runtime.executionContextCreated' && params.context?.name === '<isolated-vm>') {
        this.contextId = params.context.id;
      }
    };
  }

  /** Enabled only to learn the context's id: while enabled, V8 would keep what the guest throws. */
  async attach(): Promise<void> {
    await this.send('Runtime.enable', {});
    await this.send('Runtime.disable', {});
  }

  evaluate(expression: string, replMode: 'repl' | 'plain'): Promise<Evaluation | undefined> {
    const mode = replMode === 'repl' ? { replMode: true, awaitPromise: true } : {};
    return this.send('Runtime.evaluate', {
      expression,
      contextId: this.contextId,
      objectGroup: replMode,
      ...mode,
    });
  }

  awaitPromise(promiseObjectId: string): Promise<Evaluation | undefined> {
    return this.send('Runtime.awaitPromise', { promiseObjectId });
  }

  /** Calls the function `functionId` with an object and a plain value. */
  call(functionId: string, objectId: string, value: number): Promise<Evaluation | undefined> {
    return this.send('Runtime.callFunctionOn', {
      objectId: functionId,
      functionDeclaration: 'function (object, value) { return this(object, value); }',
      arguments: [{ objectId }, { value }],
      returnByValue: true,
    });
  }

  /** Lets go of the values of the call before. */
  releaseValues(): void {
    void this.send('Runtime.releaseObjectGroup', { objectGroup: 'repl' });
  }

  async collectGarbage(): Promise<void> {
    await this.send('HeapProfiler.collectGarbage', {});
  }

  /** Stops the code that runs now; a no-op when none does. */
  terminate(): void {
    void this.send('Runtime.terminateExecution', {});
  }

  /** Undefined when the inspector answered with an error, as it does for code that was stopped. */
  private send(method: string, params: object): Promise<Evaluation | undefined> {
    const id = (this.last += 1);
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.session.dispatchProtocolMessage(JSON.stringify({ id, method, params }));
    });
  }
}

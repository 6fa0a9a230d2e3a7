/** What is told while a model is fetched. Sizes in bytes. */
export type PullEvent =
  | {
      readonly type: 'chosen';
      /** Paths in the repository. */
      readonly files: readonly string[];
      readonly quantization: string | undefined;
      readonly totalBytes: number;
    }
  /** Another process is fetching the same file. */
  | { readonly type: 'waiting'; readonly file: string; readonly writer: string }
  /** A file that is there is read, to see whether it is the one. */
  | { readonly type: 'checking'; readonly file: string }
  /** Over all files; `bytesPerSecond` over the last five seconds. */
  | {
      readonly type: 'progress';
      readonly file: string;
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly bytesPerSecond: number;
    }
  | { readonly type: 'retrying'; readonly file: string; readonly reason: string; readonly delayMs: number };

interface KnownFailure {
  readonly pattern: RegExp;
  readonly hint: string;
}

const KNOWN: readonly KnownFailure[] = [
  {
    pattern: /unknown (model )?architecture|unsupported (model )?architecture/i,
    hint: 'This version of llama.cpp does not know the architecture of the model; choose another model.',
  },
  {
    pattern: /invalid magic|not a gguf|failed to read magic/i,
    hint: 'The file is not a GGUF model.',
  },
  {
    pattern: /not within the file bounds|corrupted or incomplete|unexpected end|tensor .* is out of bounds/i,
    hint: 'The file is damaged or was not downloaded to its end; get it again.',
  },
  {
    pattern:
      /insufficient memory|out of memory|not enough (v?ram|memory)|failed to allocate|unable to allocate|cudaMalloc|bad_alloc|too large for the available/i,
    hint: 'The model does not fit into memory: choose a smaller model or quantization, a smaller context, or fewer sequences.',
  },
  {
    pattern:
      /lib(cuda|cublas|vulkan)[^ ]*: cannot open shared object|cuda driver|no prebuilt binar|NoBinaryFound/i,
    hint: 'A library of the GPU is missing or too old: install its driver, or set GANTRY_GPU to off.',
  },
];

/** What a person can do about a failure, judged from its message and the native log before it. */
export function failureHint(message: string, log: readonly string[]): string | undefined {
  const text = [message, ...log].join('\n');
  return KNOWN.find(({ pattern }) => pattern.test(text))?.hint;
}

/** How a model's file says that one vector is made of those of all tokens: llama.cpp's numbers. */
export const POOLING = { none: 0, last: 3, rank: 4 } as const;

// Small matrix products of bf16 with sums in fp32, and the packing that they want.
#pragma once
#include "simd.h"

// C[M,N] (fp32, ldc) = A[M, 2*kp] (bf16 row major, lda) * B packed [kp][ldb][2]; M % 8 == 0, N % 32 == 0
static void gemm(int M, int N, int kp, const bf16* A, int lda, const bf16* B, int ldb, float* C, int ldc) {
  for (int j = 0; j < N; j += 32)
    for (int i = 0; i < M; i += 8) {
      __m512 c0[8], c1[8];
      for (int r = 0; r < 8; r++) c0[r] = c1[r] = _mm512_setzero_ps();
      const bf16* b = B + (size_t)j * 2;
      const bf16* a = A + (size_t)i * lda;
      for (int p = 0; p < kp; p++, b += (size_t)ldb * 2) {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + 32);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
          __m512bh av = (__m512bh)_mm512_set1_epi32(*(const int*)(a + (size_t)r * lda + 2 * p));
          c0[r] = _mm512_dpbf16_ps(c0[r], av, b0);
          c1[r] = _mm512_dpbf16_ps(c1[r], av, b1);
        }
      }
      for (int r = 0; r < 8; r++) {
        _mm512_storeu_ps(C + (size_t)(i + r) * ldc + j, c0[r]);
        _mm512_storeu_ps(C + (size_t)(i + r) * ldc + j + 16, c1[r]);
      }
    }
}
// pack rows as N (B = X^T): out[p][n] = (X[n][2p], X[n][2p+1]);  X [n_rows, K]
static void pack_t(const bf16* X, int rows, int K, bf16* out) {
  for (int p = 0; p < K / 2; p++)
    for (int n = 0; n < rows; n++) ((int*)out)[(size_t)p * rows + n] = *(const int*)(X + (size_t)n * K + 2 * p);
}
// pack rows as K (B = X): out[p][n] = (X[2p][n], X[2p+1][n]);  X [rows, N]
static void pack_n(const bf16* X, int rows, int N, bf16* out) {
  for (int p = 0; p < rows / 2; p++)
    for (int n = 0; n < N; n++) { out[((size_t)p * N + n) * 2] = X[(size_t)(2 * p) * N + n]; out[((size_t)p * N + n) * 2 + 1] = X[(size_t)(2 * p + 1) * N + n]; }
}

// Products of 32 rows of bf16 with sums in fp32, and the packing that they want: on AMX tiles where the CPU has
// them, else with AVX-512 BF16.
#pragma once
#include "simd.h"
#ifdef __AMX_BF16__
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum class Into { EMPTY, SUM };

#ifdef __AMX_BF16__
// The kernel lets a process use tiles only after it has asked: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
static const bool TILES_ALLOWED = syscall(SYS_arch_prctl, 0x1023, 18) == 0;

// GCC's intrinsics do not say that they read and write memory.
static inline void memory_is_used() { asm volatile("" ::: "memory"); }

// Eight tiles of 16 rows of 64 bytes, for this thread and as long as it lives. Others (oneDNN) set up their own.
struct Tiles {
  Tiles() {
    alignas(64) struct { uint8_t palette = 1, start = 0, reserved[14] = {}; uint16_t row_bytes[16] = {}; uint8_t rows[16] = {}; } shape;
    for (int i = 0; i < 8; i++) { shape.row_bytes[i] = 64; shape.rows[i] = 16; }
    asm volatile("" : : "r"(&shape) : "memory");
    _tile_loadconfig(&shape);
  }
  ~Tiles() { _tile_release(); }
};

// C[32,N] (fp32) = or += A[32, 2*kp] (row major) * B, packed as [kp][ldb][2]; N % 32 == 0, kp % 16 == 0
static void gemm(int N, int kp, const bf16* A, int lda, const bf16* B, int ldb, float* C, int ldc, Into into = Into::EMPTY) {
  memory_is_used();
  const bf16* lower = A + (size_t)16 * lda;
  for (int j = 0; j < N; j += 32) {
    float *c0 = C + j, *c1 = C + (size_t)16 * ldc + j;
    if (into == Into::SUM) {
      _tile_loadd(0, c0, ldc * 4); _tile_loadd(1, c0 + 16, ldc * 4); _tile_loadd(2, c1, ldc * 4); _tile_loadd(3, c1 + 16, ldc * 4);
    } else {
      _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
    }
    const bf16* b = B + (size_t)j * 2;
    for (int p = 0; p < kp; p += 16, b += (size_t)ldb * 32) {
      _tile_loadd(4, A + 2 * p, lda * 2); _tile_loadd(5, lower + 2 * p, lda * 2);
      _tile_loadd(6, b, ldb * 4); _tile_loadd(7, b + 32, ldb * 4);
      _tile_dpbf16ps(0, 4, 6); _tile_dpbf16ps(1, 4, 7); _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c0, ldc * 4); _tile_stored(1, c0 + 16, ldc * 4); _tile_stored(2, c1, ldc * 4); _tile_stored(3, c1 + 16, ldc * 4);
  }
  memory_is_used();
}
#else
struct Tiles {};

static void gemm(int N, int kp, const bf16* A, int lda, const bf16* B, int ldb, float* C, int ldc, Into into = Into::EMPTY) {
  for (int j = 0; j < N; j += 32)
    for (int i = 0; i < 32; i += 8) {
      __m512 c0[8], c1[8];
      for (int r = 0; r < 8; r++) {
        const float* c = C + (size_t)(i + r) * ldc + j;
        c0[r] = into == Into::SUM ? _mm512_loadu_ps(c) : _mm512_setzero_ps();
        c1[r] = into == Into::SUM ? _mm512_loadu_ps(c + 16) : _mm512_setzero_ps();
      }
      const bf16 *b = B + (size_t)j * 2, *a = A + (size_t)i * lda;
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
        float* c = C + (size_t)(i + r) * ldc + j;
        _mm512_storeu_ps(c, c0[r]); _mm512_storeu_ps(c + 16, c1[r]);
      }
    }
}
#endif

// pack rows as N (B = X^T): out[p][n] = (X[n][2p], X[n][2p+1]);  X [n_rows, K]
static void pack_t(const bf16* X, int rows, int K, bf16* out) {
  for (int p = 0; p < K / 2; p++)
    for (int n = 0; n < rows; n++) ((int*)out)[(size_t)p * rows + n] = *(const int*)(X + (size_t)n * K + 2 * p);
}
// pack rows as K (B = X): out[p][n] = (X[2p][n], X[2p+1][n]);  N % 16 == 0
static void pack_n(const bf16* X, int ldx, int rows, int N, bf16* out, int ldo) {
  for (int p = 0; p < rows / 2; p++) {
    const bf16 *even = X + (size_t)(2 * p) * ldx, *odd = even + ldx;
    bf16* o = out + (size_t)p * ldo * 2;
    for (int n = 0; n < N; n += 16) {
      __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(even + n)));
      __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(odd + n)));
      _mm512_storeu_si512(o + 2 * n, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
  }
}
// out[k][n] = X[n][k];  X [rows, K]
static void transpose(const bf16* X, int rows, int K, bf16* out) {
  for (int k = 0; k < K; k++)
    for (int n = 0; n < rows; n++) out[(size_t)k * rows + n] = X[(size_t)n * K + k];
}

// Sixteen floats at a time, kept in memory as bf16.
#pragma once
#include <immintrin.h>
#include <cstdint>
#include <cstring>
#include <vector>

typedef uint16_t bf16;

static inline __m512 ld(const bf16* p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)), 16)); }
static inline void st(bf16* p, __m512 v) { _mm256_storeu_si256((__m256i*)p, (__m256i)_mm512_cvtneps_pbh(v)); }
// low and high by turns
static inline void st_pairs(bf16* p, __m512 low, __m512 high) {
  __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low)), h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
  _mm512_storeu_si512(p, _mm512_or_si512(l, _mm512_slli_epi32(h, 16)));
}
static inline __m512 vexp(__m512 x) {
  x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(88.f)), _mm512_set1_ps(-87.f));
  __m512 t = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f));
  __m512 n = _mm512_roundscale_ps(t, 0);
  __m512 f = _mm512_sub_ps(t, n);  // [-.5,.5]
  __m512 p = _mm512_set1_ps(1.3333558e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(p, n);
}


// Scratch memory, aligned to a cache line.
struct Buf { std::vector<char> m; template <class T> T* get(size_t n) { m.resize(n * sizeof(T) + 64); return (T*)(((uintptr_t)m.data() + 63) & ~(uintptr_t)63); } };


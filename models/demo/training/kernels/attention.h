// Causal attention with rotary positions, forward and backward: 32 queries at a time, nothing kept but the output.
#pragma once
#include <torch/extension.h>
#include <ATen/Parallel.h>
#include "gemm.h"
using torch::Tensor;

static const int ROWS = 32;

// Pairs of neighbours are turned, sixteen at a time; hd % 32 == 0.
static void rope_row(const bf16* x, const float* cs, const float* sn, int hd, bf16* o) {
  for (int d = 0; d < hd / 2; d += 16) {
    __m512i pairs = _mm512_loadu_si512(x + 2 * d);
    __m512 a = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    __m512 b = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(0xffff0000)));
    __m512 c = _mm512_loadu_ps(cs + d), s = _mm512_loadu_ps(sn + d);
    st_pairs(o + 2 * d, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)), _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c)));
  }
}
// The inverse rotation, of a gradient: value d is x[d * step].
static void unrope_row(const float* x, int step, const float* cs, const float* sn, int hd, bf16* o, float scale) {
  __m512i every_other = _mm512_mullo_epi32(_mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), _mm512_set1_epi32(step));
  __m512 by = _mm512_set1_ps(scale);
  for (int d = 0; d < hd / 2; d += 16) {
    const float* from = x + (size_t)2 * d * step;
    __m512 a = _mm512_mul_ps(_mm512_i32gather_ps(every_other, from, 4), by), b = _mm512_mul_ps(_mm512_i32gather_ps(every_other, from + step, 4), by);
    __m512 c = _mm512_loadu_ps(cs + d), s = _mm512_loadu_ps(sn + d);
    st_pairs(o + 2 * d, _mm512_fmadd_ps(a, c, _mm512_mul_ps(b, s)), _mm512_fmsub_ps(b, c, _mm512_mul_ps(a, s)));
  }
}
// P (bf16, 32 rows from i0 on, n = i0 + 32 columns, zero where later) of the scores S, which it destroys.
static void probabilities(int i0, int n, int ld_, float scale, float* S, bf16* P) {
  for (int r = 0; r < ROWS; r++) {
    float* s = S + (size_t)r * ld_;
    bf16* p = P + (size_t)r * ld_;
    for (int j = i0 + r + 1; j < n; j++) s[j] = -1e30f;
    __m512 most = _mm512_loadu_ps(s), sum = _mm512_setzero_ps();
    for (int j = 16; j < n; j += 16) most = _mm512_max_ps(most, _mm512_loadu_ps(s + j));
    __m512 m = _mm512_set1_ps(_mm512_reduce_max_ps(most)), sc = _mm512_set1_ps(scale);
    for (int j = 0; j < n; j += 16) {
      __m512 e = vexp(_mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(s + j), m), sc));
      sum = _mm512_add_ps(sum, e);
      _mm512_storeu_ps(s + j, e);
    }
    __m512 share = _mm512_set1_ps(1.f / _mm512_reduce_add_ps(sum));
    for (int j = 0; j < n; j += 16) st(p + j, _mm512_mul_ps(_mm512_loadu_ps(s + j), share));
    // exp(-87) is not quite nothing.
    for (int j = i0 + r + 1; j < n; j++) p[j] = 0;
  }
}

// qkv [B,T,3,H,hd] bf16 -> out [B,T,H,hd] bf16; T and hd % 32 == 0.  cos/sin fp32 [T, hd/2]
Tensor attention_forward(Tensor qkv, Tensor cos, Tensor sin) {
  int B = qkv.size(0), T = qkv.size(1), H = qkv.size(3), hd = qkv.size(4);
  auto out = torch::empty({B, T, H, hd}, qkv.options());
  const bf16* X = (const bf16*)qkv.data_ptr(); bf16* O = (bf16*)out.data_ptr();
  const float *cs = cos.data_ptr<float>(), *sn = sin.data_ptr<float>();
  float scale = 1.f / std::sqrt((float)hd);
  at::parallel_for(0, B * H, 1, [&](int64_t lo, int64_t hi) {
    Tiles tiles;
    Buf bq, bk, bv, bkt, bvp, bs, bp, bo;
    size_t size = (size_t)T * hd;
    bf16 *q = bq.get<bf16>(size), *k = bk.get<bf16>(size), *v = bv.get<bf16>(size), *kt = bkt.get<bf16>(size), *vp = bvp.get<bf16>(size), *P = bp.get<bf16>((size_t)ROWS * T);
    float *S = bs.get<float>((size_t)ROWS * T), *o = bo.get<float>(ROWS * hd);
    for (int64_t z = lo; z < hi; z++) {
      int b = z / H, h = z % H;
      for (int t = 0; t < T; t++) {
        const bf16* x = X + (((size_t)b * T + t) * 3 * H + h) * hd;
        rope_row(x, cs + t * (hd / 2), sn + t * (hd / 2), hd, q + (size_t)t * hd);
        rope_row(x + (size_t)H * hd, cs + t * (hd / 2), sn + t * (hd / 2), hd, k + (size_t)t * hd);
        memcpy(v + (size_t)t * hd, x + (size_t)2 * H * hd, hd * 2);
      }
      pack_t(k, T, hd, kt); pack_n(v, hd, T, hd, vp, hd);
      for (int i0 = 0; i0 < T; i0 += ROWS) {
        int n = i0 + ROWS;
        gemm(n, hd / 2, q + (size_t)i0 * hd, hd, kt, T, S, T);
        probabilities(i0, n, T, scale, S, P);
        gemm(hd, n / 2, P, T, vp, hd, o, hd);
        for (int r = 0; r < ROWS; r++) {
          bf16* d = O + (((size_t)b * T + i0 + r) * H + h) * hd;
          for (int j = 0; j < hd; j += 16) st(d + j, _mm512_loadu_ps(o + r * hd + j));
        }
      }
    }
  });
  return out;
}

// One head's inputs, as the products of the backward pass want them.
struct Head {
  Buf m1, m2, m3, m4, m5, m6, m7, m8, m9;
  bf16 *q, *k, *v, *go, *kt, *vt, *kn, *qt, *got;
  explicit Head(size_t n) : q(m1.get<bf16>(n)), k(m2.get<bf16>(n)), v(m3.get<bf16>(n)), go(m4.get<bf16>(n)), kt(m5.get<bf16>(n)),
                            vt(m6.get<bf16>(n)), kn(m7.get<bf16>(n)), qt(m8.get<bf16>(n)), got(m9.get<bf16>(n)) {}
};

// DS = P * (dP - sum of output times its gradient), row by row
static void score_gradients(int n, int ld_, int hd, int step, const bf16* go, const bf16* O, const bf16* P, const float* dP, bf16* DS) {
  for (int r = 0; r < ROWS; r++) {
    const bf16 *g = go + (size_t)r * hd, *o = O + (size_t)r * step, *p = P + (size_t)r * ld_;
    const float* s = dP + (size_t)r * ld_;
    bf16* ds = DS + (size_t)r * ld_;
    __m512 sum = _mm512_setzero_ps();
    for (int d = 0; d < hd; d += 16) sum = _mm512_fmadd_ps(ld(g + d), ld(o + d), sum);
    __m512 delta = _mm512_set1_ps(_mm512_reduce_add_ps(sum));
    for (int j = 0; j < n; j += 16) st(ds + j, _mm512_mul_ps(ld(p + j), _mm512_sub_ps(_mm512_loadu_ps(s + j), delta)));
  }
}

Tensor attention_backward(Tensor gout, Tensor qkv, Tensor out, Tensor cos, Tensor sin) {
  int B = qkv.size(0), T = qkv.size(1), H = qkv.size(3), hd = qkv.size(4);
  auto gqkv = torch::empty_like(qkv);
  const bf16 *X = (const bf16*)qkv.data_ptr(), *GO = (const bf16*)gout.data_ptr(), *O = (const bf16*)out.data_ptr(); bf16* G = (bf16*)gqkv.data_ptr();
  const float *cs = cos.data_ptr<float>(), *sn = sin.data_ptr<float>();
  float scale = 1.f / std::sqrt((float)hd);
  at::parallel_for(0, B * H, 1, [&](int64_t lo, int64_t hi) {
    Tiles tiles;
    Head in((size_t)T * hd);
    Buf bs, bp, bd, bpp, bdp, bq, bdk, bdv;
    size_t strip = (size_t)ROWS * T;
    float *S = bs.get<float>(strip), *dQ = bq.get<float>(ROWS * hd), *dKt = bdk.get<float>((size_t)hd * T), *dVt = bdv.get<float>((size_t)hd * T);
    bf16 *P = bp.get<bf16>(strip), *DS = bd.get<bf16>(strip), *Pn = bpp.get<bf16>(strip), *DSn = bdp.get<bf16>(strip);
    for (int64_t z = lo; z < hi; z++) {
      int b = z / H, h = z % H;
      for (int t = 0; t < T; t++) {
        const bf16* x = X + (((size_t)b * T + t) * 3 * H + h) * hd;
        rope_row(x, cs + t * (hd / 2), sn + t * (hd / 2), hd, in.q + (size_t)t * hd);
        rope_row(x + (size_t)H * hd, cs + t * (hd / 2), sn + t * (hd / 2), hd, in.k + (size_t)t * hd);
        memcpy(in.v + (size_t)t * hd, x + (size_t)2 * H * hd, hd * 2);
        memcpy(in.go + (size_t)t * hd, GO + (((size_t)b * T + t) * H + h) * hd, hd * 2);
      }
      pack_t(in.k, T, hd, in.kt); pack_t(in.v, T, hd, in.vt); pack_n(in.k, hd, T, hd, in.kn, hd);
      transpose(in.q, T, hd, in.qt); transpose(in.go, T, hd, in.got);
      memset(dKt, 0, sizeof(float) * hd * T); memset(dVt, 0, sizeof(float) * hd * T);
      for (int i0 = 0; i0 < T; i0 += ROWS) {
        int n = i0 + ROWS;
        const bf16* go = in.go + (size_t)i0 * hd;
        gemm(n, hd / 2, in.q + (size_t)i0 * hd, hd, in.kt, T, S, T);
        probabilities(i0, n, T, scale, S, P);
        gemm(n, hd / 2, go, hd, in.vt, T, S, T);  // dP
        score_gradients(n, T, hd, H * hd, go, O + (((size_t)b * T + i0) * H + h) * hd, P, S, DS);
        gemm(hd, n / 2, DS, T, in.kn, hd, dQ, hd);
        pack_n(P, T, ROWS, n, Pn, T); pack_n(DS, T, ROWS, n, DSn, T);
        for (int d = 0; d < hd; d += ROWS) {
          size_t at = (size_t)d * T;
          gemm(n, ROWS / 2, in.got + at + i0, T, Pn, T, dVt + at, T, Into::SUM);
          gemm(n, ROWS / 2, in.qt + at + i0, T, DSn, T, dKt + at, T, Into::SUM);
        }
        for (int r = 0; r < ROWS; r++) {
          int t = i0 + r;
          unrope_row(dQ + r * hd, 1, cs + t * (hd / 2), sn + t * (hd / 2), hd, G + (((size_t)b * T + t) * 3 * H + h) * hd, scale);
        }
      }
      __m512i column = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(T));
      for (int t = 0; t < T; t++) {
        bf16* g = G + (((size_t)b * T + t) * 3 * H + h) * hd;
        unrope_row(dKt + t, T, cs + t * (hd / 2), sn + t * (hd / 2), hd, g + (size_t)H * hd, scale);
        for (int d = 0; d < hd; d += 16) st(g + (size_t)2 * H * hd + d, _mm512_i32gather_ps(column, dVt + (size_t)d * T + t, 4));
      }
    }
  });
  return gqkv;
}

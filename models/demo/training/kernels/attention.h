// Causal attention with rotary positions, forward and backward.
#pragma once
#include <torch/extension.h>
#include <ATen/Parallel.h>
#include "gemm.h"
using torch::Tensor;

static void rope_row(const bf16* x, const float* cs, const float* sn, int hd, bf16* o, float sgn) {
  for (int d = 0; d < hd; d += 2) {
    float a = b2f(x[d]), b = b2f(x[d + 1]), c = cs[d / 2], s = sn[d / 2] * sgn;
    o[d] = f2b(a * c - b * s); o[d + 1] = f2b(a * s + b * c);
  }
}
static void rope_row_f(const float* x, const float* cs, const float* sn, int hd, bf16* o, float scale) {  // inverse rotation, from fp32
  for (int d = 0; d < hd; d += 2) {
    float a = x[d] * scale, b = x[d + 1] * scale, c = cs[d / 2], s = -sn[d / 2];
    o[d] = f2b(a * c - b * s); o[d + 1] = f2b(a * s + b * c);
  }
}
// P (bf16, TxT, lower triangle, zero padded to 32 columns) and lse from q,k
static void probs(int T, int hd, float scale, const bf16* q, const bf16* kT, float* S, bf16* P, float* rs) {
  for (int i0 = 0; i0 < T; i0 += 8) {
    int n = (i0 / 32 + 1) * 32;
    gemm(8, n, hd / 2, q + (size_t)i0 * hd, hd, kT, T, S, T);
    for (int r = 0; r < 8; r++) {
      int i = i0 + r; float* s = S + (size_t)r * T;
      for (int j = i + 1; j < n; j++) s[j] = -1e30f;
      __m512 mx = _mm512_set1_ps(-1e30f);
      for (int j = 0; j < n; j += 16) mx = _mm512_max_ps(mx, _mm512_loadu_ps(s + j));
      float m = _mm512_reduce_max_ps(mx);
      __m512 mv = _mm512_set1_ps(m), sc = _mm512_set1_ps(scale), sum = _mm512_setzero_ps();
      for (int j = 0; j < n; j += 16) {
        __m512 v = _mm512_loadu_ps(s + j);
        __mmask16 ok = _mm512_cmp_ps_mask(v, _mm512_set1_ps(-1e29f), _CMP_GT_OQ);
        __m512 e = _mm512_maskz_mov_ps(ok, vexp(_mm512_mul_ps(_mm512_sub_ps(v, mv), sc)));
        sum = _mm512_add_ps(sum, e);
        _mm512_storeu_ps(s + j, e);
      }
      __m512 iv = _mm512_set1_ps(1.f / _mm512_reduce_add_ps(sum));
      bf16* p = P + (size_t)i * T;
      for (int j = 0; j < n; j += 16) st(p + j, _mm512_mul_ps(_mm512_loadu_ps(s + j), iv));
    }
  }
}

// qkv [B,T,3,H,hd] bf16 -> out [B,T,H,hd] bf16.  cos/sin fp32 [T, hd/2]
Tensor attention_forward(Tensor qkv, Tensor cos, Tensor sin) {
  int B = qkv.size(0), T = qkv.size(1), H = qkv.size(3), hd = qkv.size(4);
  auto out = torch::empty({B, T, H, hd}, qkv.options());
  const bf16* X = (const bf16*)qkv.data_ptr(); bf16* O = (bf16*)out.data_ptr();
  const float *cs = cos.data_ptr<float>(), *sn = sin.data_ptr<float>();
  float scale = 1.f / std::sqrt((float)hd);
  at::parallel_for(0, B * H, 1, [&](int64_t lo, int64_t hi) {
    Buf bq, bk, bv, bkt, bvp, bs, bp, bo;
    bf16 *q = bq.get<bf16>(T * hd), *k = bk.get<bf16>(T * hd), *v = bv.get<bf16>(T * hd), *kt = bkt.get<bf16>(T * hd), *vp = bvp.get<bf16>(T * hd), *P = bp.get<bf16>((size_t)T * T);
    float *S = bs.get<float>(8 * T), *o = bo.get<float>(8 * hd);
    for (int64_t z = lo; z < hi; z++) {
      int b = z / H, h = z % H;
      for (int t = 0; t < T; t++) {
        const bf16* x = X + (((size_t)b * T + t) * 3 * H + h) * hd;
        rope_row(x, cs + t * (hd / 2), sn + t * (hd / 2), hd, q + (size_t)t * hd, 1);
        rope_row(x + (size_t)H * hd, cs + t * (hd / 2), sn + t * (hd / 2), hd, k + (size_t)t * hd, 1);
        memcpy(v + (size_t)t * hd, x + (size_t)2 * H * hd, hd * 2);
      }
      pack_t(k, T, hd, kt); pack_n(v, T, hd, vp);
      probs(T, hd, scale, q, kt, S, P, nullptr);
      for (int i = 0; i < T; i += 8) {
        int n = (i / 32 + 1) * 32;
        gemm(8, hd, n / 2, P + (size_t)i * T, T, vp, hd, o, hd);
        for (int r = 0; r < 8; r++) { bf16* d = O + (((size_t)b * T + i + r) * H + h) * hd; for (int j = 0; j < hd; j += 16) st(d + j, _mm512_loadu_ps(o + r * hd + j)); }
      }
    }
  });
  return out;
}

Tensor attention_backward(Tensor gout, Tensor qkv, Tensor out, Tensor cos, Tensor sin) {
  int B = qkv.size(0), T = qkv.size(1), H = qkv.size(3), hd = qkv.size(4);
  auto gqkv = torch::empty_like(qkv);
  const bf16 *X = (const bf16*)qkv.data_ptr(), *GO = (const bf16*)gout.data_ptr(), *O = (const bf16*)out.data_ptr(); bf16* G = (bf16*)gqkv.data_ptr();
  const float *cs = cos.data_ptr<float>(), *sn = sin.data_ptr<float>();
  float scale = 1.f / std::sqrt((float)hd);
  at::parallel_for(0, B * H, 1, [&](int64_t lo, int64_t hi) {
    Buf b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14;
    size_t n1 = (size_t)T * hd;
    bf16 *q = b1.get<bf16>(n1), *k = b2.get<bf16>(n1), *v = b3.get<bf16>(n1), *go = b4.get<bf16>(n1), *kt = b5.get<bf16>(n1), *vt = b6.get<bf16>(n1),
         *kn = b7.get<bf16>(n1), *qn = b8.get<bf16>(n1), *gn = b9.get<bf16>(n1), *P = b10.get<bf16>((size_t)T * T), *PT = b11.get<bf16>((size_t)T * T), *DT = b12.get<bf16>((size_t)T * T);
    float *S = b13.get<float>(8 * T), *o = b14.get<float>(8 * hd);
    std::vector<bf16> dsrow((size_t)8 * T);
    for (int64_t z = lo; z < hi; z++) {
      int b = z / H, h = z % H;
      for (int t = 0; t < T; t++) {
        const bf16* x = X + (((size_t)b * T + t) * 3 * H + h) * hd;
        rope_row(x, cs + t * (hd / 2), sn + t * (hd / 2), hd, q + (size_t)t * hd, 1);
        rope_row(x + (size_t)H * hd, cs + t * (hd / 2), sn + t * (hd / 2), hd, k + (size_t)t * hd, 1);
        memcpy(v + (size_t)t * hd, x + (size_t)2 * H * hd, hd * 2);
        memcpy(go + (size_t)t * hd, GO + (((size_t)b * T + t) * H + h) * hd, hd * 2);
      }
      pack_t(k, T, hd, kt); pack_t(v, T, hd, vt); pack_n(k, T, hd, kn); pack_n(q, T, hd, qn); pack_n(go, T, hd, gn);
      probs(T, hd, scale, q, kt, S, P, nullptr);
      for (int i0 = 0; i0 < T; i0 += 8) {
        int n = (i0 / 32 + 1) * 32;
        gemm(8, n, hd / 2, go + (size_t)i0 * hd, hd, vt, T, S, T);  // dP
        for (int r = 0; r < 8; r++) {
          int i = i0 + r; float* s = S + (size_t)r * T; const bf16* p = P + (size_t)i * T; bf16* ds = dsrow.data() + (size_t)r * T;
          const bf16 *gr = go + (size_t)i * hd, *orow = O + (((size_t)b * T + i) * H + h) * hd;
          __m512 acc = _mm512_setzero_ps();
          for (int d = 0; d < hd; d += 16) acc = _mm512_fmadd_ps(ld(gr + d), ld(orow + d), acc);
          __m512 del = _mm512_set1_ps(_mm512_reduce_add_ps(acc));
          for (int j = 0; j < n; j += 16) st(ds + j, _mm512_mul_ps(ld(p + j), _mm512_sub_ps(_mm512_loadu_ps(s + j), del)));
        }
        gemm(8, hd, n / 2, dsrow.data(), T, kn, hd, o, hd);  // dQ
        for (int r = 0; r < 8; r++) { int t = i0 + r; rope_row_f(o + r * hd, cs + t * (hd / 2), sn + t * (hd / 2), hd, G + (((size_t)b * T + t) * 3 * H + h) * hd, scale); }
        // transposes (8 columns at a time): PT[j][i0..], DT[j][i0..]
        for (int j = 0; j < n; j++) {
          bf16 *a = PT + (size_t)j * T + i0, *c = DT + (size_t)j * T + i0;
          for (int r = 0; r < 8; r++) { a[r] = P[(size_t)(i0 + r) * T + j]; c[r] = dsrow[(size_t)r * T + j]; }
        }
      }
      for (int j0 = 0; j0 < T; j0 += 8) {
        int i0 = j0 / 32 * 32, kp = (T - i0) / 2;  // only rows i >= j contribute
        gemm(8, hd, kp, DT + (size_t)j0 * T + i0, T, qn + (size_t)i0 * hd, hd, o, hd);  // dK
        for (int r = 0; r < 8; r++) { int t = j0 + r; rope_row_f(o + r * hd, cs + t * (hd / 2), sn + t * (hd / 2), hd, G + (((size_t)b * T + t) * 3 * H + H + h) * hd, scale); }
        gemm(8, hd, kp, PT + (size_t)j0 * T + i0, T, gn + (size_t)i0 * hd, hd, o, hd);  // dV
        for (int r = 0; r < 8; r++) { bf16* d = G + (((size_t)b * T + j0 + r) * 3 * H + 2 * H + h) * hd; for (int x = 0; x < hd; x += 16) st(d + x, _mm512_loadu_ps(o + r * hd + x)); }
      }
    }
  });
  return gqkv;
}


// RMSNorm and SwiGLU, forward and backward.
#pragma once
#include <torch/extension.h>
#include <ATen/Parallel.h>
#include "simd.h"
using torch::Tensor;

// x fp32 [N,D], added bf16 [N,D] -> their sum (fp32), its norm (bf16), one over its length (fp32 [N])
std::vector<Tensor> norm_forward(Tensor x, Tensor added, Tensor w, double eps) {
  int64_t D = x.size(-1), N = x.numel() / D;
  auto sum = torch::empty_like(x), y = torch::empty_like(added), r = torch::empty({N}, x.options());
  const float *X = x.data_ptr<float>(), *W = w.data_ptr<float>(); const bf16* A = (const bf16*)added.data_ptr();
  float *U = sum.data_ptr<float>(), *R = r.data_ptr<float>(); bf16* Y = (bf16*)y.data_ptr();
  at::parallel_for(0, N, 256, [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; i++) {
      float* u = U + i * D; __m512 s = _mm512_setzero_ps();
      for (int d = 0; d < D; d += 16) {
        __m512 v = _mm512_add_ps(_mm512_loadu_ps(X + i * D + d), ld(A + i * D + d));
        _mm512_storeu_ps(u + d, v);
        s = _mm512_fmadd_ps(v, v, s);
      }
      float q = 1.f / std::sqrt(_mm512_reduce_add_ps(s) / D + (float)eps); R[i] = q; __m512 qv = _mm512_set1_ps(q);
      for (int d = 0; d < D; d += 16) st(Y + i * D + d, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(u + d), qv), _mm512_loadu_ps(W + d)));
    }
  });
  return {sum, y, r};
}
// gsum fp32 and g bf16: gradients of the sum and of its norm -> gradients of x (fp32), added (bf16) and the weight
std::vector<Tensor> norm_backward(Tensor gsum, Tensor g, Tensor sum, Tensor w, Tensor r) {
  int64_t D = sum.size(-1), N = sum.numel() / D; int nt = at::get_num_threads();
  auto gx = torch::empty_like(sum), gadded = torch::empty_like(g), gw = torch::zeros({nt, D}, sum.options());
  const bf16* Gp = (const bf16*)g.data_ptr(); const float *GS = gsum.data_ptr<float>(), *X = sum.data_ptr<float>(), *W = w.data_ptr<float>(), *R = r.data_ptr<float>();
  float* GX = gx.data_ptr<float>(); bf16* GA = (bf16*)gadded.data_ptr();
  at::parallel_for(0, nt, 1, [&](int64_t tl, int64_t th) { for (int64_t t = tl; t < th; t++) {
    float* gwp = gw.data_ptr<float>() + t * D;
    for (int64_t i = N * t / nt; i < N * (t + 1) / nt; i++) {
      const float* a = X + i * D; const bf16* gr = Gp + i * D; __m512 q = _mm512_set1_ps(R[i]), s = _mm512_setzero_ps();
      for (int d = 0; d < D; d += 16) {
        __m512 xh = _mm512_mul_ps(_mm512_loadu_ps(a + d), q), gg = ld(gr + d);
        _mm512_storeu_ps(gwp + d, _mm512_fmadd_ps(gg, xh, _mm512_loadu_ps(gwp + d)));
        s = _mm512_fmadd_ps(_mm512_mul_ps(gg, _mm512_loadu_ps(W + d)), xh, s);
      }
      __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(s) / D);
      for (int d = 0; d < D; d += 16) {
        __m512 xh = _mm512_mul_ps(_mm512_loadu_ps(a + d), q), gg = _mm512_mul_ps(ld(gr + d), _mm512_loadu_ps(W + d));
        __m512 made = _mm512_fmadd_ps(_mm512_fnmadd_ps(xh, mean, gg), q, _mm512_loadu_ps(GS + i * D + d));
        _mm512_storeu_ps(GX + i * D + d, made); st(GA + i * D + d, made);
      }
    } } });
  return {gx, gadded, gw.sum(0)};
}
Tensor swiglu_forward(Tensor gu) {
  int64_t F2 = gu.size(-1), F = F2 / 2, N = gu.numel() / F2; auto sz = gu.sizes().vec(); sz.back() = F;
  auto y = torch::empty(sz, gu.options()); const bf16* X = (const bf16*)gu.data_ptr(); bf16* Y = (bf16*)y.data_ptr();
  at::parallel_for(0, N, 256, [&](int64_t lo, int64_t hi) { for (int64_t i = lo; i < hi; i++) for (int d = 0; d < F; d += 16) {
    __m512 g = ld(X + i * F2 + d), u = ld(X + i * F2 + F + d);
    __m512 s = _mm512_div_ps(_mm512_set1_ps(1.f), _mm512_add_ps(_mm512_set1_ps(1.f), vexp(_mm512_sub_ps(_mm512_setzero_ps(), g))));
    st(Y + i * F + d, _mm512_mul_ps(_mm512_mul_ps(g, s), u)); } });
  return y;
}
Tensor swiglu_backward(Tensor go, Tensor gu) {
  int64_t F2 = gu.size(-1), F = F2 / 2, N = gu.numel() / F2; auto y = torch::empty_like(gu);
  const bf16 *X = (const bf16*)gu.data_ptr(), *GO = (const bf16*)go.data_ptr(); bf16* Y = (bf16*)y.data_ptr();
  at::parallel_for(0, N, 256, [&](int64_t lo, int64_t hi) { for (int64_t i = lo; i < hi; i++) for (int d = 0; d < F; d += 16) {
    __m512 g = ld(X + i * F2 + d), u = ld(X + i * F2 + F + d), o = ld(GO + i * F + d), one = _mm512_set1_ps(1.f);
    __m512 s = _mm512_div_ps(one, _mm512_add_ps(one, vexp(_mm512_sub_ps(_mm512_setzero_ps(), g))));
    __m512 gs = _mm512_mul_ps(g, s);
    st(Y + i * F2 + F + d, _mm512_mul_ps(o, gs));
    st(Y + i * F2 + d, _mm512_mul_ps(_mm512_mul_ps(o, u), _mm512_mul_ps(s, _mm512_add_ps(one, _mm512_sub_ps(g, gs))))); } });
  return y;
}

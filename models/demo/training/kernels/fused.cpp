// Training kernels for CPUs with AVX-512 BF16. In PyTorch 1.13 these operations cost more than all the
// large matrix products together. `python3 -m training.checks` compares them with the plain ones.
#include "attention.h"
#include "elementwise.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("attention_forward", &attention_forward); m.def("attention_backward", &attention_backward); m.def("norm_forward", &norm_forward); m.def("norm_backward", &norm_backward);
  m.def("swiglu_forward", &swiglu_forward); m.def("swiglu_backward", &swiglu_backward);
}

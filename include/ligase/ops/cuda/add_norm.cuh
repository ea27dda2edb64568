#pragma once

#include <ligase/ops/add_norm.hpp>
#include <ligase/ops/cuda/norm.cuh>

/// The norm's kernels with a second summand in front of them, and a second gradient behind. An exchange of strands is the
/// place where rows are read from, or where their gradients are written to.
namespace ligase::inline LIGASE_ISA::device {
namespace norm_cuda {

template <class T>
kernels::StrandView view_of(const Tensor<T, cuda>& x, bool exchange) {
  if (!exchange) return {};
  return {true, x.size(0) / 2, x.size(1)};
}

}  // namespace norm_cuda

template <class T>
void add_norm_forward(Context<cuda>&, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, bool exchange,
                      const Tensor<wide_t<T>, cuda>& weight, const Tensor<wide_t<T>, cuda>& bias, wide_t<T> eps,
                      bool rms, Tensor<T, cuda>& sum, Tensor<T, cuda>& y, Tensor<wide_t<T>, cuda>& inverse,
                      Tensor<wide_t<T>, cuda>& mean) {
  const Index width = weight.count();
  const bool same = b.empty() && !exchange;
  norm_cuda::forward<T>({.x = a.data(),
                         .other = b.data(),
                         .weight = weight.data(),
                         .bias = rms ? nullptr : bias.data(),
                         .rows = a.count() / width,
                         .width = width,
                         .eps = eps,
                         .view = norm_cuda::view_of(a, exchange),
                         .centered = !rms,
                         .access = 1,
                         .sum = same ? nullptr : sum.data(),
                         .y = y.data(),
                         .inverse = inverse.data(),
                         .mean = mean.data()});
}

template <class T>
void add_norm_backward(Context<cuda>& context, const Tensor<T, cuda>& dy, const Tensor<T, cuda>& dsum,
                       const Tensor<T, cuda>& sum, const Tensor<wide_t<T>, cuda>& weight,
                       const Tensor<wide_t<T>, cuda>& inverse, const Tensor<wide_t<T>, cuda>& mean, bool exchange,
                       Tensor<T, cuda>& dx, Tensor<wide_t<T>, cuda>& dweight, Tensor<wide_t<T>, cuda>& dbias) {
  const Index width = weight.count();
  norm_cuda::backward<T>(context,
                         {.dy = dy.data(),
                          .x = sum.data(),
                          .other = dsum.data(),
                          .weight = weight.data(),
                          .inverse = inverse.data(),
                          .mean = mean.data(),
                          .rows = sum.count() / width,
                          .width = width,
                          .view = norm_cuda::view_of(dx, exchange),
                          .centered = !mean.empty(),
                          .access = 1,
                          .dx = dx.data(),
                          .dweight = nullptr,
                          .dbias = nullptr},
                         dweight, dbias);
}

}  // namespace ligase::inline LIGASE_ISA::device

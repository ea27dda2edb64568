#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

/// Nothing is computed on `meta`: shapes are checked and allocations counted by the callers.
namespace ligase::inline LIGASE_ISA::device {

template <class F>
void for_each(Context<meta>&, Index, F) {}
template <class F>
void for_rows(Context<meta>&, Index, F) {}
template <class T>
void gemm_nt(Context<meta>&, Index, const Tensor<T, meta>&, const Tensor<T, meta>&, Tensor<T, meta>&) {}
template <class T>
void gemm_nn(Context<meta>&, Index, const Tensor<T, meta>&, const Tensor<T, meta>&, Tensor<T, meta>&) {}
template <class T>
void gemm_tn_add(Context<meta>&, const Tensor<T, meta>&, const Tensor<T, meta>&, Tensor<wide_t<T>, meta>&) {}

}  // namespace ligase::inline LIGASE_ISA::device

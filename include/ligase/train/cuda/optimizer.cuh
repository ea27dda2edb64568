#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/cuda/rows.cuh>
#include <ligase/train/optimizer.hpp>

#include <cmath>

/// What a training step does to all parameters at once, each in one launch over the parts of a ParameterTable: a block has one
/// part of at most 4096 elements, a thread its quads t, t + 256, ...
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int part_threads = block_threads;

template <class T>
__global__ void __launch_bounds__(part_threads) zero_gradients(const ParameterSpan<T>* parts) {
  const ParameterSpan<T> p = parts[blockIdx.x];
  const int access = quad_access(p.count, p.gradient);
  const T zero[quad] = {};
  for (Index i = static_cast<Index>(threadIdx.x) * quad; i < p.count; i += part_threads * quad)
    store_quad(p.gradient + i, p.count - i, access, zero);
}

template <class T>
__global__ void __launch_bounds__(part_threads) squares_of_parts(const ParameterSpan<T>* parts, double* squares) {
  const ParameterSpan<T> p = parts[blockIdx.x];
  const int access = quad_access(p.count, p.gradient);
  double sum[1] = {};
  for (Index i = static_cast<Index>(threadIdx.x) * quad; i < p.count; i += part_threads * quad) {
    wide_t<T> g[quad];
    load_quad(p.gradient + i, p.count - i, access, g);
#pragma unroll
    for (int e = 0; e < quad; ++e) sum[0] = math::fma(static_cast<double>(g[e]), static_cast<double>(g[e]), sum[0]);
  }
  block_sums(sum);
  if (threadIdx.x == 0) squares[blockIdx.x] = sum[0];
}

/// One block. A template only so that several files of a program may hold it.
template <class Scalars>
__global__ void __launch_bounds__(part_threads)
    norm_of_squares(const double* squares, Index n, const Scalars* scalars, double* result) {
  double sum[1] = {};
  for (Index i = threadIdx.x; i < n; i += part_threads) sum[0] += squares[i];
  block_sums(sum);
  if (threadIdx.x != 0) return;
  result[0] = sum[0];
  result[1] = std::sqrt(sum[0]) * (scalars ? scalars->scale : 1.0);
}

template <class T>
struct AdamWArguments {
  const ParameterSpan<T>* parts;
  AdamWConfig config;
  const StepScalars* scalars;
  const double *norm, *loss;  ///< of one number each, or null
};

template <class T>
__global__ void __launch_bounds__(part_threads) adamw(AdamWArguments<T> a) {
  if (a.norm && !std::isfinite(*a.norm)) return;
  if (a.loss && !std::isfinite(*a.loss)) return;
  const ParameterSpan<T> p = a.parts[blockIdx.x];
  const StepScalars s = *a.scalars;
  const AdamWElement<T> element(a.config, s, s.scale * (a.norm ? clip_coefficient(*a.norm, s.max_norm) : 1.0),
                                p.decays);
  const int access = quad_access(p.count, p.value, p.gradient, p.first, p.second);
#pragma unroll 2
  for (Index i = static_cast<Index>(threadIdx.x) * quad; i < p.count; i += part_threads * quad) {
    const Index count = p.count - i;
    T value[quad], gradient[quad], first[quad], second[quad];
    load_quad(p.value + i, count, access, value);
    load_quad(p.gradient + i, count, access, gradient);
    load_quad(p.first + i, count, access, first);
    load_quad(p.second + i, count, access, second);
#pragma unroll
    for (int e = 0; e < quad; ++e) element(value[e], first[e], second[e], gradient[e]);
    store_quad(p.value + i, count, access, value);
    store_quad(p.first + i, count, access, first);
    store_quad(p.second + i, count, access, second);
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {

template <class T>
void zero_gradients_all(Context<cuda>&, const ParameterTable<T, cuda>& table) {
  launch({.blocks = table.parts().count(), .threads = kernels::part_threads}, kernels::zero_gradients<T>,
         table.parts().data());
}

template <class T>
void gradient_norms(Context<cuda>&, const ParameterTable<T, cuda>& table, const Tensor<StepScalars, cuda>& scalars,
                    Tensor<double, cuda>& result) {
  constexpr Index shared = sizeof(kernels::BlockSums<1>);
  const Index parts = table.parts().count();
  Tensor<double, cuda> partial = table.partial();
  launch({.blocks = parts, .threads = kernels::part_threads, .shared_bytes = shared}, kernels::squares_of_parts<T>,
         table.parts().data(), partial.data());
  launch({.blocks = 1, .threads = kernels::part_threads, .shared_bytes = shared}, kernels::norm_of_squares<StepScalars>,
         partial.data(), parts, scalars.data(), result.data());
}

template <class T>
void adamw_update_all(Context<cuda>&, const ParameterTable<T, cuda>& table, const AdamWConfig& config,
                      const Tensor<StepScalars, cuda>& scalars, const Tensor<double, cuda>& norm,
                      const Tensor<double, cuda>& loss) {
  launch({.blocks = table.parts().count(), .threads = kernels::part_threads}, kernels::adamw<T>,
         kernels::AdamWArguments<T>{.parts = table.parts().data(),
                                    .config = config,
                                    .scalars = scalars.data(),
                                    .norm = norm.empty() ? nullptr : norm.data() + 1,
                                    .loss = loss.data()});
}

}  // namespace ligase::inline LIGASE_ISA::device

#pragma once

#include <ligase/ops/cuda/launch.cuh>
#include <ligase/ops/cuda/math.cuh>
#include <ligase/ops/cuda/rows.cuh>

/// The gate of the Mamba mixer, y silu(z) with y the sum of the directions; elementwise, four numbers per thread.
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int gate_threads = 256;

template <class T>
struct GateArguments {
  Index rows, channels;
  int access;
  const T *y, *other_y;  ///< [rows, E]; the second is added, or null
  const T* z;            ///< rows lie 2 E apart
  T *gated, *sum;        ///< [rows, E]; each may be one of the two above; `sum` may be null
};

template <class T>
__global__ void __launch_bounds__(gate_threads) gate_sum(GateArguments<T> a) {
  using W = wide_t<T>;
  const Index quads = blocks_of(a.channels, quad), i = static_cast<Index>(blockIdx.x) * gate_threads + threadIdx.x;
  const Index row = i / quads, e = i % quads * quad, at = row * a.channels + e;
  if (row >= a.rows) return;
  W y[quad], other[quad], z[quad];
  load_quad(a.y + at, a.channels - e, a.access, y);
  load_quad(a.z + row * 2 * a.channels + e, a.channels - e, a.access, z);
  if (a.other_y) load_quad(a.other_y + at, a.channels - e, a.access, other);
#pragma unroll
  for (int k = 0; k < quad; ++k) {
    if (a.other_y) y[k] += other[k];
    z[k] = y[k] * silu_approx(z[k]);
  }
  store_quad(a.gated + at, a.channels - e, a.access, z);
  if (a.sum) store_quad(a.sum + at, a.channels - e, a.access, y);
}

template <class T>
struct GateGradientArguments {
  Index rows, channels;
  int access;
  T* gated;  ///< [rows, E]: the gradient of y silu(z), becomes y silu(z)
  T* y;      ///< [rows, E]: becomes its gradient
  T* z;      ///< rows lie 2 E apart: becomes its gradient
};

template <class T>
__global__ void __launch_bounds__(gate_threads) gate_gradient(GateGradientArguments<T> a) {
  using W = wide_t<T>;
  const Index quads = blocks_of(a.channels, quad), i = static_cast<Index>(blockIdx.x) * gate_threads + threadIdx.x;
  const Index row = i / quads, e = i % quads * quad, at = row * a.channels + e, z_at = row * 2 * a.channels + e;
  if (row >= a.rows) return;
  W g[quad], y[quad], z[quad];
  load_quad(a.gated + at, a.channels - e, a.access, g);
  load_quad(a.y + at, a.channels - e, a.access, y);
  load_quad(a.z + z_at, a.channels - e, a.access, z);
#pragma unroll
  for (int k = 0; k < quad; ++k) {
    const W s = sigmoid_approx(z[k]), silu = z[k] * s, by_silu = g[k] * y[k];
    z[k] = by_silu * s * math::fma(z[k], W(1) - s, W(1));
    const W gated = y[k] * silu;
    y[k] = g[k] * silu;
    g[k] = gated;
  }
  store_quad(a.gated + at, a.channels - e, a.access, g);
  store_quad(a.y + at, a.channels - e, a.access, y);
  store_quad(a.z + z_at, a.channels - e, a.access, z);
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device::gate_cuda {

inline Grid grid(Index rows, Index channels) {
  return {.blocks = kernels::blocks_of(rows * kernels::blocks_of(channels, kernels::quad), kernels::gate_threads),
          .threads = kernels::gate_threads};
}

template <class T>
void sum_and_gate(kernels::GateArguments<T> a) {
  a.access = kernels::quad_access(a.channels, a.y, a.other_y, a.z, a.gated, a.sum);
  launch(grid(a.rows, a.channels), kernels::gate_sum<T>, a);
}
template <class T>
void gradient(kernels::GateGradientArguments<T> a) {
  a.access = kernels::quad_access(a.channels, a.gated, a.y, a.z);
  launch(grid(a.rows, a.channels), kernels::gate_gradient<T>, a);
}

}  // namespace ligase::inline LIGASE_ISA::device::gate_cuda

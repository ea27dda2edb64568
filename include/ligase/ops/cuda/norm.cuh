#pragma once

#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/cuda/strand_view.cuh>
#include <ligase/ops/cuda/sums.cuh>
#include <ligase/ops/norm.hpp>

/// Norms over channels, with the residual's sum in front where there is one.
///
/// One warp per row, eight rows at a time in a block. Lane k has the quads k, k + 32, ... of its row; sums go through a lane's
/// quads, then over the lanes, so their order depends on the width alone. Rows of up to 512 channels are read once, into
/// registers (template constant `Quads`, the quads of a lane); wider ones (Quads = 0) are read again for every pass, from
/// cache.
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int norm_warps = 8;
/// Rows of a block of the backward pass: its share in the gradients of the weights is one row of partial sums.
inline constexpr Index norm_tile = 32;

template <class T>
struct NormForwardArguments {
  using W = wide_t<T>;
  const T *x, *other;  ///< other: null, or added to x, and the sum is normalised
  const W *weight, *bias;
  Index rows, width;
  W eps;
  StrandView view;
  bool centered;  ///< LayerNorm
  int access;
  T *sum, *y;
  W *inverse, *mean;
};

template <class T>
struct NormBackwardArguments {
  using W = wide_t<T>;
  const T *dy, *x, *other;  ///< other: null, or added to dx
  const W *weight, *inverse, *mean;
  Index rows, width;
  StrandView view;
  bool centered;
  int access;
  T* dx;
  W *dweight, *dbias;  ///< [tiles, width], or null
};

template <class T, int Quads>
__global__ void __launch_bounds__(norm_warps* warp_lanes, sizeof(wide_t<T>) == 8 ? 2 : 4) norm_forward(NormForwardArguments<T> a) {
  using W = wide_t<T>;
  const Index row = static_cast<Index>(blockIdx.x) * norm_warps + threadIdx.x / warp_lanes;
  const int lane = static_cast<int>(threadIdx.x) % warp_lanes;
  if (row >= a.rows) return;
  const Index from = a.view.row(row) * a.width, to = row * a.width;
  const Index steps = Quads > 0 ? Quads : blocks_of(a.width, quad * warp_lanes);
  const auto column = [&](Index k) { return (k * warp_lanes + lane) * quad; };
  const auto read = [&](Index k, W(&v)[quad]) {
    const Index j = column(k);
    load_viewed(a.x + from, j, a.width, a.view.mirrored, a.access, v);
    if (a.other == nullptr) return;
    W second[quad];
    load_viewed(a.other + from, j, a.width, a.view.mirrored, a.access, second);
#pragma unroll
    for (int e = 0; e < quad; ++e) v[e] = static_cast<W>(static_cast<T>(v[e] + second[e]));
  };

  W kept[Quads > 0 ? Quads : 1][quad];
  if constexpr (Quads > 0) {
#pragma unroll
    for (int k = 0; k < Quads; ++k) read(k, kept[k]);
  }
  const auto take = [&](Index k, W(&v)[quad]) {
    if constexpr (Quads > 0) {
#pragma unroll
      for (int e = 0; e < quad; ++e) v[e] = kept[k][e];
    } else {
      read(k, v);
    }
  };

  const W n = static_cast<W>(a.width);
  W mean = W(0), squares = W(0);
  if (a.centered) {
#pragma unroll(Quads > 0 ? Quads : 1)
    for (Index k = 0; k < steps; ++k) {
      W v[quad];
      take(k, v);
      mean += (v[0] + v[1]) + (v[2] + v[3]);
    }
    mean = warp_sum(mean) / n;
  }
#pragma unroll(Quads > 0 ? Quads : 1)
  for (Index k = 0; k < steps; ++k) {
    W v[quad];
    take(k, v);
#pragma unroll
    for (int e = 0; e < quad; ++e) {
      const W d = column(k) + e < a.width ? v[e] - mean : W(0);
      squares = math::fma(d, d, squares);
    }
  }
  const W r = W(1) / std::sqrt(warp_sum(squares) / n + a.eps);
  if (lane == 0) {
    if (a.inverse) a.inverse[row] = r;
    if (a.mean) a.mean[row] = mean;
  }
#pragma unroll(Quads > 0 ? Quads : 1)
  for (Index k = 0; k < steps; ++k) {
    const Index j = column(k), count = a.width - j;
    if (count <= 0) break;
    W v[quad], weight[quad], bias[quad] = {};
    take(k, v);
    if (a.sum) store_quad(a.sum + to + j, count, a.access, v);
    load_quad(a.weight + j, count, a.access, weight);
    if (a.bias) load_quad(a.bias + j, count, a.access, bias);
#pragma unroll
    for (int e = 0; e < quad; ++e) v[e] = math::fma((v[e] - mean) * r, weight[e], bias[e]);
    store_quad(a.y + to + j, count, a.access, v);
  }
}

template <class W, int Quads>
struct NormShared {
  W part[norm_warps][(Quads > 0 ? Quads : 1) * warp_lanes * quad];
};

/// A block has norm_tile rows, warp w of it the rows w, w + 8, ...: dx, and the sums over these rows for the gradients of weight
/// and bias, in a lane's registers; then thread j adds up the eight warps' sums of column j through shared memory. With
/// Quads = 0 thread j goes through the tile's rows of column j, j + 256, ... instead.
/// With g = dy weight and h = (x - mean) inverse: dx = inverse (g - h mean(g h) - mean(g)); RMSNorm has neither mean.
template <class T, int Quads>
__global__ void __launch_bounds__(norm_warps* warp_lanes) norm_backward(NormBackwardArguments<T> a) {
  using W = wide_t<T>;
  constexpr int kept = Quads > 0 ? Quads : 1;
  const Index tile = blockIdx.x, begin = tile * norm_tile;
  const Index end = begin + norm_tile < a.rows ? begin + norm_tile : a.rows;
  const int warp = static_cast<int>(threadIdx.x) / warp_lanes, lane = static_cast<int>(threadIdx.x) % warp_lanes;
  const Index steps = Quads > 0 ? Quads : blocks_of(a.width, quad * warp_lanes);
  const auto column = [&](Index k) { return (k * warp_lanes + lane) * quad; };
  const W n = static_cast<W>(a.width);

  W by_weight[kept][quad] = {}, by_bias[kept][quad] = {};
  for (Index row = begin + warp; row < end; row += norm_warps) {
    const Index at = row * a.width, to = a.view.row(row) * a.width;
    const W r = a.inverse[row], mean = a.centered ? a.mean[row] : W(0);
    W dy[kept][quad], x[kept][quad];
    const auto read = [&](Index k, W(&g)[quad], W(&d)[quad]) {
      const Index j = column(k);
      load_quad(a.dy + at + j, a.width - j, a.access, g);
      load_quad(a.x + at + j, a.width - j, a.access, d);
#pragma unroll
      for (int e = 0; e < quad; ++e) d[e] = j + e < a.width ? d[e] - mean : W(0);
    };
    if constexpr (Quads > 0) {
#pragma unroll
      for (int k = 0; k < Quads; ++k) read(k, dy[k], x[k]);
    }
    W by_mean = W(0), by_x = W(0);
#pragma unroll(kept)
    for (Index k = 0; k < steps; ++k) {
      const int i = Quads > 0 ? static_cast<int>(k) : 0;
      if constexpr (Quads == 0) read(k, dy[0], x[0]);
      W weight[quad];
      load_quad(a.weight + column(k), a.width - column(k), a.access, weight);
#pragma unroll
      for (int e = 0; e < quad; ++e) {
        const W g = dy[i][e] * weight[e];
        by_mean += g;
        by_x = math::fma(g, x[i][e], by_x);
      }
    }
    by_x = warp_sum(by_x) / n * r * r * r;
    by_mean = a.centered ? warp_sum(by_mean) / n * r : W(0);
#pragma unroll(kept)
    for (Index k = 0; k < steps; ++k) {
      const int i = Quads > 0 ? static_cast<int>(k) : 0;
      const Index j = column(k);
      if (j >= a.width) break;
      if constexpr (Quads == 0) read(k, dy[0], x[0]);
      W weight[quad], dx[quad], second[quad] = {};
      load_quad(a.weight + j, a.width - j, a.access, weight);
      if (a.other) load_quad(a.other + at + j, a.width - j, a.access, second);
#pragma unroll
      for (int e = 0; e < quad; ++e) {
        dx[e] = dy[i][e] * weight[e] * r - math::fma(x[i][e], by_x, by_mean) + second[e];
        if constexpr (Quads > 0) {
          by_weight[i][e] = math::fma(dy[i][e], x[i][e] * r, by_weight[i][e]);
          by_bias[i][e] += dy[i][e];
        }
      }
      store_viewed(a.dx + to, j, a.width, a.view.mirrored, a.access, dx);
    }
  }

  if constexpr (Quads > 0) {
    auto& shared = device::block_shared<NormShared<W, Quads>>();
    const auto add_up = [&](const W(&part)[kept][quad], W* total) {
      if (total == nullptr) return;
      __syncthreads();
#pragma unroll
      for (int k = 0; k < Quads; ++k)
#pragma unroll
        for (int e = 0; e < quad; ++e) shared.part[warp][column(k) + e] = part[k][e];
      __syncthreads();
      for (Index j = threadIdx.x; j < a.width; j += blockDim.x) {
        W sum = W(0);
#pragma unroll
        for (int w = 0; w < norm_warps; ++w) sum += shared.part[w][j];
        total[tile * a.width + j] = sum;
      }
    };
    add_up(by_weight, a.dweight);
    add_up(by_bias, a.dbias);
  } else {
    for (Index j = threadIdx.x; j < a.width; j += blockDim.x) {
      W weight_sum = W(0), bias_sum = W(0);
      for (Index row = begin; row < end; ++row) {
        const W g = static_cast<W>(a.dy[row * a.width + j]), mean = a.centered ? a.mean[row] : W(0);
        weight_sum = math::fma(g, (static_cast<W>(a.x[row * a.width + j]) - mean) * a.inverse[row], weight_sum);
        bias_sum += g;
      }
      if (a.dweight) a.dweight[tile * a.width + j] = weight_sum;
      if (a.dbias) a.dbias[tile * a.width + j] = bias_sum;
    }
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {
namespace norm_cuda {

/// f(constant) with the quads of a lane: 1, 2 or 4 for rows that fit into registers, else 0.
template <class F>
void with_quads(Index width, F&& f) {
  constexpr Index step = kernels::warp_lanes * kernels::quad;
  if (width <= step)
    f(std::integral_constant<int, 1>{});
  else if (width <= 2 * step)
    f(std::integral_constant<int, 2>{});
  else if (width <= 4 * step)
    f(std::integral_constant<int, 4>{});
  else
    f(std::integral_constant<int, 0>{});
}

template <class T>
void forward(kernels::NormForwardArguments<T> a) {
  a.access = kernels::quad_access(a.width, a.x, a.other, a.weight, a.bias, a.sum, a.y);
  with_quads(a.width, [&](auto quads) {
    launch({.blocks = kernels::blocks_of(a.rows, kernels::norm_warps),
            .threads = kernels::norm_warps * kernels::warp_lanes},
           kernels::norm_forward<T, quads.value>, a);
  });
}

template <class T>
void backward(Context<cuda>& context, kernels::NormBackwardArguments<T> a, Tensor<wide_t<T>, cuda>& dweight,
              Tensor<wide_t<T>, cuda>& dbias) {
  using W = wide_t<T>;
  const Index tiles = kernels::blocks_of(a.rows, kernels::norm_tile);
  Tensor<W, cuda> weight_tiles, bias_tiles;
  if (!dweight.empty()) weight_tiles = Tensor<W, cuda>({tiles, a.width});
  if (a.centered && !dbias.empty()) bias_tiles = Tensor<W, cuda>({tiles, a.width});
  a.dweight = weight_tiles.data();
  a.dbias = bias_tiles.data();
  a.access = kernels::quad_access(a.width, a.dy, a.x, a.other, a.weight, a.dx);
  with_quads(a.width, [&](auto quads) {
    constexpr int kept = quads.value;
    launch({.blocks = tiles,
            .threads = kernels::norm_warps * kernels::warp_lanes,
            .shared_bytes = kept > 0 ? static_cast<Index>(sizeof(kernels::NormShared<W, kept>)) : 0},
           kernels::norm_backward<T, kept>, a);
  });
  if (!dweight.empty()) sum_rows_add(context, weight_tiles, dweight);
  if (!bias_tiles.empty()) sum_rows_add(context, bias_tiles, dbias);
}

}  // namespace norm_cuda

template <class T>
void rms_norm_forward(Context<cuda>&, const Tensor<T, cuda>& x, const Tensor<wide_t<T>, cuda>& weight, wide_t<T> eps,
                      Tensor<T, cuda>& y, Tensor<wide_t<T>, cuda>& inverse) {
  const Index width = weight.count();
  norm_cuda::forward<T>({.x = x.data(),
                         .other = nullptr,
                         .weight = weight.data(),
                         .bias = nullptr,
                         .rows = x.count() / width,
                         .width = width,
                         .eps = eps,
                         .view = {},
                         .centered = false,
                         .access = 1,
                         .sum = nullptr,
                         .y = y.data(),
                         .inverse = inverse.data(),
                         .mean = nullptr});
}

template <class T>
void layer_norm_forward(Context<cuda>&, const Tensor<T, cuda>& x, const Tensor<wide_t<T>, cuda>& weight,
                        const Tensor<wide_t<T>, cuda>& bias, wide_t<T> eps, Tensor<T, cuda>& y,
                        Tensor<wide_t<T>, cuda>& inverse, Tensor<wide_t<T>, cuda>& mean) {
  const Index width = weight.count();
  norm_cuda::forward<T>({.x = x.data(),
                         .other = nullptr,
                         .weight = weight.data(),
                         .bias = bias.data(),
                         .rows = x.count() / width,
                         .width = width,
                         .eps = eps,
                         .view = {},
                         .centered = true,
                         .access = 1,
                         .sum = nullptr,
                         .y = y.data(),
                         .inverse = inverse.data(),
                         .mean = mean.data()});
}

/// `mean` is empty for RMSNorm.
template <class T>
void layer_norm_backward(Context<cuda>& context, const Tensor<T, cuda>& dy, const Tensor<T, cuda>& x,
                         const Tensor<wide_t<T>, cuda>& weight, const Tensor<wide_t<T>, cuda>& inverse,
                         const Tensor<wide_t<T>, cuda>& mean, Tensor<T, cuda>& dx, Tensor<wide_t<T>, cuda>& dweight,
                         Tensor<wide_t<T>, cuda>& dbias) {
  const Index width = weight.count();
  norm_cuda::backward<T>(context,
                         {.dy = dy.data(),
                          .x = x.data(),
                          .other = nullptr,
                          .weight = weight.data(),
                          .inverse = inverse.data(),
                          .mean = mean.data(),
                          .rows = x.count() / width,
                          .width = width,
                          .view = {},
                          .centered = !mean.empty(),
                          .access = 1,
                          .dx = dx.data(),
                          .dweight = nullptr,
                          .dbias = nullptr},
                         dweight, dbias);
}
template <class T>
void rms_norm_backward(Context<cuda>& context, const Tensor<T, cuda>& dy, const Tensor<T, cuda>& x,
                       const Tensor<wide_t<T>, cuda>& weight, const Tensor<wide_t<T>, cuda>& inverse,
                       Tensor<T, cuda>& dx, Tensor<wide_t<T>, cuda>& dweight) {
  const Tensor<wide_t<T>, cuda> no_mean;
  Tensor<wide_t<T>, cuda> no_bias;
  layer_norm_backward(context, dy, x, weight, inverse, no_mean, dx, dweight, no_bias);
}

}  // namespace ligase::inline LIGASE_ISA::device

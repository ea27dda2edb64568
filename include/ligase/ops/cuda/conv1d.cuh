#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/cuda/launch.cuh>
#include <ligase/ops/cuda/scan_layout.cuh>
#include <ligase/ops/cuda/sums.cuh>
#include <ligase/ops/generic/conv1d.hpp>

/// Depthwise convolution in one or both directions of time, with or without silu behind it. A thread has one channel and 64 tokens
/// of one sequence, a warp 32 neighbouring channels, so rows are read and written in whole pieces of a line. With the usual
/// 4 taps it takes 8 tokens at a time: 14 numbers in registers serve both directions, 1.75 loads per token instead of 8. Other
/// numbers of taps read each of their inputs from the cache.
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int conv_threads = 128;
inline constexpr int conv_group = 8;

/// One direction's filter.
template <class T>
struct ConvRun {
  Direction direction;
  const wide_t<T>*weight, *bias;  ///< [E, K], [E] or null
};

struct ConvSizes {
  Sequences sequences;
  Index channels, taps, x_stride;  ///< numbers between rows of x
  int runs;
  bool activated;  ///< by silu
};

/// A thread's channel and tokens.
struct ConvPlace {
  Sequence sequence;
  Index block, begin, e;
  int count;  ///< 0: nothing to do

  __device__ ConvPlace(const ConvSizes& sizes, Index grid_block, int thread) {
    const Index columns = blocks_of(sizes.channels, conv_threads);
    block = grid_block / columns;
    e = grid_block % columns * conv_threads + thread;
    sequence = sizes.sequences.of_block(block);
    begin = (block - sequence.block) * kept_steps;
    const Index left = sequence.length - begin;
    count = e >= sizes.channels ? 0 : left < kept_steps ? static_cast<int>(left) : kept_steps;
  }
};

/// The filter before silu at token t of the sequence that x, at channel e, is of.
template <class T>
__device__ wide_t<T> filter(const T* x, Index stride, Index length, Index t, Index taps, Direction direction,
                            const wide_t<T>* weight, wide_t<T> bias) {
  using W = wide_t<T>;
  W sum = bias;
  for (Index j = 0; j < taps; ++j) {
    const Index from = generic::tap_token(direction, t, j, taps);
    if (from >= 0 && from < length) sum = math::fma(weight[j], static_cast<W>(x[from * stride]), sum);
  }
  return sum;
}

template <class T>
struct ConvForwardArguments {
  ConvSizes sizes;
  ConvRun<T> run[2];
  const T* x;
  T* y[2];  ///< [rows, E]
};

/// Taps: 4, or 0 for any number.
template <class T, int Taps>
__global__ void __launch_bounds__(conv_threads) conv_forward(ConvForwardArguments<T> a) {
  using W = wide_t<T>;
  const ConvSizes& sizes = a.sizes;
  const ConvPlace place(sizes, blockIdx.x, static_cast<int>(threadIdx.x));
  if (place.count == 0) return;
  const Index e = place.e, length = place.sequence.length, taps = sizes.taps;
  const T* x = a.x + place.sequence.first * sizes.x_stride + e;
  const W bias[2] = {a.run[0].bias ? a.run[0].bias[e] : W(0),
                     sizes.runs == 2 && a.run[1].bias ? a.run[1].bias[e] : W(0)};
  const auto write = [&](int r, Index t, W v) {
    (r == 0 ? a.y[0] : a.y[1])[(place.sequence.first + t) * sizes.channels + e] =
        static_cast<T>(sizes.activated ? silu_approx(v) : v);
  };
  if constexpr (Taps == 0) {
    for (Index t = place.begin; t < place.begin + place.count; ++t) {
      write(0, t, filter(x, sizes.x_stride, length, t, taps, a.run[0].direction, a.run[0].weight + e * taps, bias[0]));
      if (sizes.runs == 2)
        write(1, t,
              filter(x, sizes.x_stride, length, t, taps, a.run[1].direction, a.run[1].weight + e * taps, bias[1]));
    }
  } else {
    W weight[2][Taps];
#pragma unroll
    for (int j = 0; j < Taps; ++j) {
      weight[0][j] = a.run[0].weight[e * Taps + j];
      weight[1][j] = sizes.runs == 2 ? a.run[1].weight[e * Taps + j] : W(0);
    }
#pragma unroll 1
    for (int first = 0; first < place.count; first += conv_group) {
      const Index begin = place.begin + first;
      constexpr int reach = Taps - 1;
      W window[conv_group + 2 * reach];
#pragma unroll
      for (int i = 0; i < conv_group + 2 * reach; ++i) {
        const Index from = begin + i - reach;
        window[i] = from >= 0 && from < length ? static_cast<W>(x[from * sizes.x_stride]) : W(0);
      }
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        if (r == 1 && sizes.runs == 1) break;
        const bool ahead = (r == 0 ? a.run[0].direction : a.run[1].direction) == Direction::reverse;
#pragma unroll
        for (int k = 0; k < conv_group; ++k) {
          W sum = bias[r];
#pragma unroll
          for (int j = 0; j < Taps; ++j)
            sum = math::fma(weight[r][j], ahead ? window[k + 2 * reach - j] : window[k + j], sum);
          if (first + k < place.count) write(r, begin + k, sum);
        }
      }
    }
  }
}

template <class T>
struct ConvGradientArguments {
  ConvSizes sizes;
  ConvRun<T> run;
  const T* x;
  const T *dy, *more_dy;      ///< [rows, E]; the second is added, or null
  T* before;                  ///< [rows, E]: the gradient before silu; may be dy
  wide_t<T>*dweight, *dbias;  ///< [kept blocks, E, K], [kept blocks, E]
};

/// Gradient before silu of 64 tokens of a channel, and the tokens' part of those of weight and bias.
template <class T>
__global__ void __launch_bounds__(conv_threads) conv_gradient(ConvGradientArguments<T> a) {
  using W = wide_t<T>;
  const ConvSizes& sizes = a.sizes;
  const ConvPlace place(sizes, blockIdx.x, static_cast<int>(threadIdx.x));
  if (place.count == 0) return;
  const Index e = place.e, length = place.sequence.length, taps = sizes.taps, first = place.sequence.first;
  const T* x = a.x + first * sizes.x_stride + e;
  const W *weight = a.run.weight + e * taps, bias = a.run.bias ? a.run.bias[e] : W(0);
  W by_bias = W(0);
  for (Index t = place.begin; t < place.begin + place.count; ++t) {
    const Index i = (first + t) * sizes.channels + e;
    W g = static_cast<W>(a.dy[i]);
    if (a.more_dy) g += static_cast<W>(a.more_dy[i]);
    if (sizes.activated)
      g *= silu_slope_approx(filter(x, sizes.x_stride, length, t, taps, a.run.direction, weight, bias));
    a.before[i] = static_cast<T>(g);
    by_bias += g;
  }
  a.dbias[place.block * sizes.channels + e] = by_bias;
  for (Index j = 0; j < taps; ++j) {
    W sum = W(0);
    for (Index t = place.begin; t < place.begin + place.count; ++t) {
      const Index from = generic::tap_token(a.run.direction, t, j, taps);
      if (from >= 0 && from < length)
        sum = math::fma(static_cast<W>(a.before[(first + t) * sizes.channels + e]),
                        static_cast<W>(x[from * sizes.x_stride]), sum);
    }
    a.dweight[(place.block * sizes.channels + e) * taps + j] = sum;
  }
}

template <class T>
struct ConvBackwardArguments {
  ConvSizes sizes;
  ConvRun<T> run[2];
  const T* before[2];  ///< [rows, E]
  T* dx;               ///< rows lie x_stride apart
};

/// dx of 64 tokens of a channel: the same filter looking the other way, summed over the directions.
template <class T>
__global__ void __launch_bounds__(conv_threads) conv_backward(ConvBackwardArguments<T> a) {
  using W = wide_t<T>;
  const ConvSizes& sizes = a.sizes;
  const ConvPlace place(sizes, blockIdx.x, static_cast<int>(threadIdx.x));
  if (place.count == 0) return;
  const Index e = place.e, length = place.sequence.length, first = place.sequence.first;
  const auto back = [&](const ConvRun<T>& run, const T* before, Index t, W sum) {
    const Direction other = run.direction == Direction::forward ? Direction::reverse : Direction::forward;
    return filter(before + first * sizes.channels + e, sizes.channels, length, t, sizes.taps, other,
                  run.weight + e * sizes.taps, sum);
  };
  for (Index t = place.begin; t < place.begin + place.count; ++t) {
    W sum = back(a.run[0], a.before[0], t, W(0));
    if (sizes.runs == 2) sum = back(a.run[1], a.before[1], t, sum);
    a.dx[(first + t) * sizes.x_stride + e] = static_cast<T>(sum);
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {
namespace conv_cuda {

inline Grid grid(const kernels::ConvSizes& sizes, Index blocks) {
  return {.blocks = blocks * kernels::blocks_of(sizes.channels, kernels::conv_threads),
          .threads = kernels::conv_threads};
}

/// `blocks`: kept blocks of all sequences.
template <class T>
void forward(const kernels::ConvForwardArguments<T>& a, Index blocks) {
  launch(grid(a.sizes, blocks), a.sizes.taps == 4 ? kernels::conv_forward<T, 4> : kernels::conv_forward<T, 0>, a);
}

/// The gradient before silu, and those of weight and bias where they are not empty.
template <class T>
void gradient(Context<cuda>& context, kernels::ConvGradientArguments<T> a, Index blocks,
              Tensor<wide_t<T>, cuda>& dweight, Tensor<wide_t<T>, cuda>& dbias) {
  using W = wide_t<T>;
  Tensor<W, cuda> weights({blocks, a.sizes.channels, a.sizes.taps}), biases({blocks, a.sizes.channels});
  a.dweight = weights.data();
  a.dbias = biases.data();
  launch(grid(a.sizes, blocks), kernels::conv_gradient<T>, a);
  if (!dweight.empty()) sum_rows_add(context, weights, dweight);
  if (!dbias.empty()) sum_rows_add(context, biases, dbias);
}

template <class T>
void backward(const kernels::ConvBackwardArguments<T>& a, Index blocks) {
  launch(grid(a.sizes, blocks), kernels::conv_backward<T>, a);
}

template <class T>
kernels::ConvSizes plain_sizes(const Tensor<T, cuda>& x, Index taps) {
  return {.sequences = {.listed = nullptr, .count = x.size(0), .length = x.size(1)},
          .channels = x.size(2),
          .taps = taps,
          .x_stride = x.size(2),
          .runs = 1,
          .activated = false};
}

}  // namespace conv_cuda

template <Direction dir, class T>
void causal_conv1d_forward(Context<cuda>&, const Tensor<T, cuda>& x, const Tensor<wide_t<T>, cuda>& weight,
                           const Tensor<wide_t<T>, cuda>& bias, Tensor<T, cuda>& y) {
  if (x.count() == 0) return;
  kernels::ConvForwardArguments<T> a{
      .sizes = conv_cuda::plain_sizes(x, weight.size(2)), .run = {}, .x = x.data(), .y = {y.data()}};
  a.run[0] = {dir, weight.data(), bias.data()};
  conv_cuda::forward(a, x.size(0) * kernels::blocks_of(x.size(1), kernels::kept_steps));
}

template <Direction dir, class T>
void causal_conv1d_backward(Context<cuda>& context, const Tensor<T, cuda>& dy, const Tensor<T, cuda>& x,
                            const Tensor<wide_t<T>, cuda>& weight, Tensor<T, cuda>& dx,
                            Tensor<wide_t<T>, cuda>& dweight, Tensor<wide_t<T>, cuda>& dbias) {
  if (x.count() == 0) return;
  const kernels::ConvSizes sizes = conv_cuda::plain_sizes(x, weight.size(2));
  const Index blocks = x.size(0) * kernels::blocks_of(x.size(1), kernels::kept_steps);
  const kernels::ConvRun<T> run{dir, weight.data(), nullptr};
  if (!dweight.empty() || !dbias.empty())
    conv_cuda::gradient<T>(context,
                           {.sizes = sizes,
                            .run = run,
                            .x = x.data(),
                            .dy = dy.data(),
                            .more_dy = nullptr,
                            .before = dx.data(),
                            .dweight = nullptr,
                            .dbias = nullptr},
                           blocks, dweight, dbias);
  conv_cuda::backward<T>({.sizes = sizes, .run = {run, run}, .before = {dy.data(), nullptr}, .dx = dx.data()}, blocks);
}

}  // namespace ligase::inline LIGASE_ISA::device

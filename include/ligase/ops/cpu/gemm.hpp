#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

#if defined(EIGEN_CORE_H) && !defined(EIGEN_DONT_PARALLELIZE)
#error "define EIGEN_DONT_PARALLELIZE before the first Eigen header: ligase splits products over threads itself"
#endif
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#include <Eigen/Core>

namespace ligase::inline LIGASE_ISA::device {

/// Matrix products as a loop over fixed tiles, each one single-threaded call of Eigen. A tile holds `tile_rows` rows of one
/// sequence and all outputs, both padded with zeros to sizes for which Eigen's kernel treats every row and every output
/// alike; so a row's bits depend neither on its place, nor on its neighbours, nor on threads.
namespace gemm_detail {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using View = Eigen::Map<Matrix<T>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class T>
using ConstView = Eigen::Map<const Matrix<T>, Eigen::Unaligned, Eigen::OuterStride<>>;

inline constexpr Index tile_rows = 64;
inline constexpr Index output_multiple = 48;

inline Index padded(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

/// C = A W for W: [K, padded outputs], rows of A in sequences of `group`.
template <class T>
void multiply_tiles(Context<cpu>& context, Index group, const T* a, Index m, Index k, const Matrix<T>& w, T* c, Index n) {
  const Index tiles_per_group = (group + tile_rows - 1) / tile_rows, groups = group == 0 ? 0 : m / group;
  parallel_for(context.threads, groups * tiles_per_group, [&](Index tile) {
    const Index g = tile / tiles_per_group, begin = tile % tiles_per_group * tile_rows;
    const Index rows = std::min(tile_rows, group - begin), first = g * group + begin;
    thread_local Matrix<T> out;
    out.resize(tile_rows, w.cols());
    if (rows == tile_rows) {
      out.noalias() = ConstView<T>(a + first * k, tile_rows, k, Eigen::OuterStride<>(k)) * w;
    } else {
      thread_local Matrix<T> in;
      in.setZero(tile_rows, k);
      in.topRows(rows) = ConstView<T>(a + first * k, rows, k, Eigen::OuterStride<>(k));
      out.noalias() = in * w;
    }
    View<T>(c + first * n, rows, n, Eigen::OuterStride<>(n)) = out.topLeftCorner(rows, n);
  });
}

}  // namespace gemm_detail

template <class T>
void gemm_nt(Context<cpu>& context, Index group, const Tensor<T, cpu>& a, const Tensor<T, cpu>& b, Tensor<T, cpu>& c) {
  using namespace gemm_detail;
  const Index n = b.size(0), k = b.size(1);
  if (a.count() == 0) return;
  Matrix<T> w = Matrix<T>::Zero(k, padded(n, output_multiple));
  w.leftCols(n) = ConstView<T>(b.data(), n, k, Eigen::OuterStride<>(k)).transpose();
  multiply_tiles<T>(context, group, a.data(), a.count() / k, k, w, c.data(), n);
}

template <class T>
void gemm_nn(Context<cpu>& context, Index group, const Tensor<T, cpu>& a, const Tensor<T, cpu>& b, Tensor<T, cpu>& c) {
  using namespace gemm_detail;
  const Index k = b.size(0), n = b.size(1);
  if (a.count() == 0) return;
  Matrix<T> w = Matrix<T>::Zero(k, padded(n, output_multiple));
  w.leftCols(n) = ConstView<T>(b.data(), k, n, Eigen::OuterStride<>(n));
  multiply_tiles<T>(context, group, a.data(), a.count() / k, k, w, c.data(), n);
}

template <class T>
void gemm_tn_add(Context<cpu>& context, const Tensor<T, cpu>& a, const Tensor<T, cpu>& b, Tensor<T, cpu>& c) {
  using namespace gemm_detail;
  const Index n = c.size(0), k = c.size(1), m = a.count() / n;
  constexpr Index block_n = 96, block_k = 192, depth = 512;
  const Index blocks_k = (k + block_k - 1) / block_k;
  parallel_for(context.threads, (n + block_n - 1) / block_n * blocks_k, [&](Index block) {
    const Index n0 = block / blocks_k * block_n, k0 = block % blocks_k * block_k;
    const Index nn = std::min(block_n, n - n0), kk = std::min(block_k, k - k0);
    thread_local Matrix<T> sum;
    sum.setZero(nn, kk);
    for (Index row = 0; row < m; row += depth) {
      const Index rows = std::min(depth, m - row);
      sum.noalias() += ConstView<T>(a.data() + row * n + n0, rows, nn, Eigen::OuterStride<>(n)).transpose() *
                       ConstView<T>(b.data() + row * k + k0, rows, kk, Eigen::OuterStride<>(k));
    }
    View<T>(c.data() + n0 * k + k0, nn, kk, Eigen::OuterStride<>(k)) += sum;
  });
}

}  // namespace ligase::inline LIGASE_ISA::device

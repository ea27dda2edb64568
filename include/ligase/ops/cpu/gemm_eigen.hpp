#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/cpu/scratch.hpp>

#if defined(EIGEN_CORE_H) && !defined(EIGEN_DONT_PARALLELIZE)
#error "define EIGEN_DONT_PARALLELIZE before the first Eigen header: ligase splits products over threads itself"
#endif
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
// g++ 12 takes the undefined operands of its own AVX-512 intrinsics for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/Core>
#pragma GCC diagnostic pop

#include <algorithm>

/// Eigen's inner product kernel and its packing, called on buffers of our own. Every function of Eigen that is compiled here has
/// one of our types, named by the instruction set, among its template arguments: files compiled with different flags share
/// none of them in one program. Eigen's matrix and product classes would be shared, and crash there.
namespace ligase::inline LIGASE_ISA::device::gemm_detail {

/// One line of a matrix in memory. A `fresh` one reads as zero: the kernel adds to what it reads.
template <class T>
class Line {
 public:
  Line(T* data, bool fresh) : data_(data), fresh_(fresh) {}
  T& operator()(Index i) const { return data_[i]; }
  void prefetch(int i) const { __builtin_prefetch(data_ + i); }
  template <class Packet>
  Packet loadPacket(Index i) const {
    return fresh_ ? Eigen::internal::pset1<Packet>(T(0)) : Eigen::internal::ploadu<Packet>(data_ + i);
  }
  template <class Packet>
  void storePacket(Index i, const Packet& x) const {
    Eigen::internal::pstoreu(data_ + i, x);
  }

 private:
  T* data_;
  bool fresh_;
};

/// A matrix in memory as Eigen's kernels see it: element (i, j) at i + j * stride, or `by_rows` at i * stride + j.
template <class T, bool by_rows>
class Window {
 public:
  using LinearMapper = Line<T>;
  Window(T* data, Index stride, bool fresh = false) : data_(data), stride_(stride), fresh_(fresh) {}
  T& operator()(Index i, Index j) const { return data_[by_rows ? i * stride_ + j : i + j * stride_]; }
  LinearMapper getLinearMapper(Index i, Index j) const { return {&(*this)(i, j), fresh_}; }
  template <class Packet>
  Packet loadPacket(Index i, Index j) const {
    return Eigen::internal::ploadu<Packet>(&(*this)(i, j));
  }
  template <class Packet>
  Packet gatherPacket(Index i, Index j) const {
    return Eigen::internal::pgather<std::remove_const_t<T>, Packet>(&(*this)(i, j), stride_);
  }
  template <class Packet>
  void scatterPacket(Index i, Index j, const Packet& x) const {
    Eigen::internal::pscatter<T, Packet>(&(*this)(i, j), x, stride_);
  }

 private:
  T* data_;
  Index stride_;
  bool fresh_;
};

template <class T>
using Traits = Eigen::internal::gebp_traits<T, T>;

/// Panels of the matrix whose elements lie side by side in the result, and of the other one.
template <class T, bool by_rows>
using PackWide = Eigen::internal::gemm_pack_lhs<T, Index, Window<const T, by_rows>, Traits<T>::mr, Traits<T>::LhsProgress,
                                                typename Traits<T>::LhsPacket4Packing,
                                                by_rows ? Eigen::RowMajor : Eigen::ColMajor>;
template <class T, bool by_rows>
using PackNarrow = Eigen::internal::gemm_pack_rhs<T, Index, Window<const T, by_rows>, Traits<T>::nr,
                                                  by_rows ? Eigen::RowMajor : Eigen::ColMajor>;
template <class T>
using Kernel = Eigen::internal::gebp_kernel<T, T, Index, Window<T, false>, Traits<T>::mr, Traits<T>::nr, false, false>;

/// Terms that are summed in registers before they reach memory.
inline constexpr Index depth_block = 256;

/// A weight [depth, outputs] packed once and used by many tiles. Outputs are padded with zeros to whole packets.
template <class T>
struct PackedWeight {
  Index depth = 0, outputs = 0, padded_outputs = 0;
  Tensor<T, cpu> panels;

  /// `by_rows`: from [outputs, depth] in memory; otherwise from [depth, outputs].
  template <bool by_rows>
  static PackedWeight pack(const T* w, Index depth, Index outputs) {
    PackedWeight packed{depth, outputs, round_up(outputs, Traits<T>::LhsProgress), {}};
    packed.panels = Tensor<T, cpu>({packed.padded_outputs * depth});
    Tensor<T, cpu> filled;
    Index stride = by_rows ? depth : outputs;
    if (packed.padded_outputs != outputs) {
      filled = Tensor<T, cpu>::zeros({packed.padded_outputs * depth});
      if (by_rows) {
        std::copy(w, w + outputs * depth, filled.data());
      } else {
        for (Index k = 0; k < depth; ++k)
          std::copy(w + k * outputs, w + (k + 1) * outputs, filled.data() + k * packed.padded_outputs);
        stride = packed.padded_outputs;
      }
      w = filled.data();
    }
    for (Index k = 0; k < depth; k += depth_block)
      PackWide<T, by_rows>()(packed.panels.data() + k * packed.padded_outputs,
                             Window<const T, by_rows>(w + (by_rows ? k : k * stride), stride),
                             std::min(depth_block, depth - k), packed.padded_outputs);
    return packed;
  }
};

/// C = A W for a tile's rows of A, all padded outputs.
template <class T>
void multiply_full_tile(const PackedWeight<T>& w, Index rows, const T* a, Index a_stride, T* c, Index c_stride) {
  thread_local Scratch packed_memory;
  T* packed = packed_memory.reserve_for<T>(rows * depth_block);
  for (Index k = 0; k < w.depth; k += depth_block) {
    const Index depth = std::min(depth_block, w.depth - k);
    const T* panels = w.panels.data() + k * w.padded_outputs;
    PackNarrow<T, false>()(packed, Window<const T, false>(a + k, a_stride), depth, rows);
    Kernel<T>()(Window<T, false>(c, c_stride, k == 0), panels, packed, w.padded_outputs, depth, rows, T(1));
  }
}

/// C += A^T B for rows of A [rows, n] and B [rows, k], C: [n, k]; any sizes; fastest where all of it fits the L2 cache.
template <class T>
void add_outer_tile(Index rows, Index n, Index k, const T* a, Index a_stride, const T* b, Index b_stride, T* c,
                    Index c_stride) {
  thread_local Scratch wide_memory, narrow_memory;
  T* wide = wide_memory.reserve_for<T>(round_up(k, Traits<T>::mr) * rows);
  T* narrow = narrow_memory.reserve_for<T>(round_up(n, Traits<T>::nr) * rows);
  PackWide<T, false>()(wide, Window<const T, false>(b, b_stride), rows, k);
  PackNarrow<T, true>()(narrow, Window<const T, true>(a, a_stride), rows, n);
  Kernel<T>()(Window<T, false>(c, c_stride), wide, narrow, k, rows, n, T(1));
}

}  // namespace ligase::inline LIGASE_ISA::device::gemm_detail

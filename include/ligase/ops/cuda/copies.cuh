#pragma once

#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/split.hpp>
#include <ligase/ops/strands.hpp>

#include <algorithm>

/// Operations that move rows: split, concat, and what flips or exchanges strands. One kernel, told where each row is from.
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int copy_threads = 256;

/// Rows r = 0 .. rows-1 of `width` elements: to + r to_stride = from + s from_stride, where s is r, or with `reversed_time` the
/// row of the same sequence of `length` rows counted from its end; `reversed_channels`: last element first.
template <class T>
struct RowCopy {
  const T* from;
  T* to;
  Index rows, width, from_stride, to_stride;
  Index length = 1;
  bool reversed_time = false, reversed_channels = false;
};

/// Up to two copies in one launch.
template <class T>
struct RowCopies {
  RowCopy<T> part[2];
  int lanes;  ///< per row, a power of two up to 32
};

/// Lane groups take rows, first those of part 0. A lane moves N elements at a time, next to its neighbours'.
template <class T, int N>
__global__ void __launch_bounds__(copy_threads) copy_rows(RowCopies<T> a) {
  const int lane = static_cast<int>(threadIdx.x) % a.lanes;
  Index row = static_cast<Index>(blockIdx.x) * (copy_threads / a.lanes) + static_cast<int>(threadIdx.x) / a.lanes;
  const bool second = row >= a.part[0].rows;
  const RowCopy<T> c = second ? a.part[1] : a.part[0];
  if (second) row -= a.part[0].rows;
  if (row >= c.rows) return;
  const Index t = c.reversed_time ? row % c.length : 0;
  const T* from = c.from + (c.reversed_time ? row - t + (c.length - 1 - t) : row) * c.from_stride;
  T* to = c.to + row * c.to_stride;
  for (Index j = static_cast<Index>(lane) * N; j < c.width; j += static_cast<Index>(a.lanes) * N) {
    Vector<T, N> v;
    if (c.reversed_channels) {
      const auto w = *reinterpret_cast<const Vector<T, N>*>(from + (c.width - N - j));
#pragma unroll
      for (int e = 0; e < N; ++e) v.element[e] = w.element[N - 1 - e];
    } else {
      v = *reinterpret_cast<const Vector<T, N>*>(from + j);
    }
    *reinterpret_cast<Vector<T, N>*>(to + j) = v;
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {
namespace copies_cuda {

template <class T>
bool moves(const kernels::RowCopy<T>& c, int n) {
  return c.rows == 0 || (c.width % n == 0 && c.from_stride % n == 0 && c.to_stride % n == 0 &&
                         kernels::is_aligned(c.from, n) && kernels::is_aligned(c.to, n));
}

template <class T, int N>
void launch_copies(kernels::RowCopies<T> a) {
  const Index width = std::max(a.part[0].width, a.part[1].width), rows = a.part[0].rows + a.part[1].rows;
  a.lanes = 1;
  while (a.lanes < kernels::warp_lanes && a.lanes * N < width) a.lanes *= 2;
  launch({.blocks = kernels::blocks_of(rows, kernels::copy_threads / a.lanes), .threads = kernels::copy_threads},
         kernels::copy_rows<T, N>, a);
}

/// The elements of an access: 16 bytes of them, 2 or 1.
template <class T>
void copy(const kernels::RowCopy<T>& first, const kernels::RowCopy<T>& second) {
  constexpr int most = 16 / static_cast<int>(sizeof(T));
  const kernels::RowCopies<T> a{{first, second}, 1};
  const auto fits = [&](int n) { return moves(first, n) && moves(second, n); };
  if (fits(most))
    launch_copies<T, most>(a);
  else if (most > 2 && fits(2))
    launch_copies<T, 2>(a);
  else
    launch_copies<T, 1>(a);
}
template <class T>
constexpr kernels::RowCopy<T> nothing{nullptr, nullptr, 0, 0, 0, 0};

}  // namespace copies_cuda

template <class T>
void split_forward(Context<cuda>&, const Tensor<T, cuda>& x, Tensor<T, cuda>& a, Tensor<T, cuda>& b) {
  const Index rows = generic::row_count(x.shape()), wide = x.size(-1), n = a.size(-1);
  copies_cuda::copy<T>({x.data(), a.data(), rows, n, wide, n},
                       {x.data() + n, b.data(), rows, wide - n, wide, wide - n});
}

template <class T>
void concat_forward(Context<cuda>&, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, Tensor<T, cuda>& y) {
  const Index rows = generic::row_count(y.shape()), wide = y.size(-1), n = a.size(-1);
  copies_cuda::copy<T>({a.data(), y.data(), rows, n, n, wide},
                       {b.data(), y.data() + n, rows, wide - n, wide - n, wide});
}

template <class T>
void reverse_forward(Context<cuda>&, const Tensor<T, cuda>& x, bool time, bool channels, Tensor<T, cuda>& y) {
  const Index rows = x.size(0) * x.size(1), width = x.size(2);
  copies_cuda::copy<T>({x.data(), y.data(), rows, width, width, width, x.size(1), time, channels},
                       copies_cuda::nothing<T>);
}

template <class T>
void exchange_strands_forward(Context<cuda>&, const Tensor<T, cuda>& x, Tensor<T, cuda>& y) {
  const Index rows = x.size(0) / 2 * x.size(1), length = x.size(1), width = x.size(2), half = rows * width;
  copies_cuda::copy<T>({x.data() + half, y.data(), rows, width, width, width, length, true, true},
                       {x.data(), y.data() + half, rows, width, width, width, length, true, true});
}

template <class T>
void halves_to_channels_forward(Context<cuda>&, const Tensor<T, cuda>& x, Tensor<T, cuda>& y) {
  const Index rows = y.size(0) * y.size(1), length = y.size(1), width = x.size(2), half = rows * width;
  copies_cuda::copy<T>({x.data(), y.data(), rows, width, width, 2 * width},
                       {x.data() + half, y.data() + width, rows, width, width, 2 * width, length, true, true});
}

template <class T>
void channels_to_halves_forward(Context<cuda>&, const Tensor<T, cuda>& x, Tensor<T, cuda>& y) {
  const Index rows = x.size(0) * x.size(1), length = x.size(1), width = y.size(2), half = rows * width;
  copies_cuda::copy<T>({x.data(), y.data(), rows, width, 2 * width, width},
                       {x.data() + width, y.data() + half, rows, width, 2 * width, width, length, true, true});
}

}  // namespace ligase::inline LIGASE_ISA::device

#pragma once

#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/generic/strands.hpp>

namespace ligase::inline LIGASE_ISA::kernels {

/// Where a row of the sum comes from: with `mirrored`, from the other strand's row about the same token, channels reversed.
struct StrandView {
  bool mirrored = false;
  Index batch = 0, length = 0;

  LIGASE_HD Index row(Index r) const { return mirrored ? generic::mirrored_row(r, batch, length) : r; }
};

/// The quad of a row that begins at column j, read backwards from the end of the row where the view is mirrored.
template <class T>
__device__ __forceinline__ void load_viewed(const T* row, Index j, Index width, bool mirrored, int access,
                                            wide_t<T> (&x)[quad]) {
  if (!mirrored) {
    load_quad(row + j, width - j, access, x);
    return;
  }
  wide_t<T> v[quad];
  const Index count = width - j;
  if (count >= quad) {
    load_quad(row + (count - quad), quad, access, v);
#pragma unroll
    for (int e = 0; e < quad; ++e) x[e] = v[quad - 1 - e];
  } else {
#pragma unroll
    for (int e = 0; e < quad; ++e) x[e] = e < count ? static_cast<wide_t<T>>(row[count - 1 - e]) : wide_t<T>(0);
  }
}
template <class T>
__device__ __forceinline__ void store_viewed(T* row, Index j, Index width, bool mirrored, int access,
                                             const wide_t<T> (&x)[quad]) {
  if (!mirrored) {
    store_quad(row + j, width - j, access, x);
    return;
  }
  const Index count = width - j;
  if (count >= quad) {
    wide_t<T> v[quad];
#pragma unroll
    for (int e = 0; e < quad; ++e) v[e] = x[quad - 1 - e];
    store_quad(row + (count - quad), quad, access, v);
  } else {
#pragma unroll
    for (int e = 0; e < quad; ++e)
      if (e < count) row[count - 1 - e] = static_cast<T>(x[e]);
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

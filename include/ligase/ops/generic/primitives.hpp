#pragma once

#include <ligase/core/context.hpp>

namespace ligase::inline LIGASE_ISA::generic {

namespace detail {
template <class D>
inline constexpr bool has_primitives = false;
}

/// The primitives that a device provides, as overloads on Context<its tag> in namespace ligase::device. Generic operations
/// are written with these alone; the versions here only say what is missing.
///
///   for_each(context, n, f)     f(i) for i = 0 .. n-1, in any order: elementwise work, gathers, copies
///   for_rows(context, n, f)     the same where one i is a whole row, a recurrence or a reduction, in the order of f's loop
///   gemm_nt(context, g, A, B, C)      C  = A B^T     A: [M, K]  B: [N, K]  C: [M, N]
///   gemm_nn(context, g, A, B, C)      C  = A B       A: [M, K]  B: [K, N]
///   gemm_tn_add(context, A, B, C)     C += A^T B     A: [M, N]  B: [M, K]  C: [N, K]
///
/// A, B and C have one type, but what is added to by gemm_tn_add is wide_t of it. In gemm_nt and gemm_nn the rows of A come in sequences of g; a row of C has bits that depend on that row of A and on B
/// alone. gemm_tn_add sums over rows in an order that depends on M alone.
template <Device D, class F>
void for_each(Context<D>&, Index, F) {
  static_assert(detail::has_primitives<D>,
                "this device has no kernels in this translation unit; include <ligase/cuda.cuh> and compile the file "
                "with nvcc, or use ligase::cpu");
}

}  // namespace ligase::inline LIGASE_ISA::generic

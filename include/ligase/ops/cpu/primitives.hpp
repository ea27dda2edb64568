#pragma once

#include <ligase/core/context.hpp>

namespace ligase::inline LIGASE_ISA::device {

template <class F>
void for_each(Context<cpu>& context, Index n, F f) {
  parallel_blocks(context.threads, n, 16384, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) f(i);
  });
}

template <class F>
void for_rows(Context<cpu>& context, Index n, F f) {
  parallel_blocks(context.threads, n, 16, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) f(i);
  });
}

}  // namespace ligase::inline LIGASE_ISA::device

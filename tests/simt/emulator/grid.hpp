#pragma once

#include <simt/control.hpp>
#include <simt/vector_types.hpp>

#include <cstddef>
#include <functional>

namespace simt {

/// A launch whose arguments are bound: `thread` is what each thread of the grid runs.
struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  std::function<void()> thread;
};

/// Runs all blocks, one after another. Throws Violation.
void run(const Launch& launch);

bool poison();

}  // namespace simt

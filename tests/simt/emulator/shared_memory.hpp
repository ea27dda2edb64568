#pragma once

#include <cstddef>

namespace simt {

/// What a block of compute capability 9.0 may have, and bytes behind it that nobody may write to.
inline constexpr std::size_t shared_capacity = 227 * 1024, shared_zone = 256;

/// The one block that runs has its shared memory here.
unsigned char* shared_memory();

}  // namespace simt

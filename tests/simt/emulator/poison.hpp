#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(SIMT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

/// What AddressSanitizer is told: with it a kernel's read outside of a piece of memory is found as well.
namespace simt {

#if defined(SIMT_ADDRESS_SANITIZER)
inline constexpr bool address_sanitizer = true;
#else
inline constexpr bool address_sanitizer = false;
#endif

inline void forbid([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t bytes) {
#if defined(SIMT_ADDRESS_SANITIZER)
  __asan_poison_memory_region(p, bytes);
#endif
}
inline void allow([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t bytes) {
#if defined(SIMT_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(p, bytes);
#endif
}

}  // namespace simt

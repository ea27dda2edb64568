#include "device_memory.hpp"

#include <ligase/core/cuda.hpp>
#include <ligase/core/error.hpp>

#include <simt/runtime_api.hpp>

// In programs that link this, every tensor has device memory of its own instead of a part of the library's arena: it holds
// NaN at first, and a kernel that writes behind it is found.
namespace ligase::inline LIGASE_ISA::device {

void* allocate(cuda, Index bytes) {
  void* const p = simt::allocate(static_cast<std::size_t>(bytes));
  if (p == nullptr) throw Error{{.kind = ErrorKind::io, .what = "the emulated GPU is out of memory"}};
  return p;
}
void release(cuda, void* p, Index) noexcept {
  // In its turn: what was given to the stream before may still need the memory.
  if (p != nullptr) simt::submit(nullptr, [p] { simt::release(p); });
}

}  // namespace ligase::inline LIGASE_ISA::device

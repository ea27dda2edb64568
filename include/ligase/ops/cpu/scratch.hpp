#pragma once

#include <ligase/core/platform.hpp>

#include <cstddef>
#include <new>

namespace ligase::inline LIGASE_ISA::device {

/// Work memory of one thread, aligned for packs; grows, and is kept between calls.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::operator delete(p_, alignment); }

  void* reserve(std::size_t bytes) {
    if (bytes > bytes_) {
      ::operator delete(p_, alignment);
      p_ = nullptr;
      bytes_ = 0;
      p_ = ::operator new(bytes, alignment);
      bytes_ = bytes;
    }
    return p_;
  }
  template <class T>
  T* reserve_for(Index count) {
    return static_cast<T*>(reserve(static_cast<std::size_t>(count) * sizeof(T)));
  }

 private:
  static constexpr std::align_val_t alignment{128};
  void* p_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA::device

#pragma once

#include <ligase/core/platform.hpp>

#include <concepts>

namespace ligase::inline LIGASE_ISA {

/// Device tags. An operation is found by argument-dependent lookup in this namespace; a device without an overload of its
/// own runs the generic code over its primitives (ops/generic/primitives.hpp).
namespace device {
/// Host memory, OpenMP threads.
struct cpu {
  static constexpr bool holds_data = true;
  static constexpr bool on_host = true;
  static constexpr const char* name = "cpu";
};
/// Shapes only: allocates nothing, launches nothing, counts the bytes that a real device would hold.
struct meta {
  static constexpr bool holds_data = false;
  static constexpr bool on_host = false;
  static constexpr const char* name = "meta";
};
/// One NVIDIA GPU, the one that is current when it is first used. Everything runs on one stream of the library, in the order
/// of the calls; so memory that is given back may be taken again at once, by any thread.
struct cuda {
  static constexpr bool holds_data = true;
  static constexpr bool on_host = false;
  static constexpr const char* name = "cuda";
};
}  // namespace device

using device::cpu;
using device::cuda;
using device::meta;

/// `holds_data`: tensors have elements; `on_host`: the program may read and write them in place.
template <class D>
concept Device = requires {
  { D::holds_data } -> std::convertible_to<bool>;
  { D::on_host } -> std::convertible_to<bool>;
  { D::name } -> std::convertible_to<const char*>;
};

}  // namespace ligase::inline LIGASE_ISA

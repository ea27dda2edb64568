#pragma once

#include <cstddef>

/// Memory of the emulated GPU: one range of addresses, which only the device may touch.
namespace simt {

/// nullptr where there is no more. The pieces begin at multiples of 256 bytes.
void* allocate(std::size_t bytes);
/// False where `p` was not given out. Throws Violation where something wrote behind the piece.
bool release(void* p);

/// Whether the bytes lie in one piece; whether `p` lies in the device's range at all.
bool is_inside(const void* p, std::size_t bytes);
bool is_device(const void* p);

/// Throws Violation where something wrote behind a piece.
void check_pieces();

std::size_t device_capacity();

/// While one exists, device memory can be read and written.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace simt

#include "device_memory.hpp"

#include "grid.hpp"
#include "poison.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <new>
#include <string>

namespace simt {
namespace {

constexpr std::size_t capacity = std::size_t{16} << 30, alignment = 256, zone = 256;
constexpr unsigned char zone_byte = 0xA5;
/// Access is given and taken back at every launch, page by page: large pages, few of them.
constexpr std::size_t page = std::size_t{2} << 20;
/// So much of a piece is poisoned.
constexpr std::size_t most_poison = std::size_t{1} << 20;

/// A piece occupies its bytes, rounded up, and a zone behind them.
struct Memory {
  unsigned char* begin = nullptr;
  unsigned char* touched = nullptr;  ///< behind the last page that was ever in use
  std::map<unsigned char*, std::size_t> pieces, gaps;
  std::int64_t allocated = 0;
  int users = 0;
  bool guard = true;

  Memory() {
    void* p = mmap(nullptr, capacity + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    begin = touched = static_cast<unsigned char*>(p) + (page - reinterpret_cast<std::uintptr_t>(p) % page) % page;
    madvise(begin, capacity, MADV_HUGEPAGE);
    gaps[begin] = capacity;
  }
  void protect(int access) {
    if (touched > begin) mprotect(begin, static_cast<std::size_t>(touched - begin), access);
  }
};
Memory& memory() {
  static Memory& instance = *new Memory;
  return instance;
}

std::size_t extent(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment + zone; }

void check_piece(unsigned char* p, std::size_t bytes) {
  const unsigned char* const end = p + extent(bytes);
  allow(p, extent(bytes));
  const bool sound = std::all_of<const unsigned char*>(p + bytes, end, [](unsigned char c) { return c == zone_byte; });
  if (!sound) std::memset(p + bytes, zone_byte, extent(bytes) - bytes);
  forbid(p + bytes, extent(bytes) - bytes);
  if (!sound) throw Violation("something wrote behind " + std::to_string(bytes) + " bytes of device memory");
}

}  // namespace

void* allocate(std::size_t bytes) {
  Memory& m = memory();
  const std::size_t whole = extent(bytes);
  const auto gap = std::find_if(m.gaps.begin(), m.gaps.end(), [&](const auto& g) { return g.second >= whole; });
  if (gap == m.gaps.end()) return nullptr;
  unsigned char* const p = gap->first;
  if (gap->second > whole) m.gaps[p + whole] = gap->second - whole;
  m.gaps.erase(gap);
  m.pieces[p] = bytes;
  m.allocated += static_cast<std::int64_t>(bytes);
  const auto end = static_cast<std::size_t>(p + whole - m.begin);
  unsigned char* const touched = std::max(m.touched, m.begin + (end + page - 1) / page * page);
  if (touched > m.touched && (m.users > 0 || !m.guard))
    mprotect(m.touched, static_cast<std::size_t>(touched - m.touched), PROT_READ | PROT_WRITE);
  m.touched = touched;
  const DeviceAccess access;
  allow(p, whole);
  if (poison()) std::memset(p, 0xFF, std::min(bytes, most_poison));
  std::memset(p + bytes, zone_byte, whole - bytes);
  forbid(p + bytes, whole - bytes);
  return p;
}

bool release(void* p) {
  Memory& m = memory();
  const auto piece = m.pieces.find(static_cast<unsigned char*>(p));
  if (piece == m.pieces.end()) return false;
  const auto [begin, bytes] = *piece;
  m.pieces.erase(piece);
  m.allocated -= static_cast<std::int64_t>(bytes);
  auto gap = m.gaps.emplace(begin, extent(bytes)).first;
  if (const auto next = std::next(gap); next != m.gaps.end() && gap->first + gap->second == next->first) {
    gap->second += next->second;
    m.gaps.erase(next);
  }
  if (gap != m.gaps.begin())
    if (const auto before = std::prev(gap); before->first + before->second == gap->first) {
      before->second += gap->second;
      m.gaps.erase(gap);
    }
  const DeviceAccess access;
  check_piece(begin, bytes);
  if (poison()) std::memset(begin, 0xFF, std::min(bytes, most_poison));
  forbid(begin, extent(bytes));
  return true;
}

bool is_device(const void* p) {
  const auto a = reinterpret_cast<std::uintptr_t>(p), begin = reinterpret_cast<std::uintptr_t>(memory().begin);
  return a >= begin && a < begin + capacity;
}
bool is_inside(const void* p, std::size_t bytes) {
  if (!is_device(p)) return false;
  auto* const address = static_cast<unsigned char*>(const_cast<void*>(p));
  auto piece = memory().pieces.upper_bound(address);
  if (piece == memory().pieces.begin()) return false;
  --piece;
  return address + bytes <= piece->first + piece->second;
}

void check_pieces() {
  const DeviceAccess access;
  for (const auto& [p, bytes] : memory().pieces) check_piece(p, bytes);
}

std::size_t device_capacity() { return capacity; }
std::int64_t allocated_bytes() { return memory().allocated; }

DeviceAccess::DeviceAccess() {
  if (memory().users++ == 0 && memory().guard) memory().protect(PROT_READ | PROT_WRITE);
}
DeviceAccess::~DeviceAccess() {
  if (--memory().users == 0 && memory().guard) memory().protect(PROT_NONE);
}
void set_guard(bool on) {
  memory().guard = on;
  memory().protect(on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

}  // namespace simt

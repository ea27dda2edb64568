#pragma once

#include <ligase/core/error.hpp>

#include <array>
#include <initializer_list>
#include <string>

namespace ligase::inline LIGASE_ISA {

/// Up to six sizes, last one fastest. Every product is checked against 2^63.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<Index> sizes) {
    for (Index s : sizes) push_back(s);
  }

  void push_back(Index size) {
    if (rank_ == max_rank)
      throw Error{{.kind = ErrorKind::shape, .what = "too many dimensions", .expected = "at most 6"}};
    if (size < 0)
      throw Error{{.kind = ErrorKind::shape, .what = "negative size", .found = std::to_string(size)}};
    sizes_[static_cast<std::size_t>(rank_++)] = size;
    Index checked = 0;
    if (__builtin_mul_overflow(count_, size, &checked))
      throw Error{{.kind = ErrorKind::shape, .what = "shape is larger than 2^63 elements", .found = text()}};
    count_ = checked;
  }

  int rank() const { return rank_; }
  Index count() const { return count_; }
  /// Size of dimension i; negative i counts from the end.
  Index operator[](int i) const { return sizes_[static_cast<std::size_t>(i < 0 ? rank_ + i : i)]; }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

  /// "[2, 48, 32]"
  std::string text() const {
    std::string s = "[";
    for (int i = 0; i < rank_; ++i) s += (i ? ", " : "") + std::to_string((*this)[i]);
    return s + "]";
  }

 private:
  std::array<Index, max_rank> sizes_{};
  int rank_ = 0;
  Index count_ = 1;
};

/// Throws unless `found` equals `expected`; `where` names the tensor or operation.
inline void check_shape(const char* where, const Shape& expected, const Shape& found) {
  if (!(expected == found))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "shapes do not fit",
                 .where = where,
                 .expected = expected.text(),
                 .found = found.text()}};
}

}  // namespace ligase::inline LIGASE_ISA

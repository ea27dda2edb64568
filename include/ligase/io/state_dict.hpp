#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/io/dtype.hpp>
#include <ligase/io/file.hpp>
#include <ligase/io/sorted.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A tensor inside a file: a view, valid as long as the object that it comes from. The bytes need not be aligned.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::span<const std::byte> bytes;  ///< from the first element to the last
  std::vector<Index> strides = {};   ///< in elements, one per dimension; empty: rows last, without gaps

  bool is_contiguous() const { return strides.empty(); }
  /// Copies the elements, rows last, to `out`, which has room for exactly these.
  void gather(std::span<std::byte> out) const {
    if (is_contiguous()) {
      std::memcpy(out.data(), bytes.data(), bytes.size());
      return;
    }
    const auto size = static_cast<std::size_t>(dtype_bytes(dtype));
    std::array<Index, Shape::max_rank> at{};
    Index from = 0;
    for (std::size_t to = 0; to < out.size(); to += size) {
      std::memcpy(out.data() + to, bytes.data() + static_cast<std::size_t>(from) * size, size);
      for (int i = shape.rank() - 1; i >= 0; --i) {
        const auto d = static_cast<std::size_t>(i);
        from += strides[d];
        if (++at[d] < shape[i]) break;
        from -= at[d] * strides[d];
        at[d] = 0;
      }
    }
  }
};

/// The named tensors of a checkpoint, whatever file they come from: views into memory-mapped files, which live as long as any
/// copy of this object. Bytes of tensors are not read until asked for; tensors that share a storage in the file share it here.
class StateDict {
 public:
  StateDict() = default;
  /// Throws kind `input` where a name stands twice. `where` stands for the file's name in messages.
  [[gnu::cold]] StateDict(std::string where, std::vector<TensorView> tensors,
                          std::vector<std::shared_ptr<const MappedFile>> files)
      : where_(std::move(where)), files_(std::move(files)) {
    tensors_ = detail::sorted_by_name(std::move(tensors), [&](std::string_view name) {
      throw Error{{.kind = ErrorKind::input,
                   .what = "a tensor name stands twice",
                   .where = where_,
                   .found = "\"" + std::string(name) + "\""}};
    });
  }

  /// Sorted by name.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// Bytes of all tensors' elements; of shared ones as often as they are named.
  Index data_bytes() const {
    Index sum = 0;
    for (const TensorView& t : tensors_) sum += t.shape.count() * dtype_bytes(t.dtype);
    return sum;
  }
  /// The file's name for messages.
  const std::string& where() const { return where_; }
  /// The files that the views point into.
  const std::vector<std::shared_ptr<const MappedFile>>& files() const { return files_; }

  /// The tensor of that name, or null. O(log n).
  const TensorView* find(std::string_view name) const {
    const auto found = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                        [](const TensorView& t, std::string_view n) { return t.name < n; });
    return found != tensors_.end() && found->name == name ? &*found : nullptr;
  }
  const TensorView& at(std::string_view name) const {
    if (const TensorView* t = find(name)) return *t;
    throw Error{{.kind = ErrorKind::input,
                 .what = "the tensor is missing",
                 .where = where_,
                 .expected = "\"" + std::string(name) + "\""}};
  }

  /// The elements where they lie; nothing where they would have to be converted, gathered or aligned.
  template <class T>
  static std::optional<std::span<const T>> in_place(const TensorView& tensor) {
    if (tensor.dtype != dtype_of<T>() || !tensor.is_contiguous() ||
        reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(T) != 0)
      return std::nullopt;
    return std::span<const T>(reinterpret_cast<const T*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(T));
  }

  /// Copies a tensor's elements to `out`, converted to T. float and double take every floating-point type of 16 bits and
  /// more (F64 to float rounds to nearest); integers take every integer type and BOOL, range checked. Nothing else is
  /// converted. Throws kind `input`, or `shape` where `out` has another size.
  template <class T>
  void copy_to(const TensorView& tensor, std::span<T> out) const;

  template <class T>
  Tensor<T, cpu> to_tensor(const TensorView& tensor) const {
    Tensor<T, cpu> t(tensor.shape);
    copy_to(tensor, t.span());
    return t;
  }
  template <class T>
  Tensor<T, cpu> to_tensor(std::string_view name) const {
    return to_tensor<T>(at(name));
  }

 private:
  std::string where_;
  std::vector<TensorView> tensors_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
};

namespace detail {

/// The 16-bit floats, as they lie in the file.
struct Half {
  std::uint16_t bits;
  explicit operator float() const { return half_to_float(bits); }
  explicit operator double() const { return static_cast<double>(half_to_float(bits)); }
};
struct Bfloat {
  std::uint16_t bits;
  explicit operator float() const { return bfloat16_to_float(bits); }
  explicit operator double() const { return static_cast<double>(bfloat16_to_float(bits)); }
};

template <class S, class T>
void convert_floats(std::span<const std::byte> bytes, std::span<T> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(read_element<S>(bytes.data() + i * sizeof(S)));
}

/// An element of an integer type or BOOL: `value`, or for U64 above 2^63 its bits and `is_large`.
struct Integer {
  std::int64_t value;
  bool is_large = false;
};
[[gnu::noinline]] inline Integer read_integer(DType dtype, const std::byte* element) {
  switch (dtype) {
    case DType::I8: return {read_element<std::int8_t>(element)};
    case DType::U16: return {read_element<std::uint16_t>(element)};
    case DType::I16: return {read_element<std::int16_t>(element)};
    case DType::U32: return {read_element<std::uint32_t>(element)};
    case DType::I32: return {read_element<std::int32_t>(element)};
    case DType::I64: return {read_element<std::int64_t>(element)};
    case DType::U64: {
      const auto value = static_cast<std::int64_t>(read_element<std::uint64_t>(element));
      return {value, value < 0};
    }
    default: return {read_element<std::uint8_t>(element)};
  }
}
constexpr bool is_integer(DType dtype) {
  return dtype == DType::BOOL || dtype == DType::U8 || dtype == DType::I8 || dtype == DType::U16 ||
         dtype == DType::I16 || dtype == DType::U32 || dtype == DType::I32 || dtype == DType::U64 ||
         dtype == DType::I64;
}

/// Returns the first index whose value does not fit T, or out.size().
template <class T>
std::size_t convert_integers(DType dtype, std::span<const std::byte> bytes, std::span<T> out) {
  const auto size = static_cast<std::size_t>(dtype_bytes(dtype));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Integer x = read_integer(dtype, bytes.data() + i * size);
    if (x.is_large ? !std::same_as<T, std::uint64_t> : !std::in_range<T>(x.value)) return i;
    out[i] = static_cast<T>(x.value);
  }
  return out.size();
}

}  // namespace detail

template <class T>
void StateDict::copy_to(const TensorView& tensor, std::span<T> out) const {
  static_assert(!std::same_as<T, bool>, "read BOOL as std::uint8_t: the file may hold bytes other than 0 and 1");
  const auto place = [&] { return where_ + ": tensor \"" + tensor.name + "\""; };
  if (tensor.shape.count() != static_cast<Index>(out.size()))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "number of elements differs",
                 .where = place(),
                 .expected = std::to_string(out.size()),
                 .found = std::to_string(tensor.shape.count())}};
  if (out.empty()) return;
  if (tensor.dtype == dtype_of<T>()) {
    tensor.gather(std::as_writable_bytes(out));
    return;
  }
  std::vector<std::byte> gathered;
  std::span<const std::byte> bytes = tensor.bytes;
  if (!tensor.is_contiguous()) {
    gathered.resize(out.size() * static_cast<std::size_t>(dtype_bytes(tensor.dtype)));
    tensor.gather(gathered);
    bytes = gathered;
  }
  const auto refuse = [&](const char* expected) {
    throw Error{{.kind = ErrorKind::input,
                 .what = "element type cannot be converted",
                 .where = place(),
                 .expected = expected,
                 .found = std::string(dtype_name(tensor.dtype))}};
  };
  if constexpr (std::floating_point<T>) {
    switch (tensor.dtype) {
      case DType::F16: return detail::convert_floats<detail::Half>(bytes, out);
      case DType::BF16: return detail::convert_floats<detail::Bfloat>(bytes, out);
      case DType::F32: return detail::convert_floats<float>(bytes, out);
      case DType::F64: return detail::convert_floats<double>(bytes, out);
      default: refuse("F64, F32, F16 or BF16");
    }
  } else {
    if (!detail::is_integer(tensor.dtype)) refuse("an integer type or BOOL");
    const std::size_t done = detail::convert_integers(tensor.dtype, bytes, out);
    if (done != out.size())
      throw Error{
          {.kind = ErrorKind::input,
           .what = "element " + std::to_string(done) + " does not fit " + std::string(dtype_name(dtype_of<T>())),
           .where = place()}};
  }
}

}  // namespace ligase::inline LIGASE_ISA

#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/io/dtype.hpp>
#include <ligase/io/file.hpp>
#include <ligase/io/safetensors_header.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A tensor inside a safetensors file: a view, valid as long as the file object. The bytes need not be aligned.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// A safetensors file (huggingface/safetensors, format 0.4), memory-mapped. The header is checked completely before any of
/// it is believed: length, JSON, types, shapes, offsets without overlap or gap, size of the file. Errors are of kind
/// `input` and name file and tensor. Bytes of tensors are not read until asked for.
class Safetensors {
 public:
  explicit Safetensors(const std::filesystem::path& path) : file_(path), where_(path.string()) { index(file_.bytes()); }
  /// Reads from memory that outlives this object; `where` stands for the file's name in messages.
  Safetensors(std::span<const std::byte> bytes, std::string where) : where_(std::move(where)) { index(bytes); }

  /// Sorted by name.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// Bytes of all tensors.
  Index data_bytes() const {
    Index sum = 0;
    for (const TensorView& t : tensors_) sum += static_cast<Index>(t.bytes.size());
    return sum;
  }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// The file's name for messages.
  const std::string& where() const { return where_; }

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
  void index(std::span<const std::byte> bytes) {
    SafetensorsHeader header = parse_safetensors_header(bytes, where_);
    metadata_ = std::move(header.metadata);
    tensors_.reserve(header.entries.size());
    for (auto& e : header.entries)
      tensors_.push_back({std::move(e.name), e.dtype, e.shape,
                          bytes.subspan(static_cast<std::size_t>(header.data_begin + e.begin),
                                        static_cast<std::size_t>(e.end - e.begin))});
  }

  MappedFile file_;
  std::string where_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
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

template <class S>
S read_element(const std::byte* p) {
  S value;
  std::memcpy(&value, p, sizeof(S));
  return value;
}

template <class S, class T>
void convert_floats(std::span<const std::byte> bytes, std::span<T> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(read_element<S>(bytes.data() + i * sizeof(S)));
}

/// Returns the first index whose value does not fit T, or out.size().
template <class S, class T>
std::size_t convert_integers(std::span<const std::byte> bytes, std::span<T> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const S value = read_element<S>(bytes.data() + i * sizeof(S));
    if (!std::in_range<T>(value)) return i;
    out[i] = static_cast<T>(value);
  }
  return out.size();
}

}  // namespace detail

template <class T>
void Safetensors::copy_to(const TensorView& tensor, std::span<T> out) const {
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
    std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
    return;
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
      case DType::F16: return detail::convert_floats<detail::Half>(tensor.bytes, out);
      case DType::BF16: return detail::convert_floats<detail::Bfloat>(tensor.bytes, out);
      case DType::F32: return detail::convert_floats<float>(tensor.bytes, out);
      case DType::F64: return detail::convert_floats<double>(tensor.bytes, out);
      default: refuse("F64, F32, F16 or BF16");
    }
  } else {
    std::size_t done = out.size();
    switch (tensor.dtype) {
      case DType::BOOL:
      case DType::U8: done = detail::convert_integers<std::uint8_t>(tensor.bytes, out); break;
      case DType::I8: done = detail::convert_integers<std::int8_t>(tensor.bytes, out); break;
      case DType::U16: done = detail::convert_integers<std::uint16_t>(tensor.bytes, out); break;
      case DType::I16: done = detail::convert_integers<std::int16_t>(tensor.bytes, out); break;
      case DType::U32: done = detail::convert_integers<std::uint32_t>(tensor.bytes, out); break;
      case DType::I32: done = detail::convert_integers<std::int32_t>(tensor.bytes, out); break;
      case DType::U64: done = detail::convert_integers<std::uint64_t>(tensor.bytes, out); break;
      case DType::I64: done = detail::convert_integers<std::int64_t>(tensor.bytes, out); break;
      default: refuse("an integer type or BOOL");
    }
    if (done != out.size())
      throw Error{
          {.kind = ErrorKind::input,
           .what = "element " + std::to_string(done) + " does not fit " + std::string(dtype_name(dtype_of<T>())),
           .where = place()}};
  }
}

/// What to write: a name and the elements, which must outlive the call.
struct TensorRecord {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  const void* data = nullptr;
};

template <class T>
TensorRecord tensor_record(std::string name, const Tensor<T, cpu>& tensor) {
  return {std::move(name), dtype_of<T>(), tensor.shape(), tensor.data()};
}

enum class TensorOrder {
  sorted,  ///< names sorted in the header; wide types first in the data, then by name, which keeps every tensor aligned
  given,   ///< header and data as the records come
};

/// Writes a safetensors file atomically (AtomicFile). Equal records and metadata give equal bytes; with `sorted` the order
/// of the records does not matter. The header is padded with spaces to a multiple of 8. Throws kind `internal` for records
/// without data and for names that stand twice or are not UTF-8, kind `io` when writing fails.
inline void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> records,
                              TensorOrder order = TensorOrder::sorted,
                              const std::map<std::string, std::string>& metadata = {{"format", "pt"}}) {
  std::vector<const TensorRecord*> data;
  for (const TensorRecord& r : records) data.push_back(&r);
  if (order == TensorOrder::sorted)
    std::sort(data.begin(), data.end(), [](const TensorRecord* a, const TensorRecord* b) {
      const Index x = dtype_bytes(a->dtype), y = dtype_bytes(b->dtype);
      return x != y ? x > y : a->name < b->name;
    });

  std::vector<SafetensorsEntry> entries;
  Index offset = 0;
  for (const TensorRecord* r : data) {
    const Index begin = offset;
    const Index bytes = tensor_bytes(r->shape, r->dtype, path.string());
    if (__builtin_add_overflow(begin, bytes, &offset) || (bytes > 0 && r->data == nullptr))
      throw Error{
          {.kind = ErrorKind::internal, .what = "tensor has no data", .where = path.string(), .found = r->name}};
    entries.push_back({r->name, r->dtype, r->shape, begin, offset});
  }
  if (order == TensorOrder::sorted)
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });

  AtomicFile file(path);
  file.write(compose_safetensors_header(entries, metadata, path.string()));
  for (const TensorRecord* r : data)
    file.write(
        {static_cast<const std::byte*>(r->data), static_cast<std::size_t>(r->shape.count() * dtype_bytes(r->dtype))});
  file.commit();
}

}  // namespace ligase::inline LIGASE_ISA

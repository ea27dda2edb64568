#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/memory.hpp>
#include <ligase/core/shape.hpp>

#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Memory of a device, counted. Its type does not depend on the elements', so that it is compiled once.
template <Device D>
struct Storage {
  explicit Storage(Index n) : size(n), bytes(allocate(D{}, n)) { memory_counter<D>().add(n); }
  ~Storage() {
    memory_counter<D>().remove(size);
    release(D{}, bytes, size);
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  Index size;
  void* bytes;
};

template <Device D>
[[gnu::noinline]] std::shared_ptr<Storage<D>> make_storage(Index elements, Index element_size) {
  Index bytes = 0;
  if (__builtin_mul_overflow(elements, element_size, &bytes))
    throw Error{{.kind = ErrorKind::shape, .what = "tensor is larger than 2^63 bytes"}};
  return std::make_shared<Storage<D>>(bytes);
}

}  // namespace detail

/// A contiguous array of T with a shape, rows last. Copies share the elements (as a shared_ptr does); operations never write
/// to a tensor that they were given as input. On a device without data only the shape exists.
template <class T, Device D = cpu>
class Tensor {
 public:
  using Element = T;
  using DeviceType = D;

  // Out of line: a model copies tensors in hundreds of places, and inlined copies take longer to compile than its kernels.
  Tensor() = default;
  Tensor(Tensor&&) = default;
  [[gnu::noinline]] Tensor(const Tensor&) = default;
  [[gnu::noinline]] Tensor& operator=(Tensor&&) = default;
  [[gnu::noinline]] Tensor& operator=(const Tensor&) = default;
  [[gnu::noinline]] ~Tensor() = default;
  /// Uninitialised elements.
  [[gnu::noinline]] explicit Tensor(const Shape& shape)
      : shape_(shape),
        storage_(detail::make_storage<D>(shape.count(), static_cast<Index>(sizeof(T)))),
        data_(static_cast<T*>(storage_->bytes)) {}

  static Tensor zeros(Shape shape) {
    Tensor t(shape);
    t.set_zero();
    return t;
  }
  static Tensor from(Shape shape, std::span<const T> values)
    requires(D::holds_data)
  {
    Tensor t(shape);
    t.assign(values);
    return t;
  }

  bool empty() const { return storage_ == nullptr; }
  const Shape& shape() const { return shape_; }
  Index size(int i) const { return shape_[i]; }
  Index count() const { return empty() ? 0 : shape_.count(); }
  T* data() { return data_; }
  const T* data() const { return data_; }
  std::span<T> span()
    requires(D::on_host)
  {
    return {data_, static_cast<std::size_t>(count())};
  }
  std::span<const T> span() const
    requires(D::on_host)
  {
    return {data_, static_cast<std::size_t>(count())};
  }

  /// The same elements under another shape of equal count.
  Tensor reshaped(Shape shape) const {
    if (shape.count() != count())
      throw Error{{.kind = ErrorKind::shape, .what = "cannot reshape " + shape_.text() + " to " + shape.text()}};
    Tensor t = *this;
    t.shape_ = shape;
    return t;
  }
  /// Rows begin .. end-1 of the first dimension, sharing the elements.
  Tensor slice(Index begin, Index end) const {
    if (begin < 0 || end < begin || end > shape_[0])
      throw Error{{.kind = ErrorKind::shape,
                   .what = "slice " + std::to_string(begin) + ".." + std::to_string(end) + " outside " + shape_.text()}};
    Shape shape{end - begin};
    for (int i = 1; i < shape_.rank(); ++i) shape.push_back(shape_[i]);
    Tensor t = *this;
    t.shape_ = shape;
    if constexpr (D::holds_data)
      if (shape_[0] > 0) t.data_ = data_ + begin * (shape_.count() / shape_[0]);
    return t;
  }
  Tensor clone() const {
    Tensor t(shape_);
    if constexpr (D::on_host)
      std::copy(data_, data_ + count(), t.data_);
    else if constexpr (D::holds_data)
      copy_within(D{}, t.data_, data_, bytes());
    return t;
  }
  void set_zero() {
    if constexpr (D::on_host)
      std::fill(data_, data_ + count(), T{});
    else if constexpr (D::holds_data)
      device::set_zero(D{}, data_, bytes());
  }
  /// Replaces all elements by values of the host.
  void assign(std::span<const T> values)
    requires(D::holds_data)
  {
    if (static_cast<Index>(values.size()) != count())
      throw Error{{.kind = ErrorKind::shape,
                   .what = "number of values does not fit the shape " + shape_.text(),
                   .found = std::to_string(values.size())}};
    if constexpr (D::on_host)
      std::copy(values.begin(), values.end(), data_);
    else
      copy_in(D{}, data_, values.data(), bytes());
  }
  Index bytes() const { return count() * static_cast<Index>(sizeof(T)); }

 private:
  Shape shape_{0};
  std::shared_ptr<detail::Storage<D>> storage_;
  T* data_ = nullptr;
};

/// The same elements in host memory: shared where they lie there, else a copy.
template <class T, Device D>
Tensor<T, cpu> to_host(const Tensor<T, D>& x) {
  static_assert(D::holds_data, "a tensor of this device has a shape only");
  if constexpr (std::is_same_v<D, cpu>) {
    return x;
  } else {
    if (x.empty()) return {};
    Tensor<T, cpu> host(x.shape());
    if constexpr (D::on_host)
      std::copy(x.data(), x.data() + x.count(), host.data());
    else
      copy_out(D{}, host.data(), x.data(), x.bytes());
    return host;
  }
}

/// The same, bfloat16 as float: what the host computes with.
template <class T, Device D>
Tensor<wide_t<T>, cpu> to_host_wide(const Tensor<T, D>& x) {
  const Tensor<T, cpu> host = to_host(x);
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    return host;
  } else {
    Tensor<wide_t<T>, cpu> wide(host.shape());
    std::copy(host.data(), host.data() + host.count(), wide.data());
    return wide;
  }
}

/// The elements of a host tensor on device D: shared where that is the host, else a copy. Only the shape where D holds none.
template <Device D, class T>
Tensor<T, D> to_device(const Tensor<T, cpu>& x) {
  if constexpr (std::is_same_v<D, cpu>)
    return x;
  else if (x.empty())
    return {};
  else if constexpr (D::holds_data)
    return Tensor<T, D>::from(x.shape(), x.span());
  else
    return Tensor<T, D>(x.shape());
}

/// Calls fill(span) to write all elements on the host: in place where they lie there, else copied in afterwards. Nothing is
/// called on a device without data.
template <class T, Device D, class F>
void fill_on_host(Tensor<T, D>& x, F&& fill) {
  if constexpr (D::on_host) {
    fill(x.span());
  } else if constexpr (D::holds_data) {
    Tensor<T, cpu> host(x.shape());
    fill(host.span());
    x.assign(host.span());
  }
}

}  // namespace ligase::inline LIGASE_ISA

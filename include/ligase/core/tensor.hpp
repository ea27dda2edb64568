#pragma once

#include <ligase/core/memory.hpp>
#include <ligase/core/shape.hpp>

#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// A contiguous array of T with a shape, rows last. Copies share the elements (as a shared_ptr does); operations never write
/// to a tensor that they were given as input. On a device without data only the shape exists.
template <class T, Device D = cpu>
class Tensor {
 public:
  using Element = T;
  using DeviceType = D;

  Tensor() = default;
  /// Uninitialised elements.
  explicit Tensor(Shape shape) : shape_(shape), storage_(std::make_shared<Storage>(shape.count())) {
    data_ = storage_->elements;
  }

  static Tensor zeros(Shape shape) {
    Tensor t(shape);
    t.set_zero();
    return t;
  }
  static Tensor from(Shape shape, std::span<const T> values)
    requires(D::holds_data)
  {
    Tensor t(shape);
    if (static_cast<Index>(values.size()) != shape.count())
      throw Error{{.kind = ErrorKind::shape,
                   .what = "number of values does not fit the shape " + shape.text(),
                   .found = std::to_string(values.size())}};
    std::copy(values.begin(), values.end(), t.data());
    return t;
  }

  bool empty() const { return storage_ == nullptr; }
  const Shape& shape() const { return shape_; }
  Index size(int i) const { return shape_[i]; }
  Index count() const { return empty() ? 0 : shape_.count(); }
  T* data() { return data_; }
  const T* data() const { return data_; }
  std::span<T> span()
    requires(D::holds_data)
  {
    return {data_, static_cast<std::size_t>(count())};
  }
  std::span<const T> span() const
    requires(D::holds_data)
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
    if constexpr (D::holds_data) std::copy(data_, data_ + count(), t.data_);
    return t;
  }
  void set_zero() {
    if constexpr (D::holds_data) std::fill(data_, data_ + count(), T{});
  }

 private:
  struct Storage {
    explicit Storage(Index n) : bytes(checked_bytes(n)), elements(static_cast<T*>(allocate(D{}, bytes))) {
      memory_counter<D>().add(bytes);
    }
    ~Storage() {
      memory_counter<D>().remove(bytes);
      release(D{}, elements, bytes);
    }
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    static Index checked_bytes(Index n) {
      Index bytes = 0;
      if (__builtin_mul_overflow(n, static_cast<Index>(sizeof(T)), &bytes))
        throw Error{{.kind = ErrorKind::shape, .what = "tensor is larger than 2^63 bytes"}};
      return bytes;
    }

    Index bytes;
    T* elements;
  };

  Shape shape_{0};
  std::shared_ptr<Storage> storage_;
  T* data_ = nullptr;
};

}  // namespace ligase::inline LIGASE_ISA

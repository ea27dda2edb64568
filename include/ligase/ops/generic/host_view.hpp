#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/error.hpp>
#include <ligase/core/tensor.hpp>

#include <limits>
#include <span>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA::generic {

/// The elements as the host reads them, anything with size() and []: the tensor's own on a device in host memory, a copy of
/// another device's, none on a device without data.
template <Device D, class T>
auto host_view(Context<D>&, const Tensor<T, D>& x) {
  if constexpr (D::on_host) {
    return x.span();
  } else if constexpr (D::holds_data) {
    std::vector<T> copy(static_cast<std::size_t>(x.count()));
    copy_out(D{}, copy.data(), x.data(), x.bytes());
    return copy;
  } else {
    return std::span<const T>{};
  }
}

/// The sum of all elements, taken on the host in double, in order.
template <Device D, class T>
double host_sum(Context<D>& context, const Tensor<T, D>& x) {
  const auto values = host_view(context, x);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += static_cast<double>(values[i]);
  return sum;
}

/// Whether an id stands for something.
struct ValidId {
  Index limit, also_valid;
  LIGASE_HD bool operator()(Index id) const { return (id >= 0 && id < limit) || id == also_valid; }
};

/// Position of the first id that is not valid, or -1.
template <Device D>
Index find_invalid_id(Context<D>& context, const Tensor<std::int32_t, D>& ids, ValidId valid) {
  const auto values = host_view(context, ids);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!valid(values[i])) return static_cast<Index>(i);
  return -1;
}

[[noreturn]] inline void throw_invalid_id(const char* where, const Shape& shape, Index position, Index id, Index limit) {
  std::string place;
  Index rest = position;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    place = std::to_string(rest % shape[d]) + (place.empty() ? "" : ", ") + place;
    rest /= shape[d];
  }
  throw Error{{.kind = ErrorKind::input,
               .what = "id out of range at [" + place + "]",
               .where = where,
               .expected = "0 to " + std::to_string(limit - 1),
               .found = std::to_string(id)}};
}

/// Throws kind `input`, naming the place, unless every id is in 0 .. limit-1 or equals `also_valid`.
template <Device D>
void check_ids(Context<D>& context, const char* where, const Tensor<std::int32_t, D>& ids, Index limit,
               Index also_valid = std::numeric_limits<Index>::min()) {
  const Index invalid = find_invalid_id(context, ids, ValidId{limit, also_valid});
  if (invalid >= 0)
    throw_invalid_id(where, ids.shape(), invalid, host_view(context, ids)[static_cast<std::size_t>(invalid)], limit);
}

}  // namespace ligase::inline LIGASE_ISA::generic

#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/error.hpp>
#include <ligase/core/tensor.hpp>

#include <limits>
#include <span>
#include <string>

namespace ligase::inline LIGASE_ISA::generic {

/// The elements as the host reads them: the tensor's own on a device in host memory, none on a device without data. A device
/// with memory of its own overloads this in ligase::device and returns a copy (anything with size() and []).
template <Device D, class T>
std::span<const T> host_view(Context<D>&, const Tensor<T, D>& x) {
  if constexpr (D::holds_data)
    return x.span();
  else
    return {};
}

/// The sum of all elements, taken on the host in double, in order.
template <Device D, class T>
double host_sum(Context<D>& context, const Tensor<T, D>& x) {
  const auto values = host_view(context, x);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += static_cast<double>(values[i]);
  return sum;
}

/// Throws kind `input`, naming the place, unless every id is in 0 .. limit-1 or equals `also_valid`.
template <Device D>
void check_ids(Context<D>& context, const char* where, const Tensor<std::int32_t, D>& ids, Index limit,
               Index also_valid = std::numeric_limits<Index>::min()) {
  const auto values = host_view(context, ids);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Index id = values[i];
    if ((id >= 0 && id < limit) || id == also_valid) continue;
    std::string place;
    Index rest = static_cast<Index>(i);
    for (int d = ids.shape().rank() - 1; d >= 0; --d) {
      place = std::to_string(rest % ids.size(d)) + (place.empty() ? "" : ", ") + place;
      rest /= ids.size(d);
    }
    throw Error{{.kind = ErrorKind::input,
                 .what = "id out of range at [" + place + "]",
                 .where = where,
                 .expected = "0 to " + std::to_string(limit - 1),
                 .found = std::to_string(id)}};
  }
}

}  // namespace ligase::inline LIGASE_ISA::generic

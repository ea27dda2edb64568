#pragma once

#include <device/op_cases.hpp>

#include <algorithm>
#include <set>
#include <string>

namespace ligase_benchmark {

using FloatCase = ligase_test::OpCase<float, ligase::cpu>;
using FloatInputs = ligase_test::Inputs<float, ligase::cpu>;
using FloatTensors = ligase_test::Tensors<float, ligase::cpu>;

namespace detail {

inline double bytes(const FloatTensors& tensors) {
  double sum = 0;
  for (const auto& [name, t] : tensors) sum += 4.0 * static_cast<double>(t.count());
  return sum;
}
inline double bytes(const FloatInputs& in) {
  double sum = bytes(in.real);
  for (const auto& [name, t] : in.integer) sum += 4.0 * static_cast<double>(t.count());
  return sum;
}
inline double bytes(const FloatInputs& in, const std::string& name) {
  if (const auto real = in.real.find(name); real != in.real.end())
    return 4.0 * static_cast<double>(real->second.count());
  if (const auto ids = in.integer.find(name); ids != in.integer.end())
    return 4.0 * static_cast<double>(ids->second.count());
  return 0;
}

/// States that the forward scan keeps for the backward one.
inline double kept_states(const FloatCase& c) {
  const ligase_test::Sizes& s = c.sizes;
  return 4.0 * static_cast<double>(ligase::scan_detail::kept_shape({s.batch, s.length, s.channels}, s.states).count());
}

/// Share of the tokens that a pool's mask lets through.
inline double unmasked(const FloatInputs& in) {
  const auto mask = in.integer.find("mask");
  if (mask == in.integer.end()) return 1;
  const auto values = mask->second.span();
  return static_cast<double>(std::count_if(values.begin(), values.end(), [](auto m) { return m != 0; })) /
         static_cast<double>(values.size());
}

inline bool takes_one_token(const std::string& name) {
  return name.rfind("pool first", 0) == 0 || name.rfind("pool last", 0) == 0;
}

}  // namespace detail

/// Bytes that the forward pass reads and writes, each array once per call of the library.
inline double forward_bytes(const FloatCase& c, const FloatInputs& in, const FloatTensors& out) {
  using detail::bytes;
  const double y = bytes(out), all = bytes(in) + y;
  if (detail::takes_one_token(c.name)) return 2 * y;
  if (c.header == "pooling") return detail::unmasked(in) * bytes(in, "x") + bytes(in, "mask") + y;
  if (c.header == "embedding") return bytes(in, "ids") + std::min(bytes(in, "weight"), y) + y;
  if (c.header == "scan") return all + detail::kept_states(c);
  // Of these the case makes a second pass over its result: a copy to add to, ids as numbers.
  if (c.name == "accumulate" || c.name == "complement_ids" || c.name == "both_strands") return all + 2 * y;
  return all;
}

/// Bytes that the backward pass reads and writes.
inline double backward_bytes(const FloatCase& c, const FloatInputs& in, const FloatTensors& dout,
                             const FloatTensors& din) {
  using detail::bytes;
  static const std::set<std::string> linear_in_x{"scale",
                                                 "dropout",
                                                 "split",
                                                 "concat",
                                                 "exchange_strands",
                                                 "reverse time",
                                                 "reverse channels",
                                                 "reverse both",
                                                 "halves_to_channels",
                                                 "channels_to_halves"};
  const double gradients = bytes(dout) + bytes(din);
  if (linear_in_x.contains(c.name)) return gradients;
  if (c.header == "pooling") return gradients + (c.name == "pool mean masked" ? bytes(in, "mask") : 0);
  if (c.name == "join_strand_logits") return gradients + bytes(in, "map");
  if (c.header == "embedding") return gradients + bytes(in, "ids");
  if (c.header == "scan") return gradients + bytes(in) + detail::kept_states(c);
  return gradients + bytes(in);
}

}  // namespace ligase_benchmark

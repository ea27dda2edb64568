#pragma once

#include <device/op_cases.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <type_traits>

namespace ligase_benchmark {

using FloatCase = ligase_test::OpCase<float, ligase::cpu>;
using FloatInputs = ligase_test::Inputs<float, ligase::cpu>;
using FloatTensors = ligase_test::Tensors<float, ligase::cpu>;

namespace detail {

using ligase_test::Inputs;
using ligase_test::OpCase;
using ligase_test::Tensors;

template <class Map>
double bytes_of(const Map& tensors) {
  double sum = 0;
  for (const auto& [name, t] : tensors) sum += static_cast<double>(t.bytes());
  return sum;
}
template <class T, class D>
double bytes(const Tensors<T, D>& tensors) {
  return bytes_of(tensors) + (std::is_same_v<T, ligase::wide_t<T>> ? 0 : bytes_of(tensors.wide()));
}
template <class T, class D>
double bytes(const Inputs<T, D>& in) {
  return bytes(in.real) + bytes_of(in.integer);
}
template <class T, class D>
double bytes(const Inputs<T, D>& in, const std::string& name) {
  if (const auto real = in.real.find(name); real != in.real.end()) return static_cast<double>(real->second.bytes());
  if (const auto wide = in.real.wide().find(name); wide != in.real.wide().end())
    return static_cast<double>(wide->second.bytes());
  if (const auto ids = in.integer.find(name); ids != in.integer.end()) return static_cast<double>(ids->second.bytes());
  return 0;
}

/// States that the forward scan keeps for the backward one.
template <class T, class D>
double kept_states(const OpCase<T, D>& c) {
  const ligase_test::Sizes& s = c.sizes;
  return sizeof(ligase::wide_t<T>) *
         static_cast<double>(ligase::scan_detail::kept_shape({s.batch, s.length, s.channels}, s.states).count());
}

/// Share of the tokens that a pool's mask lets through.
template <class T, class D>
double unmasked(const Inputs<T, D>& in) {
  const auto mask = in.integer.find("mask");
  if (mask == in.integer.end()) return 1;
  const auto host = to_host(mask->second);
  const auto values = host.span();
  return static_cast<double>(std::count_if(values.begin(), values.end(), [](auto m) { return m != 0; })) /
         static_cast<double>(values.size());
}

inline bool takes_one_token(const std::string& name) {
  return name.rfind("pool first", 0) == 0 || name.rfind("pool last", 0) == 0;
}

}  // namespace detail

/// Bytes that the forward pass reads and writes, each array once per call of the library.
template <class T, class D>
double forward_bytes(const ligase_test::OpCase<T, D>& c, const ligase_test::Inputs<T, D>& in,
                     const ligase_test::Tensors<T, D>& out) {
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
template <class T, class D>
double backward_bytes(const ligase_test::OpCase<T, D>& c, const ligase_test::Inputs<T, D>& in,
                      const ligase_test::Tensors<T, D>& dout, const ligase_test::Tensors<T, D>& din) {
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

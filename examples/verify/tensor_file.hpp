#pragma once

#include "tally.hpp"

#include <ligase/io/safetensors.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace ligase_verify {

using namespace ligase;

/// The elements of a host tensor as T on device D, rounded where T is bfloat16.
template <class T, class D>
Tensor<T, D> on_device(const Tensor<wide_t<T>, cpu>& x) {
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    return to_device<D>(x);
  } else {
    if (x.empty()) return {};
    Tensor<T, cpu> rounded(x.shape());
    std::copy(x.data(), x.data() + x.count(), rounded.data());
    return to_device<D>(rounded);
  }
}

/// The tensors of a case. Every one of them must be read as input or compared as result: finish() reports the others.
class TensorFile {
 public:
  /// `label` stands before names in reports.
  TensorFile(const std::filesystem::path& path, Tally& tally, std::string label = {});

  bool holds(const std::string& name) const { return file_.find(name) != nullptr; }
  /// Whether NAME or NAME_f64 is there.
  bool expects(const std::string& name) const { return holds(name) || holds(name + "_f64"); }
  bool expects_below(std::string_view prefix) const;
  const TensorView& view(const std::string& name) const { return file_.at(name); }

  template <class T>
  Tensor<T, cpu> input(const std::string& name) {
    known_.insert(name);
    return on_device<T, cpu>(file_.to_tensor<wide_t<T>>(name));
  }
  /// The same; empty where the file does not hold it.
  template <class T>
  Tensor<T, cpu> optional_input(const std::string& name) {
    return holds(name) ? input<T>(name) : Tensor<T, cpu>();
  }
  /// Token ids [B, L] or labels: integers of that rank, at least one of them.
  Tensor<std::int32_t, cpu> integers(const std::string& name, int rank);

  /// Compares NAME and NAME_f64 where they are there.
  template <class T, class D>
  void compare(const std::string& name, const Tensor<T, D>& found, Quantity quantity) {
    if (!expects(name)) return;
    const Tensor<T, cpu> host = to_host(found);
    compare(name, found.shape(), std::vector<double>(host.data(), host.data() + host.count()), quantity);
  }
  void compare(const std::string& name, double found, Quantity quantity) { compare(name, {}, {found}, quantity); }
  /// A scalar may be stored as [] or [1].
  void compare(const std::string& name, const Shape& shape, const std::vector<double>& found, Quantity quantity);

  /// Fails the case where the file holds a tensor that was neither read nor compared.
  void finish();

 private:
  void compare_one(const std::string& name, const Shape& shape, const std::vector<double>& found, Quantity quantity);

  Safetensors file_;
  Tally& tally_;
  std::string label_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace ligase_verify

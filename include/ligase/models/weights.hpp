#pragma once

#include <ligase/io/safetensors.hpp>
#include <ligase/nn/param.hpp>

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

inline std::string join_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 8; ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > 8) text += " and " + std::to_string(names.size() - 8) + " more";
  return text;
}

/// Reads one tensor into place or, of a tied one's further name, checks that it holds the same numbers.
template <class T>
bool read_or_compare(const Safetensors& file, const TensorView& view, Tensor<T, cpu>& target, bool compare) {
  if (!compare) {
    file.copy_to(view, target.span());
    return true;
  }
  const Tensor<T, cpu> other = file.to_tensor<T>(view);
  return std::memcmp(other.data(), target.data(), static_cast<std::size_t>(target.count()) * sizeof(T)) == 0;
}

}  // namespace detail

/// Fills every parameter of `module` from the tensors of a file, under the names of its `visit`. A tied tensor may come once,
/// under any of its names, or several times with equal numbers. Buffers must agree with the module's own. Everything that is
/// missing, unexpected, misshaped or contradicting goes into one error of kind `input`, thrown before any weight is used.
template <class M>
void load_weights(M& module, const Safetensors& file) {
  std::vector<std::string> missing, misshaped, differing;
  std::set<std::string> known;
  std::set<const void*> filled;
  std::map<const void*, std::string> first_name;
  visit_tensors(module, [&](const std::string& name, auto& x, bool) {
    using T = typename std::remove_cvref_t<decltype(x.value)>::Element;
    known.insert(name);
    const void* storage = x.value.data();
    first_name.emplace(storage, name);
    const TensorView* view = file.find(name);
    if (view == nullptr) return;
    if (!(view->shape == x.value.shape())) {
      misshaped.push_back(name + " (expected " + x.value.shape().text() + ", found " + view->shape.text() + ")");
      filled.insert(storage);
      return;
    }
    constexpr bool is_buffer = detail::is_buffer<std::remove_reference_t<decltype(x)>>::value;
    const bool compare = is_buffer || filled.contains(storage);
    if (!detail::read_or_compare<T>(file, *view, x.value, compare)) differing.push_back(name);
    filled.insert(storage);
  });
  for (const auto& [storage, name] : first_name)
    if (!filled.contains(storage)) missing.push_back(name);
  std::vector<std::string> unexpected;
  for (const TensorView& view : file.tensors())
    if (!known.contains(std::string(view.name))) unexpected.push_back(std::string(view.name));

  std::string problems;
  const auto report = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) problems += (problems.empty() ? "" : "; ") + (what + (": " + detail::join_names(names)));
  };
  report("missing tensors", missing);
  report("unexpected tensors", unexpected);
  report("tensors of another shape", misshaped);
  report("tied tensors or maps that differ", differing);
  if (!problems.empty())
    throw Error{{.kind = ErrorKind::input, .what = "the weights do not fit the model: " + problems, .where = file.where()}};
}

/// Every tensor of `module` under its first name, ties once; integer buffers as int64. The records point into the module
/// and into `integers`, which must live as long.
template <class M>
std::vector<TensorRecord> weight_records(const M& module, std::vector<Tensor<std::int64_t, cpu>>& integers) {
  std::vector<TensorRecord> records;
  visit_tensors(module, [&](const std::string& name, const auto& x, bool is_alias) {
    if (is_alias) return;
    if constexpr (detail::is_buffer<std::remove_reference_t<decltype(x)>>::value) {
      Tensor<std::int64_t, cpu> wide(x.value.shape());
      std::copy(x.value.data(), x.value.data() + x.value.count(), wide.data());
      records.push_back(tensor_record(name, wide));
      integers.push_back(wide);
    } else {
      records.push_back(tensor_record(name, x.value));
    }
  });
  return records;
}

/// Writes the tensors of `module` as the originals' safetensors files are written, atomically.
template <class M>
void save_weights(const M& module, const std::filesystem::path& path) {
  std::vector<Tensor<std::int64_t, cpu>> integers;
  const std::vector<TensorRecord> records = weight_records(module, integers);
  write_safetensors(path, records);
}

}  // namespace ligase::inline LIGASE_ISA

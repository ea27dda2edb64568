#pragma once

#include <ligase/io/safetensors.hpp>
#include <ligase/models/weights_mismatch.hpp>
#include <ligase/nn/param.hpp>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What load_weights forgives.
struct LoadOptions {
  /// A head (tensors named `...head...`, `...decoder...` or `score...`) that the file lacks or holds in another shape stays as
  /// it was drawn, and heads of the file that the model lacks are passed over.
  bool fresh_head = false;
};

namespace detail {

inline bool is_head(std::string_view name) {
  return name.find("head") != name.npos || name.find("decoder") != name.npos || name.starts_with("score.");
}

/// Counters that the training repository's metrics leave in a state dict.
inline bool is_metric(std::string_view name) {
  for (const std::string_view split : {"train", "val", "test"})
    if (name.starts_with(split) && name.substr(split.size()).starts_with("_torchmetrics.")) return true;
  return false;
}

template <class T>
[[gnu::noinline]] bool all_finite(std::span<const T> values) {
  bool finite = true;
  for (const wide_t<T> x : values) finite &= x - x == 0;
  return finite;
}

/// Goes with a visit over a model's tensors and keeps account of what fits and what does not.
class WeightLoader {
 public:
  WeightLoader(const StateDict& file, const LoadOptions& options)
      : file_(file), options_(options), used_(file.tensors().size()) {}

  /// Reads one tensor into place; of a tied one's further name, or of a buffer, checks that it holds the same numbers.
  template <class T, Device D>
  void take(const std::string& name, Tensor<T, D>& target, bool is_buffer, bool is_alias) {
    Storage& storage = storage_of(target.data(), name, is_buffer || is_alias);
    const TensorView* view = locate(name);
    if (view == nullptr || !fits(*view, name, target.shape(), storage) || storage.misshaped) return;
    if (!is_buffer && storage.source == nullptr) {
      fill_on_host(target, [&](std::span<T> values) {
        file_.copy_to(*view, values);
        if (!all_finite<T>(values)) mismatch_.not_finite.push_back(name);
      });
      storage.source = view;
      return;
    }
    const bool same = storage.source != nullptr && have_same_bytes(*storage.source, *view);
    if (!same && !holds(*view, target))
      mismatch_.differing.push_back(is_buffer ? name : name + " and " + storage.source->name);
    storage.source = view;
  }

  /// Throws what does not fit.
  void finish() {
    for (const Storage& s : storages_)
      if (s.source == nullptr && !s.misshaped && !(options_.fresh_head && is_head(s.first_name)))
        mismatch_.missing.push_back(s.first_name);
    for (std::size_t i = 0; i < used_.size(); ++i) {
      const std::string& name = file_.tensors()[i].name;
      if (!used_[i] && !is_metric(name) && !(options_.fresh_head && is_head(name)))
        mismatch_.unexpected.push_back(name);
    }
    if (!mismatch_.empty()) throw_mismatch(mismatch_, file_.where());
  }

 private:
  /// Elements that one or several names of the model stand for.
  struct Storage {
    const void* elements;
    std::string first_name;
    const TensorView* source = nullptr;  ///< null: not read
    bool misshaped = false;
  };

  Storage& storage_of(const void* elements, const std::string& name, bool may_be_known) {
    if (may_be_known)
      for (Storage& known : storages_)
        if (known.elements == elements) return known;
    storages_.push_back({elements, name});
    return storages_.back();
  }

  /// Lightning writes every name below `model.`; a model of that layout reads files without it.
  const TensorView* locate(const std::string& name) {
    constexpr std::string_view prefix = "model.";
    const TensorView* view = file_.find(name);
    if (view == nullptr) view = file_.find(std::string(prefix) + name);
    if (view == nullptr && name.starts_with(prefix)) view = file_.find(std::string_view(name).substr(prefix.size()));
    if (view != nullptr) used_[static_cast<std::size_t>(view - file_.tensors().data())] = true;
    return view;
  }

  bool fits(const TensorView& view, const std::string& name, const Shape& shape, Storage& storage) {
    if (view.shape == shape) return true;
    if (options_.fresh_head && is_head(name)) return false;
    mismatch_.misshaped.push_back(name + " (expected " + shape.text() + ", found " + view.shape.text() + ")");
    storage.misshaped = true;
    return false;
  }

  static bool have_same_bytes(const TensorView& a, const TensorView& b) {
    return a.bytes.data() == b.bytes.data() && a.bytes.size() == b.bytes.size() && a.dtype == b.dtype &&
           a.strides == b.strides;
  }
  template <class T, Device D>
  bool holds(const TensorView& view, const Tensor<T, D>& target) const {
    const Tensor<T, cpu> other = file_.to_tensor<T>(view), own = to_host(target);
    return std::memcmp(other.data(), own.data(), static_cast<std::size_t>(own.bytes())) == 0;
  }

  const StateDict& file_;
  LoadOptions options_;
  std::vector<bool> used_;
  std::vector<Storage> storages_;
  WeightsMismatch mismatch_;
};

}  // namespace detail

/// Fills every parameter of `module` from the tensors of a file, under the names of its `visit`, with or without the prefix
/// "model." of Lightning. A tied tensor may come once, under any of its names, or several times with equal numbers. Buffers
/// must agree with those of the module. Counters of metrics are passed over. Everything that is missing, unexpected, misshaped,
/// contradicting or no finite number goes into one error of kind `input`, thrown before any weight is used.
template <class M>
void load_weights(M& module, const StateDict& file, const LoadOptions& options = {}) {
  detail::WeightLoader loader(file, options);
  visit_tensors(module, [&](const std::string& name, auto& x, bool is_alias) {
    loader.take(name, x.value, detail::is_buffer<std::remove_reference_t<decltype(x)>>::value, is_alias);
  });
  loader.finish();
}

/// Tensors to be written, and the host copies that some of them point into.
struct WeightRecords {
  std::vector<TensorRecord> records;
  std::vector<std::shared_ptr<const void>> copies;

  /// A tensor that a device may hold; the host's own is not copied.
  template <class T, Device D>
  void add(std::string name, const Tensor<T, D>& x) {
    const auto host = std::make_shared<const Tensor<T, cpu>>(to_host(x));
    records.push_back(tensor_record(std::move(name), *host));
    copies.push_back(host);
  }
};

/// Every tensor of `module` under its first name, ties once; integer buffers as int64.
template <class M>
WeightRecords weight_records(const M& module) {
  WeightRecords all;
  visit_tensors(module, [&](const std::string& name, const auto& x, bool is_alias) {
    if (is_alias) return;
    if constexpr (detail::is_buffer<std::remove_reference_t<decltype(x)>>::value) {
      const auto narrow = to_host(x.value);
      Tensor<std::int64_t, cpu> wide(narrow.shape());
      std::copy(narrow.data(), narrow.data() + narrow.count(), wide.data());
      all.add(name, wide);
    } else {
      all.add(name, x.value);
    }
  });
  return all;
}

/// Writes the tensors of `module` as the originals' safetensors files are written, atomically.
template <class M>
void save_weights(const M& module, const std::filesystem::path& path) {
  write_safetensors(path, weight_records(module).records);
}

}  // namespace ligase::inline LIGASE_ISA

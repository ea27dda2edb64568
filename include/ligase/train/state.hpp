#pragma once

#include <ligase/io/json.hpp>
#include <ligase/io/safetensors.hpp>
#include <ligase/models/weights.hpp>
#include <ligase/train/optimizer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Where a training run keeps things.
struct RunFolder {
  std::filesystem::path root;

  /// Hugging Face layout, written from the model after each saved state.
  std::filesystem::path checkpoint() const { return root / "checkpoint"; }
  /// The whole training state in one file.
  std::filesystem::path state() const { return root / "training_state.safetensors"; }
  std::filesystem::path log() const { return root / "log.jsonl"; }
  std::filesystem::path result() const { return root / "result.json"; }

  /// Makes the folder. Throws kind `io`.
  void create() const { make_folder(root); }
  /// Removes state, result and log, the state first: what a kill in between leaves counts as no run.
  void clear_progress() const {
    remove({state(), result(), log()});
    clear_temporaries();
  }
  /// The same, and the checkpoint.
  void clear() const {
    clear_progress();
    remove({checkpoint()});
  }
  /// Removes temporary files (AtomicFile) that a killed process left behind, here and in checkpoint/.
  void clear_temporaries() const {
    std::error_code ignored;
    std::vector<std::filesystem::path> found;
    for (const auto& folder : {root, checkpoint()})
      for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(".") && name.ends_with(".tmp")) found.push_back(entry.path());
      }
    for (const auto& path : found) std::filesystem::remove(path, ignored);
  }

 private:
  static void remove(std::initializer_list<std::filesystem::path> paths) {
    for (const auto& path : paths) {
      std::error_code error;
      std::filesystem::remove_all(path, error);
      if (error)
        throw Error{{.kind = ErrorKind::io,
                     .what = "cannot remove the old run",
                     .where = path.string(),
                     .found = error.message()}};
    }
  }
};

/// What a run remembers besides weights and moments.
struct TrainState {
  Index step = 0;     ///< optimiser steps made
  Index batches = 0;  ///< micro-batches used: the next one's number, the position in the data
  Index tokens = 0;   ///< ids of all input batches so far
  double last_loss = std::numeric_limits<double>::quiet_NaN();
  Json flags = Json::object();  ///< everything that the result depends on
  Json extra = Json::object();  ///< what callbacks remember
};

/// Flags that may change between the parts of one run.
inline constexpr std::array<std::string_view, 5> free_flags{"device", "overwrite", "quiet", "resume", "threads"};

/// Throws kind `usage` naming every flag whose value is not the saved one. `where` is the file that holds the saved
/// ones.
template <class J>
void check_same_flags(const J& saved, const J& given, const std::string& where) {
  std::map<std::string, std::pair<std::string, std::string>> values;
  for (const auto& item : saved.items()) values[item.key()].first = dump_json(item.value(), -1);
  for (const auto& item : given.items()) values[item.key()].second = dump_json(item.value(), -1);
  std::string found;
  for (const auto& [name, value] : values) {
    if (value.first == value.second || std::find(free_flags.begin(), free_flags.end(), name) != free_flags.end())
      continue;
    const auto text = [](const std::string& v) { return v.empty() ? std::string("absent") : v; };
    found +=
        (found.empty() ? "--" : ", --") + name + " (saved " + text(value.first) + ", given " + text(value.second) + ")";
  }
  if (!found.empty())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "flags differ from those of the saved run",
                 .where = where,
                 .expected = "the same flags, or a new folder",
                 .found = found}};
}

namespace detail {

inline constexpr const char* state_key = "ligase.training_state";

/// f(name, tensor) for every tensor of a run: model (buffers and frozen weights included) and moments.
template <class M, class T, Device D, class F>
void visit_state(M& module, AdamW<T, D>& optimizer, F&& f) {
  visit_tensors(module, [&](const std::string& name, auto& x, bool is_alias) {
    if (!is_alias) f("model." + name, x.value);
  });
  for (auto& [name, m] : optimizer.moments()) {
    f("first_moment." + name, m.first);
    f("second_moment." + name, m.second);
  }
}

template <class J = Json>
TrainState parse_training_state(const Safetensors& file) {
  const auto found = file.metadata().find(state_key);
  if (found == file.metadata().end())
    throw Error{{.kind = ErrorKind::input,
                 .what = "no training state",
                 .where = file.where(),
                 .expected = std::string("metadata \"") + state_key + "\""}};
  const J json = parse_json<J>(found->second, file.where());
  const auto count = [&](const char* field) {
    const auto value = require<Index>(json, field, file.where());
    if (value < 0)
      throw Error{{.kind = ErrorKind::input,
                   .what = std::string("negative \"") + field + "\" in the training state",
                   .where = file.where(),
                   .found = std::to_string(value)}};
    return value;
  };
  const auto object = [&](const char* field) {
    J value = require<J>(json, field, file.where());
    if (!value.is_object()) throw_json_type(value, file.where() + ": field \"" + field + "\"", "an object");
    return value;
  };
  return {.step = count("step"),
          .batches = count("batches"),
          .tokens = count("tokens"),
          .last_loss = field_or<double>(json, "last_loss", std::numeric_limits<double>::quiet_NaN(), file.where()),
          .flags = object("flags"),
          .extra = object("extra")};
}

}  // namespace detail

/// Saves a run: weights, moments, counters, flags, in one safetensors file that replaces the one before whole
/// (AtomicFile). A process killed at any moment, or a full disk, leaves either the old state or the new one. The state
/// holds its own copy of the weights: checkpoint/ is written from the model afterwards, may be one save older after a
/// kill, and is written again on resume.
template <class M, class T, Device D>
void save_training_state(const RunFolder& folder, M& module, AdamW<T, D>& optimizer, const TrainState& state) {
  const Json json = {{"step", state.step},           {"batches", state.batches}, {"tokens", state.tokens},
                     {"last_loss", state.last_loss}, {"flags", state.flags},     {"extra", state.extra}};
  WeightRecords all;
  detail::visit_state(module, optimizer, [&](std::string name, const auto& x) { all.add(std::move(name), x); });
  write_safetensors(folder.state(), all.records, TensorOrder::sorted, {{detail::state_key, dump_json(json, -1)}});
}

/// Whether the folder holds a complete state.
inline bool has_training_state(const RunFolder& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder.state(), ignored);
}

/// The state without its tensors. Throws kind `input` for a file that is none.
inline TrainState read_training_state(const RunFolder& folder) {
  return detail::parse_training_state(Safetensors(folder.state()));
}

/// Restores weights and moments bit by bit and returns the rest. `optimizer` must have been reset for `module`. Tensors
/// that are missing, too many or of another shape or type: one Error (input) that lists them, and nothing is changed.
template <class M, class T, Device D>
TrainState load_training_state(const RunFolder& folder, M& module, AdamW<T, D>& optimizer) {
  const Safetensors file(folder.state());
  TrainState state = detail::parse_training_state(file);

  std::string problems;
  const auto complain = [&](const std::string& text) { problems += (problems.empty() ? "" : ", ") + text; };
  std::vector<std::string> names;
  detail::visit_state(module, optimizer, [&](const std::string& name, const auto& x) {
    constexpr DType dtype = dtype_of<typename std::remove_cvref_t<decltype(x)>::Element>();
    names.push_back(name);
    const TensorView* view = file.find(name);
    if (view == nullptr)
      complain(name + " missing");
    else if (!(view->shape == x.shape()) || view->dtype != dtype)
      complain(name + " is " + std::string(dtype_name(view->dtype)) + " " + view->shape.text() + " instead of " +
               std::string(dtype_name(dtype)) + " " + x.shape().text());
  });
  std::sort(names.begin(), names.end());
  for (const TensorView& view : file.tensors())
    if (!std::binary_search(names.begin(), names.end(), view.name)) complain(view.name + " unknown");
  if (!problems.empty())
    throw Error{{.kind = ErrorKind::input,
                 .what = "the saved state does not fit the model",
                 .where = file.where(),
                 .found = problems}};

  detail::visit_state(module, optimizer, [&](const std::string& name, auto& x) {
    fill_on_host(x, [&](auto values) { file.copy_to(*file.find(name), values); });
  });
  optimizer.set_steps(state.step);
  return state;
}

}  // namespace ligase::inline LIGASE_ISA

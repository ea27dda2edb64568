#pragma once

#include "cases.hpp"
#include "tensor_file.hpp"

#include <ligase/io/checkpoint_file.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/models/weights.hpp>
#include <ligase/nn/pieces.hpp>
#include <ligase/ops/strands.hpp>

#include <map>

namespace ligase_verify {

/// Label that language models leave out where the configuration names none: [PAD].
inline constexpr Index default_ignored_label = 4;

inline Json read_config_json(const CaseFolder& folder) { return parse_json_file(folder.path / "config.json"); }

/// Reads the configuration and checks the depth against the weights before anything is allocated.
template <class Backbone>
typename Backbone::Config read_config(const CaseFolder& folder, const Json& json, const StateDict& weights) {
  const std::string where = (folder.path / "config.json").string();
  auto config = Backbone::read_config(json, where);
  if (config.n_layer > static_cast<Index>(weights.tensors().size()))
    throw Error{{.kind = ErrorKind::input,
                 .what = "field \"n_layer\" does not fit the weights",
                 .where = where,
                 .expected = "at most " + std::to_string(weights.tensors().size()),
                 .found = std::to_string(config.n_layer)}};
  return config;
}

/// Bytes of every tensor of `model`, one after the other.
template <class M>
std::string weight_bytes(const M& model) {
  std::string bytes;
  visit_tensors(model, [&](const std::string&, const auto& x, bool) {
    const auto host = to_host(x.value);
    const auto elements = std::as_bytes(host.span());
    bytes.append(reinterpret_cast<const char*>(elements.data()), elements.size());
  });
  return bytes;
}

/// Fills `model` from `weights`, the case's first container, then from each further one: all must give the same bits.
template <class M>
void load_containers(M& model, const CaseFolder& folder, const StateDict& weights, Tally& tally) {
  load_weights(model, weights);
  const auto files = weight_files(folder.path);
  if (files.size() < 2) return;
  const std::string expected = weight_bytes(model);
  for (std::size_t i = 1; i < files.size(); ++i) {
    load_weights(model, open_state_dict(files[i]));
    tally.agree(files[i].filename().string(), weight_bytes(model) == expected, "the weights of " + weights.where(),
                "other weights");
  }
}

/// Everything that flows past the taps of a forward pass, in host memory, under the golden files' names. T: float or double.
template <class T>
class HiddenStates final : public Observer {
 public:
  void see(const char* name, Index layer, const Tensor<float, cpu>& x) override { keep(name, layer, x); }
  void see(const char* name, Index layer, const Tensor<double, cpu>& x) override { keep(name, layer, x); }

  /// As it flows: the strands of RCPS as a batch [2 B, L, D].
  const std::map<std::string, Tensor<T, cpu>>& all() const { return states_; }
  const Tensor<T, cpu>& at(const std::string& name) const { return states_.at(name); }

 private:
  template <class U>
  void keep(const std::string& name, Index layer, const Tensor<U, cpu>& x) {
    const bool of_a_layer = name != "embeddings" && name != "final_norm";
    if constexpr (std::is_same_v<U, T>)
      states_["hidden." + (of_a_layer ? "layers." + std::to_string(layer) + "." : "") + name] = x;
  }

  std::map<std::string, Tensor<T, cpu>> states_;
};

/// The original's layout of a hidden state: for RCPS [B, L, 2 D].
template <class Backbone, class T>
Tensor<T, cpu> original_layout(Context<cpu>& context, const Tensor<T, cpu>& x) {
  if constexpr (Backbone::SymmetryType::strands == 2)
    return ops::halves_to_channels(context, x);
  else
    return x;
}

/// Compares grad.NAME of every parameter, under each of its names.
template <class M>
void compare_gradients(M& model, TensorFile& cases) {
  visit_tensors(model, [&](const std::string& name, auto& x, bool) {
    if constexpr (requires { x.gradient; }) cases.compare("grad." + name, x.gradient, Quantity::gradient);
  });
}

}  // namespace ligase_verify

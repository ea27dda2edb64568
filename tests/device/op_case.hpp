#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ligase_test {

using ligase::Context;
using ligase::Index;
using ligase::Shape;
using ligase::Tensor;

/// How a tensor's first dimension relates to the sequences of a batch.
enum class Role {
  batch,    ///< one row per sequence
  strands,  ///< 2 B rows: sequence b at b and at B + b
  whole,    ///< shared by all sequences, or dependent on all
};

/// The sizes that every operation's case is built from.
struct Sizes {
  Index batch, length, channels, outputs, states, vocabulary;

  std::string text() const {
    return "B=" + std::to_string(batch) + " L=" + std::to_string(length) + " D=" + std::to_string(channels) +
           " O=" + std::to_string(outputs) + " N=" + std::to_string(states) + " V=" + std::to_string(vocabulary);
  }
};

/// A named random input: numbers in [low, high), or ids in 0 .. below-1, of which `ignored` makes some -100. `wide`: held in
/// the type of weights, statistics and states, which for bfloat16 is float.
struct Input {
  std::string name;
  Shape shape;
  Role role = Role::batch;
  double low = -1.5, high = 1.5;
  Index below = 0;
  bool ignored = false;
  bool wide = false;
};
inline Input parameter(std::string name, Shape shape, double low = -1, double high = 1) {
  return {std::move(name), shape, Role::whole, low, high, 0, false, true};
}
inline Input ids(std::string name, Shape shape, Index below, Role role = Role::batch) {
  return {std::move(name), shape, role, 0, 0, below};
}

/// Named tensors: those of the number type itself, and the wide ones, which are the same map where that is one type.
template <class T, class D>
struct Tensors : std::map<std::string, Tensor<T, D>> {
  using Wide = std::map<std::string, Tensor<T, D>>;
  Wide& wide() { return *this; }
  const Wide& wide() const { return *this; }
};
template <class D>
struct Tensors<ligase::bfloat16, D> : std::map<std::string, Tensor<ligase::bfloat16, D>> {
  using Wide = std::map<std::string, Tensor<float, D>>;
  Wide& wide() { return wide_; }
  const Wide& wide() const { return wide_; }

 private:
  Wide wide_;
};

template <class T, class D>
struct Inputs {
  Tensors<T, D> real;
  std::map<std::string, Tensor<std::int32_t, D>> integer;

  const Tensor<T, D>& operator[](const std::string& name) const { return real.at(name); }
  /// Of an input that is `wide`.
  const Tensor<ligase::wide_t<T>, D>& wide(const std::string& name) const { return real.wide().at(name); }
  const Tensor<std::int32_t, D>& id(const std::string& name) const { return integer.at(name); }
};

/// Arithmetic of one call, for the benchmark: floating-point operations of matrix products, exponentials, and
/// multiply-adds of the scan.
struct Work {
  double flops = 0, exps = 0, scan_steps = 0;
};

/// One operation at one size. `forward` fills the outputs; `backward`, where there is one, runs after it on the same inputs
/// and fills gradients of the inputs under their names.
template <class T, class D>
struct OpCase {
  std::string header;  ///< the public header ops/<header>.hpp
  std::string name;
  Sizes sizes;
  std::vector<Input> inputs;
  std::map<std::string, Role> outputs;
  std::function<void(Context<D>&, const Inputs<T, D>&, Tensors<T, D>&)> forward;
  std::function<void(Context<D>&, const Inputs<T, D>&, const Tensors<T, D>&, Tensors<T, D>&)> backward;
  Role gradients = Role::batch;  ///< Role::whole where gradients of a sequence depend on the others
  Work work_forward = {}, work_backward = {};
  double bound = 2e-6;  ///< relative L2 distance of float results from double
  double gradient_bound = 5e-6;

  std::string title() const { return name + " " + sizes.text(); }
};

}  // namespace ligase_test

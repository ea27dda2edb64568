#pragma once

#include <device/op_case.hpp>

#include <ligase/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace ligase_test {

/// Elements as doubles, whatever they were computed in.
struct Array {
  Shape shape;
  std::vector<double> values;
};
using Arrays = std::map<std::string, Array>;

/// A case without device and number type, so that each pair of these is instantiated once. `run` computes the outputs into
/// the first Arrays and, where output gradients are given, input gradients into the second.
struct OpRun {
  std::string header, title;
  std::vector<Input> inputs;
  std::map<std::string, Role> outputs;
  Role gradients = Role::batch;
  bool has_backward = false;
  double bound = 0, gradient_bound = 0;
  std::function<std::pair<Arrays, Arrays>(int threads, const Arrays& inputs, const Arrays& output_gradients)> run;
};

template <class T, class D>
Arrays to_arrays(const Tensors<T, D>& tensors) {
  Arrays arrays;
  const auto add = [&](const auto& map) {
    for (const auto& [name, t] : map) {
      const auto host = ligase::to_host(t);
      arrays[name] = {t.shape(), {host.data(), host.data() + host.count()}};
    }
  };
  add(tensors);
  if constexpr (!std::is_same_v<T, ligase::wide_t<T>>) add(tensors.wide());
  return arrays;
}
template <class T, class D>
Tensor<T, D> to_tensor(const Array& a) {
  std::vector<T> values;
  for (double v : a.values) values.push_back(static_cast<T>(v));
  return Tensor<T, D>::from(a.shape, values);
}

template <class T, class D>
OpRun erase(const OpCase<T, D>& c) {
  return {c.header,
          c.title(),
          c.inputs,
          c.outputs,
          c.gradients,
          c.backward != nullptr,
          c.bound,
          c.gradient_bound,
          [c](int threads, const Arrays& arrays, const Arrays& output_gradients) {
            Context<D> context;
            context.threads = threads;
            using Wide = ligase::wide_t<T>;
            Inputs<T, D> in;
            for (const Input& input : c.inputs) {
              const Array& a = arrays.at(input.name);
              if (input.below > 0)
                in.integer[input.name] = to_tensor<std::int32_t, D>(a);
              else if (input.wide)
                in.real.wide()[input.name] = to_tensor<Wide, D>(a);
              else
                in.real[input.name] = to_tensor<T, D>(a);
            }
            Tensors<T, D> out, dout, din;
            c.forward(context, in, out);
            for (const auto& [name, a] : output_gradients)
              if (out.wide().contains(name))
                dout.wide()[name] = to_tensor<Wide, D>(a);
              else
                dout[name] = to_tensor<T, D>(a);
            if (c.backward && !output_gradients.empty()) c.backward(context, in, dout, din);
            return std::pair{to_arrays(out), to_arrays(din)};
          }};
}

template <class T, class D>
std::vector<OpRun> erase_all(const std::vector<OpCase<T, D>>& cases) {
  std::vector<OpRun> runs;
  for (const auto& c : cases) runs.push_back(erase(c));
  return runs;
}

/// The lists that the drivers share; each is instantiated in one of them.
std::vector<OpRun> cpu_float_runs();
std::vector<OpRun> cpu_double_runs();
std::vector<OpRun> naive_double_runs();

/// Values of an input depend on its name alone; numbers are floats, so that float and double cases read the same.
inline Array draw(const Input& input) {
  Array a{input.shape, {}};
  const ligase::RandomStream random{2024, 0, ligase::hash_name(input.name)};
  for (Index i = 0; i < input.shape.count(); ++i) {
    const auto e = static_cast<std::uint64_t>(i);
    if (input.below > 0) {
      const auto id = static_cast<Index>(random.below(e, static_cast<std::uint64_t>(input.below + input.ignored)));
      a.values.push_back(id == input.below ? -100 : static_cast<double>(id));
    } else {
      a.values.push_back(static_cast<float>(input.low + (input.high - input.low) * random.uniform(e)));
    }
  }
  return a;
}
inline Arrays draw_inputs(const OpRun& run) {
  Arrays arrays;
  for (const Input& input : run.inputs) arrays[input.name] = draw(input);
  return arrays;
}
/// A random gradient for every output.
inline Arrays draw_gradients(const Arrays& outputs) {
  Arrays arrays;
  for (const auto& [name, a] : outputs) arrays[name] = draw({"gradient of " + name, a.shape});
  return arrays;
}

/// |a - b| / |b| in L2; |a - b| where b vanishes.
inline double distance(const Array& a, const Array& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.values.size(); ++i) {
    difference += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
    size += b.values[i] * b.values[i];
  }
  return std::sqrt(size > 0 ? difference / size : difference);
}

}  // namespace ligase_test

#pragma once

#include <ligase/train/loop.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace ligase_test {

/// y = tanh(x W) v + c with a noisy input: a module small enough to write its gradients down, with weights that decay
/// and others that do not, and a buffer that changes with every batch.
template <class T>
struct Toy {
  static constexpr ligase::Index inputs = 7, hidden = 5;

  ligase::Parameter<T, ligase::cpu> w{{inputs, hidden}, ligase::Init::normal(0.5)};
  ligase::Parameter<T, ligase::cpu> v{{hidden}, ligase::Init::normal(0.5)};
  ligase::Parameter<T, ligase::cpu> c{{1}, ligase::Init::constant(0.25), false};
  ligase::Buffer<T, ligase::cpu> seen{ligase::Tensor<T, ligase::cpu>::zeros({1})};

  explicit Toy(std::uint64_t seed = 3) {
    visit([](const char*, auto& x) { x.value = std::decay_t<decltype(x.value)>(x.value.shape()); });
    seen.value.set_zero();
    ligase::initialize(*this, seed);
  }
  void visit(auto&& f) {
    f("w", w);
    f("v", v);
    f("c", c);
    f("seen", seen);
  }

  /// All values as bytes: two models are the same where these are.
  std::string bytes() {
    std::string all;
    visit([&](const char*, auto& x) {
      all.append(reinterpret_cast<const char*>(x.value.data()), static_cast<std::size_t>(x.value.count()) * sizeof(T));
    });
    return all;
  }
};

/// Micro-batch i of the toy problem: four rows that depend on i alone.
struct ToyBatch {
  ligase::Index number = 0;
};
inline ToyBatch toy_batch(ligase::Index i) { return {i}; }

/// Mean squared error over four rows; inputs get noise from the context's random stream.
template <class T>
ligase::BatchResult toy_step(ligase::Context<ligase::cpu>& context, Toy<T>& m, const ToyBatch& batch) {
  constexpr ligase::Index rows = 4, n = Toy<T>::inputs, h = Toy<T>::hidden;
  const ligase::RandomStream data{11, static_cast<std::uint64_t>(batch.number), 0},
      noise = context.random.at(context.next_place++);
  double loss = 0;
  for (ligase::Index r = 0; r < rows; ++r) {
    T x[n], a[h], y = m.c.value.data()[0], target = 0;
    for (ligase::Index i = 0; i < n; ++i) {
      const auto element = static_cast<std::uint64_t>(r * n + i);
      const double clean = data.normal(element);
      target += static_cast<T>(std::sin(clean + static_cast<double>(i)));
      x[i] = static_cast<T>(clean + 0.1 * noise.normal(element));
    }
    for (ligase::Index j = 0; j < h; ++j) {
      T sum = 0;
      for (ligase::Index i = 0; i < n; ++i) sum += x[i] * m.w.value.data()[i * h + j];
      a[j] = std::tanh(sum);
      y += a[j] * m.v.value.data()[j];
    }
    const T error = y - target, dy = error / T(rows);
    loss += 0.5 * static_cast<double>(error) * static_cast<double>(error) / static_cast<double>(rows);
    if (m.c.trained()) m.c.gradient.data()[0] += dy;
    for (ligase::Index j = 0; j < h; ++j) {
      if (m.v.trained()) m.v.gradient.data()[j] += dy * a[j];
      const T da = dy * m.v.value.data()[j] * (1 - a[j] * a[j]);
      if (m.w.trained())
        for (ligase::Index i = 0; i < n; ++i) m.w.gradient.data()[i * h + j] += x[i] * da;
    }
  }
  m.seen.value.data()[0] += T(0.1);
  return {.loss = loss, .tokens = rows * n};
}

}  // namespace ligase_test

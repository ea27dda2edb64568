#include <device/naive.hpp>

#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/models/mamba.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

using namespace ligase;
using device::naive;
using Ids = Tensor<std::int32_t, naive>;

namespace {

constexpr Index batch = 2, length = 70;
constexpr std::int32_t complement[]{0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11};

CaduceusConfig caduceus() {
  return {.d_model = 32, .n_layer = 3, .complement_map = {std::begin(complement), std::end(complement)}};
}
MambaConfig mamba() { return {.d_model = 32, .n_layer = 3}; }

Ids bases(std::uint64_t seed) {
  Ids ids({batch, length});
  const RandomStream random{seed, 0, 0};
  for (Index i = 0; i < ids.count(); ++i)
    ids.data()[i] = static_cast<std::int32_t>(7 + random.below(static_cast<std::uint64_t>(i), 4));
  return ids;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0, size = 0;
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

struct Result {
  double loss;
  std::vector<double> logits, gradients;
};

template <class T, class D>
void append(std::vector<double>& to, const Tensor<T, D>& x) {
  for (const T v : x.span()) to.push_back(static_cast<double>(v));
}

template <class P, class Network, class Labels>
Result run(Network& network, Labels labels) {
  initialize(network, 3);
  allocate_gradients(network);
  Context<naive> context;
  Result r;
  append(r.logits, network.logits(context, bases(1)));
  if constexpr (requires { network.loss(context, bases(1), labels, 0); })
    r.loss = network.loss_and_gradients(context, bases(1), labels, 0).loss;
  else
    r.loss = network.loss_and_gradients(context, bases(1), labels).loss;
  visit_parameters(network, [&](const std::string&, auto& p) {
    static_assert(std::is_same_v<decltype(p.gradient), Tensor<typename P::Weight, naive>>);
    append(r.gradients, p.gradient);
  });
  return r;
}

/// bfloat16 keeps 8 bits; a layer rounds what passes through it about a dozen times, and the residual stream once per layer.
void check_near(const Result& found, const Result& expected) {
  CHECK(found.loss == doctest::Approx(expected.loss).epsilon(2e-3));
  CHECK(distance(found.logits, expected.logits) < 2e-2);
  CHECK(distance(found.gradients, expected.gradients) < 2e-2);
}

template <class Backbone>
void compare(const typename Backbone::Config& config) {
  LanguageModel<Backbone, naive, bf16> narrow(config);
  LanguageModel<Backbone, naive, fp64> wide(config);
  check_near(run<bf16>(narrow, bases(2)), run<fp64>(wide, bases(2)));
}

}  // namespace

TEST_CASE("language models in bfloat16 with weights and gradients in float are near those in double") {
  compare<BiMamba<RCPS>>(caduceus());
  compare<Mamba>(mamba());
}

TEST_CASE("a classifier in bfloat16 is near the one in double") {
  SequenceClassifier<BiMamba<None>, naive, bf16> narrow(caduceus(), {.layout = ClassifierLayout::training});
  SequenceClassifier<BiMamba<None>, naive, fp64> wide(caduceus(), {.layout = ClassifierLayout::training});
  const Ids labels = Ids::from({batch}, std::vector<std::int32_t>{0, 1});
  check_near(run<bf16>(narrow, labels), run<fp64>(wide, labels));
}

TEST_CASE("in bfloat16 a strand-symmetric model commutes with the reverse complement, bit by bit") {
  LanguageModel<BiMamba<RCPS>, naive, bf16> network(caduceus());
  initialize(network, 3);
  Context<naive> context;
  const Ids ids = bases(1);
  Ids reversed(ids.shape());
  for (Index b = 0; b < batch; ++b)
    for (Index t = 0; t < length; ++t)
      reversed.data()[b * length + t] = complement[ids.data()[b * length + length - 1 - t]];
  const auto y = network.logits(context, ids), r = network.logits(context, reversed);
  const Index vocabulary = y.size(2);
  Index different = 0;
  for (Index b = 0; b < batch; ++b)
    for (Index t = 0; t < length; ++t)
      for (Index v = 0; v < vocabulary; ++v) {
        const Index other = v < 12 ? complement[v] : v;
        different += y.data()[(b * length + t) * vocabulary + v].bits !=
                     r.data()[(b * length + length - 1 - t) * vocabulary + other].bits;
      }
  CHECK(different == 0);
}

TEST_CASE("blocks that run again in the backward pass give the same bits in bfloat16") {
  LanguageModel<BiMamba<RCPS>, naive, bf16> kept(caduceus()), again(caduceus());
  for (auto& layer : again.backbone.stack.layers) layer.recompute = true;
  const Result a = run<bf16>(kept, bases(2)), b = run<bf16>(again, bases(2));
  CHECK(a.loss == b.loss);
  CHECK(a.gradients == b.gradients);
}

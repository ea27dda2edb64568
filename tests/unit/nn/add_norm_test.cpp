#include <doctest/doctest.h>

#include <ligase/core/precision.hpp>
#include <ligase/models/mamba_stack.hpp>
#include <ligase/nn/linear.hpp>

#include <support/tensors.hpp>

#include <utility>
#include <vector>

using namespace ligase;
using ligase_test::Cpu;
using ligase_test::equal;

namespace {

using Pair = std::pair<Cpu<double>, Cpu<double>>;
using Block = MambaBlock<Linear<cpu, fp64>, cpu, fp64>;

Cpu<double> random(Shape shape, const char* name) {
  Cpu<double> x(shape);
  const RandomStream stream{11, 0, hash_name(name)};
  for (Index i = 0; i < x.count(); ++i) x.data()[i] = 2 * stream.uniform(static_cast<std::uint64_t>(i)) - 1;
  return x;
}

/// Both outputs, both gradients of the inputs, and the gradients of all weights.
template <class G>
std::vector<Cpu<double>> run(Block& block, G graph, const Pair& x, const Pair& dy) {
  Context<> context;
  zero_gradients(block);
  wire::saved_t<G, Pair> saved;
  const Pair y = wire::forward(graph, context, x, saved), infered = wire::infer(graph, context, x);
  CHECK(equal(y.first, infered.first));
  CHECK(equal(y.second, infered.second));
  const Pair dx = wire::backward(graph, context, dy, saved);
  std::vector<Cpu<double>> results{y.first, y.second, dx.first, dx.second};
  visit_parameters(block, [&](const std::string&, auto& p) { results.push_back(p.gradient.clone()); });
  return results;
}

}  // namespace

TEST_CASE("sum and norm in one operation are the plain wiring, bit by bit") {
  const Shape shape{4, 6, 10};
  for (const bool rms : {true, false})
    for (const bool exchange : {true, false})
      for (const bool has_residual : {true, false}) {
        CAPTURE(rms);
        CAPTURE(exchange);
        CAPTURE(has_residual);
        Block block{Norm<cpu, fp64>(10, rms, 1e-5), Linear<cpu, fp64>(10, 10, true), exchange};
        initialize(block, 3);
        allocate_gradients(block);
        const Pair x{random(shape, "x"), has_residual ? random(shape, "r") : Cpu<double>()};
        const Pair dy{random(shape, "dy"), random(shape, "dr")};
        const auto plain = run(block, Block::plain(block), x, dy), fused = run(block, Block::fused(block), x, dy);
        REQUIRE(plain.size() == fused.size());
        for (std::size_t i = 0; i < plain.size(); ++i) {
          CAPTURE(i);
          CHECK(plain[i].empty() == fused[i].empty());
          if (!plain[i].empty()) CHECK(equal(plain[i], fused[i]));
        }
      }
}

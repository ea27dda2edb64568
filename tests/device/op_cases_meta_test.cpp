#include <device/op_cases.hpp>
#include <device/op_runs.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;

TEST_CASE("without data, operations compute the shapes that they have with data") {
  using ligase::meta;
  const auto cases = op_cases<float, meta>(test_sizes());
  const auto runs = cpu_float_runs();
  REQUIRE(cases.size() == runs.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(runs[i].title);
    const Arrays inputs = draw_inputs(runs[i]);
    const auto out = runs[i].run(1, inputs, {}).first;
    const auto din = runs[i].run(1, inputs, draw_gradients(out)).second;
    Context<meta> context;
    Inputs<float, meta> in;
    for (const Input& input : cases[i].inputs) {
      if (input.below > 0)
        in.integer[input.name] = Tensor<std::int32_t, meta>(input.shape);
      else
        in.real[input.name] = Tensor<float, meta>(input.shape);
    }
    Tensors<float, meta> meta_out, dout, meta_din;
    cases[i].forward(context, in, meta_out);
    REQUIRE(meta_out.size() == out.size());
    for (const auto& [name, a] : out) {
      CHECK(meta_out.at(name).shape() == a.shape);
      dout[name] = Tensor<float, meta>(a.shape);
    }
    if (!cases[i].backward) continue;
    cases[i].backward(context, in, dout, meta_din);
    REQUIRE(meta_din.size() == din.size());
    for (const auto& [name, a] : din) CHECK(meta_din.at(name).shape() == a.shape);
  }
}

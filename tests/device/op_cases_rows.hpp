#pragma once

#include <device/op_case.hpp>

#include <ligase/ops/add_norm.hpp>
#include <ligase/ops/dropout.hpp>
#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/embedding.hpp>
#include <ligase/ops/exp.hpp>
#include <ligase/ops/linear.hpp>
#include <ligase/ops/norm.hpp>
#include <ligase/ops/silu.hpp>
#include <ligase/ops/split.hpp>

#include <memory>
#include <tuple>

namespace ligase_test {

namespace ops = ligase::ops;

template <class T, class D>
Tensor<T, D> zeros_like(const Tensor<T, D>& x) {
  return Tensor<T, D>::zeros(x.shape());
}

template <class T, class D>
void add_elementwise_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape x{s.batch, s.length, s.channels};
  const double count = static_cast<double>(x.count());
  const std::vector<Input> two{{"a", x}, {"b", x}};
  const std::map<std::string, Role> y{{"y", Role::batch}};

  list.push_back({"elementwise",
                  "add",
                  s,
                  two,
                  y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::add(c, in["a"], in["b"]); },
                  {}});
  list.push_back({"elementwise",
                  "accumulate",
                  s,
                  two,
                  y,
                  [](C& c, const In& in, Map& out) {
                    out["y"] = ops::scale(c, in["a"], 1);
                    ops::accumulate(c, out["y"], in["b"]);
                  },
                  {}});
  list.push_back({"elementwise", "mul", s, two, y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::mul(c, in["a"], in["b"]); },
                  [](C& c, const In& in, const Map& dout, Map& din) {
                    std::tie(din["a"], din["b"]) = ops::mul_backward(c, dout.at("y"), in["a"], in["b"]);
                  }});
  list.push_back({"elementwise",
                  "scale",
                  s,
                  {{"a", x}},
                  y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::scale(c, in["a"], -0.375); },
                  [](C& c, const In&, const Map& dout, Map& din) { din["a"] = ops::scale(c, dout.at("y"), -0.375); }});
  list.push_back({"exp",
                  "negative_exp",
                  s,
                  {{"a", x}},
                  y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::negative_exp(c, in["a"]); },
                  [](C& c, const In& in, const Map& dout, Map& din) {
                    din["a"] = ops::mul(c, dout.at("y"), ops::negative_exp(c, in["a"]));
                  },
                  Role::batch,
                  {.exps = count},
                  {.exps = count}});
  list.push_back(
      {"silu",
       "silu",
       s,
       {{"a", x, Role::batch, -20, 20}},
       y,
       [](C& c, const In& in, Map& out) { out["y"] = ops::silu(c, in["a"]); },
       [](C& c, const In& in, const Map& dout, Map& din) { din["a"] = ops::silu_backward(c, dout.at("y"), in["a"]); },
       Role::batch,
       {.exps = count},
       {.exps = count}});
  list.push_back({"silu",
                  "gate",
                  s,
                  two,
                  y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::gate(c, in["a"], in["b"]); },
                  [](C& c, const In& in, const Map& dout, Map& din) {
                    std::tie(din["a"], din["b"]) = ops::gate_backward(c, dout.at("y"), in["a"], in["b"]);
                  },
                  Role::batch,
                  {.exps = count},
                  {.exps = count}});
  list.push_back(
      {"dropout",
       "dropout",
       s,
       {{"a", x, Role::whole}},
       {{"y", Role::whole}},
       [](C& c, const In& in, Map& out) {
         c.training = true;
         out["y"] = ops::dropout(c, in["a"], 0.3, 7);
       },
       [](C& c, const In&, const Map& dout, Map& din) { din["a"] = ops::dropout_backward(c, dout.at("y"), 0.3, 7); },
       Role::whole});
}

template <class T, class D>
void add_row_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using Wide = Tensor<ligase::wide_t<T>, D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape x{s.batch, s.length, s.channels}, wide{s.batch, s.length, s.outputs};
  const std::map<std::string, Role> y{{"y", Role::batch}};
  const double product = 2.0 * static_cast<double>(x.count()) * static_cast<double>(s.outputs);

  for (const bool with_bias : {false, true}) {
    std::vector<Input> inputs{{"x", x}, parameter("weight", {s.outputs, s.channels})};
    if (with_bias) inputs.push_back(parameter("bias", {s.outputs}));
    list.push_back({"linear",
                    with_bias ? "linear with bias" : "linear",
                    s,
                    inputs,
                    y,
                    [=](C& c, const In& in, Map& out) {
                      out["y"] = ops::linear(c, in["x"], in.wide("weight"), with_bias ? in.wide("bias") : Wide());
                    },
                    [=](C& c, const In& in, const Map& dout, Map& din) {
                      Wide& dweight = din.wide()["weight"] = zeros_like(in.wide("weight"));
                      Wide dbias = with_bias ? zeros_like(in.wide("bias")) : Wide();
                      din["x"] = ops::linear_backward(c, dout.at("y"), in["x"], in.wide("weight"), dweight, dbias);
                      if (with_bias) din.wide()["bias"] = dbias;
                    },
                    Role::batch,
                    {.flops = product},
                    {.flops = 2 * product}});
  }

  const auto statistics = std::make_shared<ops::NormStatistics<T, D>>();
  // With one channel the derivative vanishes but for eps, which is therefore large there.
  const double eps = s.channels == 1 ? 1 : 1e-5;
  list.push_back({"norm",
                  "rms_norm",
                  s,
                  {{"x", x, Role::batch, -2, 2}, parameter("weight", {s.channels}, 0.5, 1.5)},
                  y,
                  [=](C& c, const In& in, Map& out) {
                    out["y"] = ops::rms_norm(c, in["x"], in.wide("weight"), eps, statistics.get());
                  },
                  [=](C& c, const In& in, const Map& dout, Map& din) {
                    Wide& dweight = din.wide()["weight"] = zeros_like(in.wide("weight"));
                    din["x"] =
                        ops::rms_norm_backward(c, dout.at("y"), in["x"], in.wide("weight"), *statistics, dweight);
                  }});
  list.push_back(
      {"norm",
       "layer_norm",
       s,
       {{"x", x, Role::batch, -1, 3}, parameter("weight", {s.channels}, 0.5, 1.5), parameter("bias", {s.channels})},
       y,
       [=](C& c, const In& in, Map& out) {
         out["y"] = ops::layer_norm(c, in["x"], in.wide("weight"), in.wide("bias"), eps, statistics.get());
       },
       [=](C& c, const In& in, const Map& dout, Map& din) {
         Wide& dweight = din.wide()["weight"] = zeros_like(in.wide("weight"));
         Wide& dbias = din.wide()["bias"] = zeros_like(in.wide("bias"));
         din["x"] = ops::layer_norm_backward(c, dout.at("y"), in["x"], in.wide("weight"), *statistics, dweight, dbias);
       }});

  const auto kept = std::make_shared<ops::AddNormSaved<T, D>>();
  const Shape strands{2 * s.batch, s.length, s.channels};
  for (const bool rms : {true, false})
    list.push_back({"add_norm",
                    rms ? "add_norm, exchanged" : "add_norm, layer_norm",
                    s,
                    {{"a", strands, Role::strands, -2, 2},
                     {"b", strands, Role::strands, -1, 3},
                     parameter("weight", {s.channels}, 0.5, 1.5),
                     parameter("bias", {s.channels})},
                    {{"y", Role::strands}, {"sum", Role::strands}},
                    [=](C& c, const In& in, Map& out) {
                      auto result = ops::add_norm(c, in["a"], in["b"], rms, in.wide("weight"),
                                                  rms ? Wide() : in.wide("bias"), eps, rms, kept.get());
                      out["y"] = result.y;
                      out["sum"] = result.sum;
                    },
                    [=](C& c, const In& in, const Map& dout, Map& din) {
                      Wide& dweight = din.wide()["weight"] = zeros_like(in.wide("weight"));
                      Wide& dbias = din.wide()["bias"] = zeros_like(in.wide("bias"));
                      din["b"] = din["a"] = ops::add_norm_backward(c, dout.at("y"), dout.at("sum"), *kept,
                                                                   in.wide("weight"), rms, dweight, dbias);
                    },
                    Role::strands});

  list.push_back(
      {"embedding",
       "embedding",
       s,
       {ids("ids", {s.batch, s.length}, s.vocabulary), parameter("weight", {s.vocabulary, s.channels})},
       y,
       [](C& c, const In& in, Map& out) { out["y"] = ops::embedding<T>(c, in.id("ids"), in.wide("weight")); },
       [](C& c, const In& in, const Map& dout, Map& din) {
         Wide& dweight = din.wide()["weight"] = zeros_like(in.wide("weight"));
         ops::embedding_backward(c, dout.at("y"), in.id("ids"), dweight);
       }});

  list.push_back(
      {"split",
       "split",
       s,
       {{"x", x}},
       {{"a", Role::batch}, {"b", Role::batch}},
       [=](C& c, const In& in, Map& out) { std::tie(out["a"], out["b"]) = ops::split(c, in["x"], s.channels / 3); },
       [](C& c, const In&, const Map& dout, Map& din) { din["x"] = ops::concat(c, dout.at("a"), dout.at("b")); }});
  list.push_back({"split",
                  "concat",
                  s,
                  {{"a", x}, {"b", wide}},
                  y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::concat(c, in["a"], in["b"]); },
                  [=](C& c, const In&, const Map& dout, Map& din) {
                    std::tie(din["a"], din["b"]) = ops::split(c, dout.at("y"), s.channels);
                  }});
}

}  // namespace ligase_test

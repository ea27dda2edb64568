#pragma once

#include <device/op_cases_rows.hpp>

#include <ligase/ops/batch_norm.hpp>
#include <ligase/ops/conv1d_dense.hpp>
#include <ligase/ops/max_pool.hpp>
#include <ligase/ops/relu.hpp>
#include <ligase/ops/token_conv1d.hpp>
#include <ligase/ops/transpose.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <type_traits>

namespace ligase_test {

template <class T, class D>
void add_dense_conv_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  for (const Index taps : std::set{std::min<Index>(8, s.length), std::min<Index>(3, s.length)})
    for (const bool with_bias : {true, false}) {
      const double flops = 2.0 * static_cast<double>(s.batch * (s.length - taps + 1) * taps * s.channels * s.outputs);
      std::vector<Input> conv{{"x", {s.batch, s.length, s.channels}},
                              parameter("weight", {s.outputs, s.channels, taps})};
      std::vector<Input> tokens{ids("ids", {s.batch, s.length}, s.vocabulary),
                                parameter("embedding", {s.vocabulary, s.channels}),
                                parameter("weight", {s.outputs, s.channels, taps})};
      if (with_bias) conv.push_back(parameter("bias", {s.outputs})), tokens.push_back(conv.back());
      const std::string name = " K=" + std::to_string(taps) + (with_bias ? " with bias" : "");
      const auto bias = [=](const In& in) { return with_bias ? in["bias"] : Tensor<T, D>(); };
      list.push_back(
          {"conv1d_dense",
           "conv1d_dense" + name,
           s,
           conv,
           {{"y", Role::batch}},
           [=](C& c, const In& in, Map& out) { out["y"] = ops::conv1d_dense(c, in["x"], in["weight"], bias(in)); },
           [=](C& c, const In& in, const Map& dout, Map& din) {
             din["weight"] = zeros_like(in["weight"]);
             Tensor<T, D> dbias = with_bias ? zeros_like(in["bias"]) : Tensor<T, D>();
             din["x"] = ops::conv1d_dense_backward(c, dout.at("y"), in["x"], in["weight"], din["weight"], dbias);
             if (with_bias) din["bias"] = dbias;
           },
           Role::batch,
           {.flops = flops},
           {.flops = 2 * flops}});
      list.push_back({"token_conv1d",
                      "token_conv1d" + name,
                      s,
                      tokens,
                      {{"y", Role::batch}},
                      [=](C& c, const In& in, Map& out) {
                        out["y"] = ops::token_conv1d(c, in.id("ids"), in["embedding"], in["weight"], bias(in));
                      },
                      [=](C& c, const In& in, const Map& dout, Map& din) {
                        din["embedding"] = zeros_like(in["embedding"]);
                        din["weight"] = zeros_like(in["weight"]);
                        Tensor<T, D> dbias = with_bias ? zeros_like(in["bias"]) : Tensor<T, D>();
                        ops::token_conv1d_backward(c, dout.at("y"), in.id("ids"), in["embedding"], in["weight"],
                                                   din["embedding"], din["weight"], dbias);
                        if (with_bias) din["bias"] = dbias;
                      }});
    }
}

template <class T, class D>
void add_batch_norm_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape x{s.batch, s.length, s.channels}, vector{s.channels};
  const Index rows = s.batch * s.length;
  // Of few rows the derivative vanishes but for eps, which is therefore large there.
  const double eps = rows < 8 ? 1 : 1e-5;
  const std::vector<Input> weights{parameter("weight", vector, 0.5, 1.5), parameter("bias", vector)};
  const auto saved = std::make_shared<ops::BatchNormSaved<T, D>>();
  const auto backward = [=](C& c, const In& in, const Map& dout, Map& din) {
    din["weight"] = zeros_like(in["weight"]);
    din["bias"] = zeros_like(in["bias"]);
    din["x"] = ops::batch_norm_backward(c, dout.at("y"), *saved, in["weight"], din["weight"], din["bias"]);
  };
  list.push_back({"batch_norm",
                  "batch_norm of the batch",
                  s,
                  {{"x", x, Role::whole, -1, 3}, weights[0], weights[1]},
                  {{"y", Role::whole}},
                  [=](C& c, const In& in, Map& out) {
                    out["y"] = ops::batch_norm(c, in["x"], ops::batch_statistics(c, in["x"]), in["weight"], in["bias"],
                                               eps, true, saved.get());
                  },
                  backward,
                  Role::whole});
  list.push_back({"batch_norm",
                  "batch_norm of running statistics",
                  s,
                  {{"x", x, Role::batch, -1, 3},
                   weights[0],
                   weights[1],
                   parameter("mean", vector),
                   parameter("variance", vector, 0.5, 2)},
                  {{"y", Role::batch}},
                  [=](C& c, const In& in, Map& out) {
                    out["y"] = ops::batch_norm(c, in["x"], {in["mean"], in["variance"]}, in["weight"], in["bias"], 1e-5,
                                               false, saved.get());
                  },
                  backward});
  list.push_back({"batch_norm",
                  "move_running_statistics",
                  s,
                  {parameter("mean", vector), parameter("variance", vector, 0.5, 2), parameter("running_mean", vector),
                   parameter("running_variance", vector, 0.5, 2)},
                  {{"new_mean", Role::whole}, {"new_variance", Role::whole}},
                  [=](C& c, const In& in, Map& out) {
                    out["new_mean"] = ops::scale(c, in["running_mean"], 1);
                    out["new_variance"] = ops::scale(c, in["running_variance"], 1);
                    ops::move_running_statistics<D, T>(c, {in["mean"], in["variance"]}, rows + 1, 0.1, out["new_mean"],
                                                       out["new_variance"]);
                  },
                  {}});
}

template <class T, class D>
void add_conv_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape x{s.batch, s.length, s.channels};
  const std::map<std::string, Role> y{{"y", Role::batch}};
  if constexpr (std::is_same_v<T, ligase::wide_t<T>>) {  // of the CNN, which has no bfloat16
    add_dense_conv_cases(list, s);
    add_batch_norm_cases(list, s);
  }
  for (const Index window : std::set{std::min<Index>(2, s.length), std::min<Index>(3, s.length)})
    list.push_back({"max_pool",
                    "max_pool of " + std::to_string(window),
                    s,
                    {{"x", x}},
                    y,
                    [=](C& c, const In& in, Map& out) { out["y"] = ops::max_pool(c, in["x"], window); },
                    [=](C& c, const In& in, const Map& dout, Map& din) {
                      din["x"] = ops::max_pool_backward(c, dout.at("y"), in["x"], window);
                    }});
  list.push_back(
      {"relu",
       "relu",
       s,
       {{"x", x}},
       y,
       [](C& c, const In& in, Map& out) { out["y"] = ops::relu(c, in["x"]); },
       [](C& c, const In& in, const Map& dout, Map& din) { din["x"] = ops::relu_backward(c, dout.at("y"), in["x"]); }});
  list.push_back({"transpose",
                  "transpose",
                  s,
                  {{"x", x}},
                  y,
                  [](C& c, const In& in, Map& out) { out["y"] = ops::transpose(c, in["x"]); },
                  [](C& c, const In&, const Map& dout, Map& din) { din["x"] = ops::transpose(c, dout.at("y")); }});
}

}  // namespace ligase_test

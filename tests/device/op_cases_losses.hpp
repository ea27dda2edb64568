#pragma once

#include <device/op_cases_rows.hpp>

#include <ligase/ops/cross_entropy.hpp>
#include <ligase/ops/losses.hpp>

#include <memory>

namespace ligase_test {

template <class T, class D>
Tensor<T, D> as_tensor(double value) {
  if constexpr (D::holds_data)
    return Tensor<T, D>::from(Shape{1}, std::vector<T>{static_cast<T>(value)});
  else
    return Tensor<T, D>(Shape{1});
}

template <class T, class D>
double as_number(const Tensor<T, D>& t) {
  if constexpr (D::holds_data)
    return static_cast<double>(*ligase::to_host(t).data());
  else
    return 0;
}

template <class T, class D>
void add_loss_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using Wide = ligase::wide_t<T>;
  using Weights = Tensor<Wide, D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape x{s.batch, s.length, s.vocabulary}, rows{s.batch, s.length};
  const std::map<std::string, Role> loss{{"loss", Role::whole}};
  const double count = static_cast<double>(x.count());
  constexpr Index ignore = -100;
  const auto labels = [&](bool ignored) { return Input{"labels", rows, Role::batch, 0, 0, s.vocabulary, ignored}; };

  const auto result = std::make_shared<ops::CrossEntropy>();
  for (const bool weighted : {false, true}) {
    std::vector<Input> inputs{{"logits", x, Role::batch, -5, 5}, labels(weighted)};
    if (weighted) inputs.push_back({"target_weight", rows, Role::batch, 0.1, 1, 0, false, true});
    list.push_back({"cross_entropy",
                    weighted ? "cross_entropy weighted, some ignored" : "cross_entropy",
                    s,
                    inputs,
                    loss,
                    [=](C& c, const In& in, Map& out) {
                      *result = ops::cross_entropy(c, in["logits"], in.id("labels"), ignore,
                                                   weighted ? in.wide("target_weight") : Weights());
                      out.wide()["loss"] = as_tensor<Wide, D>(result->loss);
                    },
                    [=](C& c, const In& in, const Map& dout, Map& din) {
                      din["logits"] = ops::cross_entropy_backward(c, *result, in["logits"], in.id("labels"), ignore,
                                                                  as_number(dout.wide().at("loss")),
                                                                  weighted ? in.wide("target_weight") : Weights());
                    },
                    Role::whole,
                    {.exps = count},
                    {.exps = 2 * count}});
  }
  list.push_back({"cross_entropy",
                  "accuracy",
                  s,
                  {{"logits", x}, labels(true)},
                  loss,
                  [](C& c, const In& in, Map& out) {
                    const double share = ops::accuracy(c, in["logits"], in.id("labels"), ignore).share();
                    out.wide()["loss"] = as_tensor<Wide, D>(share);
                  },
                  {}});
  const std::vector<Input> pair{{"x", x, Role::batch, -5, 5}, {"target", x, Role::batch, 0, 1, 0, false, true}};
  list.push_back({"losses", "mean_squared_error", s, pair, loss,
                  [](C& c, const In& in, Map& out) {
                    out.wide()["loss"] = as_tensor<Wide, D>(ops::mean_squared_error(c, in["x"], in.wide("target")));
                  },
                  [](C& c, const In& in, const Map& dout, Map& din) {
                    din["x"] = ops::mean_squared_error_backward(c, in["x"], in.wide("target"),
                                                                as_number(dout.wide().at("loss")));
                  },
                  Role::whole});
  list.push_back({"losses",
                  "binary_cross_entropy",
                  s,
                  pair,
                  loss,
                  [](C& c, const In& in, Map& out) {
                    out.wide()["loss"] = as_tensor<Wide, D>(ops::binary_cross_entropy(c, in["x"], in.wide("target")));
                  },
                  [](C& c, const In& in, const Map& dout, Map& din) {
                    din["x"] = ops::binary_cross_entropy_backward(c, in["x"], in.wide("target"),
                                                                  as_number(dout.wide().at("loss")));
                  },
                  Role::whole,
                  {.exps = count},
                  {.exps = count}});
}

}  // namespace ligase_test

#pragma once

#include <device/op_cases_rows.hpp>

#include <ligase/ops/conv1d.hpp>
#include <ligase/ops/pooling.hpp>
#include <ligase/ops/scan.hpp>
#include <ligase/ops/strands.hpp>

#include <memory>
#include <tuple>

namespace ligase_test {

/// Ids as numbers, so that they can be compared as every other output.
template <class T, class D>
Tensor<T, D> as_numbers(const Tensor<std::int32_t, D>& ids) {
  Tensor<T, D> x(ids.shape());
  if constexpr (D::holds_data)
    ligase::fill_on_host(x, [host = ligase::to_host(ids)](auto values) {
      for (Index i = 0; i < host.count(); ++i) values[static_cast<std::size_t>(i)] = static_cast<T>(host.data()[i]);
    });
  return x;
}

template <class T, class D>
void add_strand_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape two{2 * s.batch, s.length, s.channels};
  const Input map = ids("map", {s.vocabulary}, s.vocabulary, Role::whole);
  const std::vector<Input> tokens{ids("ids", {s.batch, s.length}, s.vocabulary), map};

  list.push_back({"strands",
                  "exchange_strands",
                  s,
                  {{"x", two, Role::strands}},
                  {{"y", Role::strands}},
                  [](C& c, const In& in, Map& out) { out["y"] = ops::exchange_strands(c, in["x"]); },
                  [](C& c, const In&, const Map& dout, Map& din) { din["x"] = ops::exchange_strands(c, dout.at("y")); },
                  Role::strands});
  for (const auto& [name, time, channels] :
       {std::tuple{"reverse time", true, false}, std::tuple{"reverse channels", false, true},
        std::tuple{"reverse both", true, true}})
    list.push_back({"strands",
                    name,
                    s,
                    {{"x", {s.batch, s.length, s.channels}}},
                    {{"y", Role::batch}},
                    [time = time, channels = channels](C& c, const In& in, Map& out) {
                      out["y"] = ops::reverse(c, in["x"], time, channels);
                    },
                    [time = time, channels = channels](C& c, const In&, const Map& dout, Map& din) {
                      din["x"] = ops::reverse(c, dout.at("y"), time, channels);
                    }});
  list.push_back({"strands",
                  "complement_ids",
                  s,
                  tokens,
                  {{"y", Role::batch}},
                  [](C& c, const In& in, Map& out) {
                    out["y"] = as_numbers<T>(ops::complement_ids(c, in.id("ids"), in.id("map")));
                  },
                  {}});
  list.push_back(
      {"strands",
       "both_strands",
       s,
       tokens,
       {{"y", Role::strands}},
       [](C& c, const In& in, Map& out) { out["y"] = as_numbers<T>(ops::both_strands(c, in.id("ids"), in.id("map"))); },
       {}});
  list.push_back({"strands",
                  "join_strand_logits",
                  s,
                  {{"x", {2 * s.batch, s.length, s.vocabulary}, Role::strands}, map},
                  {{"y", Role::batch}},
                  [](C& c, const In& in, Map& out) { out["y"] = ops::join_strand_logits(c, in["x"], in.id("map")); },
                  [](C& c, const In& in, const Map& dout, Map& din) {
                    din["x"] = ops::join_strand_logits_backward(c, dout.at("y"), in.id("map"));
                  }});
  list.push_back(
      {"strands",
       "halves_to_channels",
       s,
       {{"x", two, Role::strands}},
       {{"y", Role::batch}},
       [](C& c, const In& in, Map& out) { out["y"] = ops::halves_to_channels(c, in["x"]); },
       [](C& c, const In&, const Map& dout, Map& din) { din["x"] = ops::channels_to_halves(c, dout.at("y")); }});
  list.push_back(
      {"strands",
       "channels_to_halves",
       s,
       {{"x", {s.batch, s.length, 2 * s.channels}}},
       {{"y", Role::strands}},
       [](C& c, const In& in, Map& out) { out["y"] = ops::channels_to_halves(c, in["x"]); },
       [](C& c, const In&, const Map& dout, Map& din) { din["x"] = ops::halves_to_channels(c, dout.at("y")); }});
}

template <ligase::Direction dir, class T, class D>
OpCase<T, D> scan_case(const Sizes& s, bool full) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  const Shape x{s.batch, s.length, s.channels};
  std::vector<Input> inputs{{"u", x},
                            {"delta", x, Role::batch, -2, 1},
                            {"bc", {s.batch, s.length, 2 * s.states}},
                            parameter("A", {s.channels, s.states}, -3, -0.1)};
  if (full)
    inputs.insert(inputs.end(),
                  {{"z", x},
                   {"initial_state", {s.batch, s.channels, s.states}, Role::batch, -1.5, 1.5, 0, false, true},
                   parameter("D", {s.channels}),
                   parameter("delta_bias", {s.channels})});
  const auto wide = [=](const In& in, const char* name) {
    return full ? in.wide(name) : Tensor<ligase::wide_t<T>, D>();
  };
  const auto call = [=](const In& in) {
    return std::pair{ligase::ScanInput<T, D>{in["u"], in["delta"], in["bc"], full ? in["z"] : Tensor<T, D>(),
                                             wide(in, "initial_state")},
                     ligase::ScanWeights<T, D>{in.wide("A"), wide(in, "D"), wide(in, "delta_bias"), true}};
  };
  const auto saved = std::make_shared<ligase::ScanSaved<T, D>>();
  const double steps = static_cast<double>(x.count()) * static_cast<double>(s.states);
  const std::string name = dir == ligase::Direction::forward ? "selective_scan" : "selective_scan reverse";
  return {"scan",
          name + (full ? " with gate, skip, bias, state" : ""),
          s,
          inputs,
          {{"y", Role::batch}, {"final_state", Role::batch}},
          [=](C& c, const In& in, Map& out) {
            const auto [input, weights] = call(in);
            out["y"] = ops::selective_scan<dir>(c, input, weights, saved.get(), &out.wide()["final_state"]);
          },
          [=](C& c, const In& in, const Map& dout, Map& din) {
            const auto [input, weights] = call(in);
            ligase::ScanGradients<T, D> g;
            g.A = zeros_like(in.wide("A"));
            if (full) g.D = zeros_like(in.wide("D")), g.delta_bias = zeros_like(in.wide("delta_bias"));
            ops::selective_scan_backward<dir>(c, dout.at("y"), dout.wide().at("final_state"), input, weights, *saved,
                                              g);
            din.insert({{"u", g.u}, {"delta", g.delta}, {"bc", g.bc}});
            din.wide()["A"] = g.A;
            if (!full) return;
            din["z"] = g.z;
            din.wide().insert({{"initial_state", g.initial_state}, {"D", g.D}, {"delta_bias", g.delta_bias}});
          },
          Role::batch,
          {.exps = steps, .scan_steps = steps},
          {.exps = steps, .scan_steps = steps}};
}

template <ligase::Direction dir, class T, class D>
OpCase<T, D> conv1d_case(const Sizes& s, Index taps, bool with_bias) {
  using C = Context<D>;
  using Wide = Tensor<ligase::wide_t<T>, D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  std::vector<Input> inputs{{"x", {s.batch, s.length, s.channels}}, parameter("weight", {s.channels, 1, taps})};
  if (with_bias) inputs.push_back(parameter("bias", {s.channels}));
  const std::string name = dir == ligase::Direction::forward ? "causal_conv1d" : "causal_conv1d reverse";
  return {"conv1d",
          name + " K=" + std::to_string(taps),
          s,
          inputs,
          {{"y", Role::batch}},
          [=](C& c, const In& in, Map& out) {
            out["y"] = ops::causal_conv1d<dir>(c, in["x"], in.wide("weight"), with_bias ? in.wide("bias") : Wide());
          },
          [=](C& c, const In& in, const Map& dout, Map& din) {
            Wide& dweight = din.wide()["weight"] = zeros_like(in.wide("weight"));
            Wide dbias = with_bias ? zeros_like(in.wide("bias")) : Wide();
            din["x"] = ops::causal_conv1d_backward<dir>(c, dout.at("y"), in["x"], in.wide("weight"), dweight, dbias);
            if (with_bias) din.wide()["bias"] = dbias;
          }};
}

template <class T, class D>
void add_sequence_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using ligase::Direction;
  for (const bool full : {false, true}) {
    list.push_back(scan_case<Direction::forward, T, D>(s, full));
    list.push_back(scan_case<Direction::reverse, T, D>(s, full));
  }
  list.push_back(conv1d_case<Direction::forward, T, D>(s, 4, true));
  list.push_back(conv1d_case<Direction::reverse, T, D>(s, 4, true));
  list.push_back(conv1d_case<Direction::forward, T, D>(s, 3, false));
}

template <class T, class D>
void add_pooling_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  using C = Context<D>;
  using In = Inputs<T, D>;
  using Map = Tensors<T, D>;
  using ligase::Pooling;
  const auto saved = std::make_shared<ops::PoolingSaved<D>>();
  for (const auto& [name, pooling] : {std::pair{"mean", Pooling::mean}, std::pair{"max", Pooling::max},
                                      std::pair{"first", Pooling::first}, std::pair{"last", Pooling::last}})
    for (const bool masked : {false, true}) {
      std::vector<Input> inputs{{"x", {s.batch, s.length, s.channels}}};
      if (masked) inputs.push_back(ids("mask", {s.batch, s.length}, 2));
      list.push_back({"pooling",
                      std::string("pool ") + name + (masked ? " masked" : ""),
                      s,
                      inputs,
                      {{"y", Role::batch}},
                      [=, pooling = pooling](C& c, const In& in, Map& out) {
                        const Tensor<std::int32_t, D> none;
                        out["y"] = ops::pool(c, in["x"], pooling, masked ? in.id("mask") : none, saved.get());
                      },
                      [=, pooling = pooling](C& c, const In&, const Map& dout, Map& din) {
                        din["x"] = ops::pool_backward(c, dout.at("y"), pooling, *saved);
                      }});
    }
}

}  // namespace ligase_test

#include <ligase/cuda.cuh>

#include <ligase/nn/mamba.hpp>
#include <ligase/ops/cuda/mixer.cuh>

#include <simt/control.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace ligase;

namespace {

using Numbers = std::map<std::string, std::vector<double>>;

struct Case {
  Index batch, length, width;
  SsmConfig config = {};
  BiMambaMixer<cpu, fp32>::Options options = {};
  std::vector<Index> offsets = {};

  std::string text() const {
    std::string s = "B " + std::to_string(batch) + " L " + std::to_string(length) + " D " + std::to_string(width) +
                    " N " + std::to_string(config.d_state) + " K " + std::to_string(config.d_conv) + " R " +
                    std::to_string(config.rank(width)) + (options.bidirectional ? " both" : " one") +
                    (options.tied ? "" : " untied") + (config.bias ? " biases" : "");
    for (Index o : offsets) s += " " + std::to_string(o);
    return s;
  }
};

std::vector<double> draw(const std::string& name, Index count, double low, double high) {
  const RandomStream random{7, 0, hash_name(name)};
  std::vector<double> v;
  for (Index i = 0; i < count; ++i)
    v.push_back(static_cast<float>(low + (high - low) * random.uniform(static_cast<std::uint64_t>(i))));
  return v;
}
template <class T, class D>
Tensor<T, D> tensor(const Shape& shape, const std::vector<double>& values) {
  std::vector<T> t;
  for (double v : values) t.push_back(static_cast<T>(v));
  return Tensor<T, D>::from(shape, t);
}
template <class T, class D>
std::vector<double> values(const Tensor<T, D>& t) {
  const auto host = to_host(t);
  return {host.data(), host.data() + host.count()};
}

/// Output and all gradients of a mixer on a device; `plain`: as layers wire it.
template <class D, class P>
Numbers run(const Case& c, bool plain = false, Index first_row = 0) {
  using T = typename P::Activation;
  using Mixer = BiMambaMixer<D, P>;
  Mixer mixer(c.width, c.config, {c.options.bidirectional, c.options.tied, c.options.multiply});
  visit_parameters(mixer, [&](const std::string& name, auto& p) {
    const double low = name.ends_with("A_log") ? 0 : -0.4;
    using W = typename std::remove_cvref_t<decltype(p.value)>::Element;
    p.value = tensor<W, D>(p.value.shape(), draw(name, p.value.count(), low, name.ends_with("A_log") ? 2 : 0.4));
  });
  allocate_gradients(mixer);
  Context<D> context;
  context.threads = 1;
  if (!c.offsets.empty()) context.offsets = std::make_shared<const std::vector<Index>>(c.offsets);
  const Index row = c.length * c.width;
  const auto rows = [&](const char* name) {
    const std::vector<double> all = draw(name, (first_row + c.batch) * row, -1, 1);
    return std::vector<double>(all.begin() + first_row * row, all.end());
  };
  const Shape shape{c.batch, c.length, c.width};
  const auto h = tensor<T, D>(shape, rows("h")), dy = tensor<T, D>(shape, rows("dy"));
  Numbers n;
  const auto go = [&](auto&& graph) {
    wire::saved_t<decltype(graph), Tensor<T, D>> saved;
    n["y"] = values(wire::forward(graph, context, h, saved));
    n["dh"] = values(wire::backward(graph, context, dy, saved));
    n["inferred"] = values(wire::infer(graph, context, h));
  };
  if (plain)
    go(Mixer::plain(mixer));
  else
    go(Mixer::graph(mixer));
  visit_parameters(mixer, [&](const std::string& name, auto& p) { n[name] = values(p.gradient); });
  return n;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(size > 0 ? difference / size : difference);
}

void check_close(const Numbers& found, const Numbers& expected, double bound) {
  for (const auto& [name, v] : expected) {
    INFO(name);
    CHECK(distance(found.at(name), v) <= bound);
  }
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (Index length : {1, 2, 15, 17, 63, 64, 65, 130}) list.push_back({2, length, 12, {.d_state = 16}});
  list.push_back({1, 300, 11, {.d_state = 5, .d_conv = 3, .bias = true}});
  list.push_back({5, 33, 8, {.d_state = 1, .d_conv = 2}});
  list.push_back({1, 70, 5, {.d_state = 17, .d_conv = 7, .dt_rank = 5, .conv_bias = false}, {.bidirectional = false}});
  list.push_back({1, 20, 6, {.d_state = 40, .dt_rank = 3}});
  list.push_back({1, 9, 3, {.d_state = 64, .d_conv = 1}});
  list.push_back({2, 40, 9, {.d_state = 8, .dt_rank = 37}});
  list.push_back({2, 21, 9, {.d_state = 16}, {.tied = false}});
  list.push_back({1, 150, 12, {.d_state = 16}, {}, {0, 1, 65, 66, 150}});
  list.push_back({2, 150, 12, {.d_state = 16, .d_conv = 3}, {}, {0, 2, 67, 150}});
  list.push_back({2, 90, 7, {.d_state = 4}, {}, {0, 90}});
  return list;
}

}  // namespace

TEST_CASE("the fused mixer in double: output and every gradient as on the CPU") {
  for (const Case& c : cases()) {
    INFO(c.text());
    check_close(run<ligase::cuda, fp64>(c), run<cpu, fp64>(c), 1e-12);
  }
}

TEST_CASE("the fused mixer in float and bfloat16 near double") {
  for (const Case& c : cases()) {
    if (c.length > 130) continue;
    INFO(c.text());
    const Numbers expected = run<cpu, fp64>(c);
    check_close(run<ligase::cuda, fp32>(c), expected, 2e-6);
    check_close(run<ligase::cuda, bf16>(c), expected, 4e-2);
  }
}

TEST_CASE("the fused mixer and the plain wiring of one device") {
  for (const Case& c : cases()) {
    if (!c.offsets.empty() || c.length > 70) continue;
    INFO(c.text());
    check_close(run<ligase::cuda, fp64>(c), run<ligase::cuda, fp64>(c, true), 1e-12);
  }
}

TEST_CASE("a sequence has the same bits at every place of a batch") {
  const auto check = [](auto precision) {
    using P = decltype(precision);
    const Case all{3, 75, 10, {.d_state = 16}}, one{1, 75, 10, {.d_state = 16}};
    const Numbers together = run<ligase::cuda, P>(all);
    for (Index row = 0; row < 3; ++row) {
      const Numbers alone = run<ligase::cuda, P>(one, false, row);
      for (const char* name : {"y", "dh", "inferred"}) {
        const auto& values = together.at(name);
        const std::ptrdiff_t begin = row * 750;
        CHECK(std::vector<double>(values.begin() + begin, values.begin() + begin + 750) == alone.at(name));
      }
    }
  };
  check(fp32{});
  check(bf16{});
}

TEST_CASE("a packed sequence has the bits that it has alone") {
  const Case alone{1, 70, 10, {.d_state = 16}}, packed{1, 140, 10, {.d_state = 16}, {}, {0, 70, 140}};
  const Numbers together = run<ligase::cuda, fp32>(packed);
  for (Index row = 0; row < 2; ++row) {
    const Numbers expected = run<ligase::cuda, fp32>(alone, false, row);
    for (const char* name : {"y", "dh"}) {
      const auto& values = together.at(name);
      CHECK(std::vector<double>(values.begin() + row * 700, values.begin() + row * 700 + 700) == expected.at(name));
    }
  }
}

TEST_CASE("bits of the mixer do not depend on the order in which threads run") {
  const Case c{1, 150, 12, {.d_state = 16, .d_conv = 3}, {}, {0, 65, 66, 150}};
  const Numbers expected = run<ligase::cuda, fp32>(c);
  simt::set_order(simt::Order::reverse);
  CHECK(run<ligase::cuda, fp32>(c) == expected);
  for (std::uint64_t seed : {1u, 2u, 3u}) {
    simt::set_order(simt::Order::shuffled, seed);
    CHECK(run<ligase::cuda, fp32>(c) == expected);
  }
  simt::set_order(simt::Order::forward);
}

#include <doctest/doctest.h>

#include <ligase/models/weights.hpp>

#include <support/errors.hpp>

#include <deque>
#include <limits>

using namespace ligase;
using ligase_test::input_error;

namespace {

/// A backbone with a tied head, a buffer, and a head of its own.
struct Toy {
  Parameter<float, cpu> embedding{{3, 2}, Init::constant(0)}, norm{{2}, Init::constant(0)},
      score{{2, 2}, Init::constant(0)};
  Buffer<std::int32_t, cpu> map{Tensor<std::int32_t, cpu>::from({2}, std::vector<std::int32_t>{1, 0})};

  Toy() { initialize(*this, 1); }
  void visit(auto&& v) {
    v("backbone.embedding.weight", embedding);
    v("backbone.norm.weight", norm);
    v("backbone.complement_map", map);
    v.alias("lm_head.weight", embedding);
    v("score.weight", score);
  }
};

/// Tensors in memory.
struct Weights {
  std::deque<std::vector<float>> floats;
  std::deque<std::vector<std::int64_t>> integers;
  std::vector<TensorView> views;

  void add(const std::string& name, Shape shape, std::vector<float> values) {
    floats.push_back(std::move(values));
    views.push_back({name, DType::F32, shape, std::as_bytes(std::span(floats.back()))});
  }
  void add_integers(const std::string& name, std::vector<std::int64_t> values) {
    integers.push_back(std::move(values));
    const auto count = static_cast<Index>(integers.back().size());
    views.push_back({name, DType::I64, {count}, std::as_bytes(std::span(integers.back()))});
  }
  void remove(const std::string& name) {
    std::erase_if(views, [&](const TensorView& v) { return v.name == name; });
  }
  StateDict dict() const { return StateDict("f", views, {}); }

  /// What Toy needs, each tensor once.
  static Weights complete(const std::string& prefix = {}) {
    Weights w;
    w.add(prefix + "backbone.embedding.weight", {3, 2}, {1, 2, 3, 4, 5, 6});
    w.add(prefix + "backbone.norm.weight", {2}, {7, 8});
    w.add(prefix + "score.weight", {2, 2}, {9, 10, 11, 12});
    w.add_integers(prefix + "backbone.complement_map", {1, 0});
    return w;
  }
};

std::vector<float> values(const Parameter<float, cpu>& p) { return {p.value.span().begin(), p.value.span().end()}; }

std::string error(const Weights& w, const LoadOptions& options = {}) {
  Toy toy;
  return input_error([&] { load_weights(toy, w.dict(), options); });
}
const std::string misfit = "f: the weights do not fit the model: ";

}  // namespace

TEST_CASE("names are matched with and without Lightning's prefix, metrics' counters passed over") {
  for (const char* prefix : {"", "model."}) {
    Weights w = Weights::complete(prefix);
    w.add("train_torchmetrics.num_tokens.count", {1}, {5});
    w.add("val_torchmetrics.num_tokens.count", {1}, {5});
    w.add("test_torchmetrics.num_tokens.count", {1}, {5});
    Toy toy;
    load_weights(toy, w.dict());
    CHECK(values(toy.embedding) == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(values(toy.norm) == std::vector<float>{7, 8});
    CHECK(values(toy.score) == std::vector<float>{9, 10, 11, 12});
  }
  Weights both = Weights::complete();
  both.add("model.backbone.norm.weight", {2}, {7, 8});
  CHECK(error(both) == misfit + "unexpected tensors: model.backbone.norm.weight");
  Weights other = Weights::complete();
  other.add("torchmetrics.count", {1}, {5});
  CHECK(error(other) == misfit + "unexpected tensors: torchmetrics.count");
}

TEST_CASE("a tied tensor comes once under any name, or twice with equal bits") {
  Weights second = Weights::complete();
  second.remove("backbone.embedding.weight");
  second.add("lm_head.weight", {3, 2}, {1, 2, 3, 4, 5, 6});
  Toy toy;
  load_weights(toy, second.dict());
  CHECK(values(toy.embedding) == std::vector<float>{1, 2, 3, 4, 5, 6});

  Weights twice = Weights::complete();
  twice.add("lm_head.weight", {3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(error(twice) == "no error");
  Weights shared = Weights::complete();
  shared.views.push_back(shared.views[0]);
  shared.views.back().name = "lm_head.weight";
  CHECK(error(shared) == "no error");

  Weights differ = Weights::complete();
  differ.add("lm_head.weight", {3, 2}, {1, 2, 3, 4, 5, 6.5});
  CHECK(error(differ) == misfit + "tied tensors or maps that differ: lm_head.weight and backbone.embedding.weight");
  Weights zero = Weights::complete();
  zero.floats[0][0] = 0.0F;
  zero.add("lm_head.weight", {3, 2}, {-0.0F, 2, 3, 4, 5, 6});
  CHECK(error(zero).find("lm_head.weight and backbone.embedding.weight") != std::string::npos);

  Weights map = Weights::complete();
  map.integers[0] = {0, 1};
  CHECK(error(map) == misfit + "tied tensors or maps that differ: backbone.complement_map");
}

TEST_CASE("one error lists everything that does not fit, with the nearest name") {
  Weights w = Weights::complete();
  w.remove("backbone.norm.weight");
  w.add("backbone.norms.weight", {2}, {7, 8});
  w.remove("score.weight");
  w.add("something.else.entirely", {1}, {0});
  w.remove("backbone.embedding.weight");
  w.add("backbone.embedding.weight", {2, 3}, {1, 2, 3, 4, 5, 6});
  w.add("lm_head.weight", {4, 2}, std::vector<float>(8));
  CHECK(
      error(w) ==
      misfit +
          "missing tensors: backbone.norm.weight (the file has backbone.norms.weight), score.weight; unexpected "
          "tensors: backbone.norms.weight, something.else.entirely; tensors of another shape: "
          "backbone.embedding.weight (expected [3, 2], found [2, 3]), lm_head.weight (expected [3, 2], found [4, 2])");
}

TEST_CASE("weights that are no finite numbers are refused, whatever type the file has") {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    Weights w = Weights::complete();
    w.floats[0][3] = wrong;
    CHECK(error(w) == misfit + "tensors with NaN or infinity: backbone.embedding.weight");
  }
  Weights wide = Weights::complete();
  const std::vector<double> norm{7, 1e300};
  wide.views[1] = {"backbone.norm.weight", DType::F64, {2}, std::as_bytes(std::span(norm))};
  CHECK(error(wide) == misfit + "tensors with NaN or infinity: backbone.norm.weight");
}

TEST_CASE("lists are cut at a dozen, names at a length that can be read") {
  Weights w = Weights::complete();
  for (int i = 100; i < 115; ++i) w.add("extra" + std::to_string(i), {1}, {0});
  CHECK(error(w) ==
        misfit +
            "unexpected tensors: extra100, extra101, extra102, extra103, extra104, extra105, extra106, extra107, "
            "extra108, extra109, extra110, extra111 and 3 more");
  Weights named = Weights::complete();
  named.remove("score.weight");
  named.add(std::string(1'000'000, 'x'), {1}, {0});
  CHECK(error(named) == misfit + "missing tensors: score.weight; unexpected tensors: " + std::string(160, 'x') + "...");
  // Many long names may not take long.
  Weights many = Weights::complete();
  many.remove("score.weight");
  for (int i = 0; i < 100'000; ++i) many.add("score.weight" + std::string(100, 'x') + std::to_string(i), {1}, {0});
  CHECK(error(many).find(" and 99988 more") != std::string::npos);
}

TEST_CASE("a head that is missing or of another shape stays fresh only on request") {
  Weights w = Weights::complete();
  w.remove("score.weight");
  CHECK(error(w) == misfit + "missing tensors: score.weight");
  CHECK(error(w, {.fresh_head = true}) == "no error");
  w.add("decoder.0.output_transform.weight", {5, 2}, std::vector<float>(10));
  CHECK(error(w, {.fresh_head = true}) == "no error");
  CHECK(error(w).find("unexpected tensors: decoder.0.output_transform.weight") != std::string::npos);
  Weights wide = Weights::complete();
  wide.remove("score.weight");
  wide.add("score.weight", {3, 2}, std::vector<float>(6));
  CHECK(error(wide) == misfit + "tensors of another shape: score.weight (expected [2, 2], found [3, 2])");
  CHECK(error(wide, {.fresh_head = true}) == "no error");
  // The rest must be there all the same.
  w.remove("backbone.norm.weight");
  CHECK(error(w, {.fresh_head = true}) == misfit + "missing tensors: backbone.norm.weight");
}

#include <doctest/doctest.h>
#include <ligase/model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <array>
#include <cstring>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using namespace ligase;

namespace {

using Caduceus = Model<BiMamba<RCPS>, CharTokenizer>;

constexpr int callers = 4;
constexpr int rounds = 12;

/// Sequence number k of one caller: every length and content is asked for by one caller in one round.
std::string sequence(int caller, int k) {
  const RandomStream stream{static_cast<std::uint64_t>(caller), static_cast<std::uint64_t>(k)};
  std::string text(static_cast<std::size_t>(3 + 37 * caller + 11 * k), 'A');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = "ACGTN"[stream.below(i, 5)];
  return text;
}

bool same_bits(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.count()) * sizeof(float)) == 0;
}

struct Answer {
  Tensor<float> logits, hidden;
  bool refused_empty = false;
};

Answer ask(const Caduceus& model, int caller, int k) {
  Answer answer{model.logits(sequence(caller, k)), model.embed(sequence(caller, k))};
  try {
    model.embed("");
  } catch (const Error& error) {
    answer.refused_empty = error.kind() == ErrorKind::input;
  }
  return answer;
}

}  // namespace

TEST_CASE("one const model answers several threads at once with the bits of one thread") {
  CaduceusConfig config;
  config.d_model = 24;
  config.n_layer = 2;
  Caduceus model(config, 3);
  model.set_threads(1);
  std::vector<Answer> expected;
  for (int caller = 0; caller < callers; ++caller)
    for (int k = 0; k < rounds; ++k) expected.push_back(ask(model, caller, k));

  for (const int threads : {1, 2}) {
    model.set_threads(threads);
    const Caduceus& shared = model;
    std::latch start(callers);
    std::array<std::vector<Answer>, callers> answers;
    std::vector<std::thread> team;
    for (int caller = 0; caller < callers; ++caller)
      team.emplace_back([&shared, &start, &mine = answers[static_cast<std::size_t>(caller)], caller] {
        start.arrive_and_wait();
        for (int k = 0; k < rounds; ++k) mine.push_back(ask(shared, caller, k));
      });
    for (std::thread& t : team) t.join();

    std::size_t i = 0;
    for (int caller = 0; caller < callers; ++caller)
      for (const Answer& answer : answers[static_cast<std::size_t>(caller)]) {
        CAPTURE(threads);
        CAPTURE(caller);
        CHECK(same_bits(answer.logits, expected[i].logits));
        CHECK(same_bits(answer.hidden, expected[i].hidden));
        CHECK(answer.refused_empty);
        ++i;
      }
    CHECK(i == expected.size());
  }
}

TEST_CASE("copies of a model in several threads: each has its own threads, all share the weights' bits") {
  CaduceusConfig config;
  config.d_model = 16;
  config.n_layer = 1;
  const Caduceus model(config, 4);
  const Tensor<float> expected = model.logits("ACGTNACGT");
  std::array<bool, callers> same{};
  std::vector<std::thread> team;
  for (int caller = 0; caller < callers; ++caller)
    team.emplace_back([&model, &mine = same[static_cast<std::size_t>(caller)], &expected, caller] {
      for (int k = 0; k < rounds; ++k) {
        Caduceus copy = model;
        copy.set_threads(1 + caller);
        mine = same_bits(copy.logits("ACGTNACGT"), expected);
        if (!mine) return;
      }
    });
  for (std::thread& t : team) t.join();
  for (const bool right : same) CHECK(right);
}

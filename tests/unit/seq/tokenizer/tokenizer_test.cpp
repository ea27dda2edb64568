#include <doctest/doctest.h>

#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <support/errors.hpp>

using namespace ligase;
using Ids = std::vector<TokenId>;

namespace {

/// A token of two letters, number of the pair; 100 in front and 101, 102 behind. No padding.
struct Pairs {
  std::vector<TokenId> encode(std::string_view text) const { return encode_spans(text).ids; }
  Encoding encode_spans(std::string_view text) const {
    Encoding e;
    for (Index i = 0; i + 1 < static_cast<Index>(text.size()); i += 2) {
      e.ids.push_back(static_cast<TokenId>(i / 2));
      e.spans.push_back({i, i + 2});
    }
    return e;
  }
  std::string decode(std::span<const TokenId>) const { return {}; }
  std::vector<TokenId> prefix() const { return {100}; }
  std::vector<TokenId> suffix() const { return {101, 102}; }
  std::int64_t vocab_size() const { return 103; }
  std::string name() const { return "pairs"; }
};
static_assert(Tokenizer<Pairs> && !HasPad<Pairs> && !HasMask<Pairs> && !HasUnknown<Pairs> &&
              !TokenwiseComplement<Pairs>);

struct LeftPairs : Pairs {
  TokenId pad_id() const { return 99; }
  PadSide pad_side() const { return PadSide::left; }
};

}  // namespace

TEST_CASE("special tokens stand around the text, truncation keeps them and the text's first tokens") {
  const Pairs t;
  Encoding e = encode_with(t, "ACGTA", {});
  CHECK(e.ids == Ids{0, 1});
  e = encode_with(t, "ACGTA", {.add_special_tokens = true});
  CHECK(e.ids == Ids{100, 0, 1, 101, 102});
  CHECK(e.spans == std::vector<Span>{{0, 0}, {0, 2}, {2, 4}, {4, 4}, {4, 4}});
  e = encode_with(t, "ACGTA", {.max_length = 4, .add_special_tokens = true});
  CHECK(e.ids == Ids{100, 0, 101, 102});
  CHECK(e.spans.back() == Span{2, 2});
  CHECK(encode_with(t, "ACGTA", {.max_length = 3, .add_special_tokens = true}).ids == Ids{100, 101, 102});
  CHECK(encode_with(t, "ACGTA", {.max_length = 1}).ids == Ids{0});
  CHECK(encode_with(t, "ACGTA", {.max_length = 0}).ids.empty());
}

TEST_CASE("padding stands on the tokenizer's side, outside the special tokens") {
  const Encoding e = encode_with(LeftPairs{}, "AC", {.max_length = 6, .pad = true, .add_special_tokens = true});
  CHECK(e.ids == Ids{99, 99, 100, 0, 101, 102});
  CHECK(e.spans == std::vector<Span>{{0, 0}, {0, 0}, {0, 0}, {0, 2}, {2, 2}, {2, 2}});
}

TEST_CASE("options that cannot be met are refused") {
  const auto message_of = [](const auto& t, const EncodeOptions& options) {
    const Error e = ligase_test::error_of([&] { encode_with(t, "ACGT", options); });
    CHECK(e.kind() == ErrorKind::usage);
    return std::string(e.what());
  };
  CHECK(message_of(Pairs{}, {.max_length = 2, .add_special_tokens = true}) ==
        "pairs tokenizer: max_length is too small; expected at least 3, found 2");
  CHECK(message_of(Pairs{}, {.max_length = 5, .pad = true}) ==
        "pairs tokenizer: the vocabulary has no token for padding");
  CHECK(message_of(LeftPairs{}, {.pad = true}) == "pairs tokenizer: padding needs max_length");
}

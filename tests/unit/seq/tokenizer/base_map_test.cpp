#include <doctest/doctest.h>

#include <ligase/seq/tokenizer/base_map.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>

#include <support/errors.hpp>

using namespace ligase;

TEST_CASE("tokens side by side, through special tokens, padding and the window's place") {
  // <cls> AAAAAA CCCCCC G <pad> <pad>, from base 100
  const BaseMap map(
      encode_with(KmerTokenizer(6), "AAAAAACCCCCCG", {.max_length = 6, .pad = true, .add_special_tokens = true}), 100);
  CHECK(map.tokens() == 6);
  CHECK(map.bases() == Span{100, 113});
  CHECK(map.bases_of(0) == Span{100, 100});
  CHECK(map.bases_of(2) == Span{106, 112});
  CHECK(map.bases_of(5) == Span{113, 113});
  CHECK(map.bases_of(TokenRange{0, 3}) == Span{100, 112});
  CHECK(map.bases_of(TokenRange{3, 6}) == Span{112, 113});
  CHECK(map.bases_of(TokenRange{4, 6}) == Span{113, 113});
  CHECK(map.tokens_of(100) == TokenRange{1, 2});
  CHECK(map.tokens_of(111) == TokenRange{2, 3});
  CHECK(map.tokens_of(112) == TokenRange{3, 4});
  CHECK(map.tokens_of(99).empty());
  CHECK(map.tokens_of(113).empty());
  CHECK(map.tokens_of(Span{105, 107}) == TokenRange{1, 3});
  CHECK(map.tokens_of(Span{0, 1000}) == TokenRange{1, 4});
  CHECK(map.tokens_of(Span{105, 105}).empty());
}

TEST_CASE("a base has k overlapping tokens, fewer at the ends, none where it was cut off") {
  const OverlappingKmerTokenizer t(3);
  const BaseMap map(encode_with(t, "ACGTACGT", {.max_length = 6, .add_special_tokens = true}));  // [CLS] 4 k-mers [SEP]
  CHECK(map.tokens_of(0) == TokenRange{1, 2});
  CHECK(map.tokens_of(2) == TokenRange{1, 4});
  CHECK(map.tokens_of(3) == TokenRange{2, 5});
  CHECK(map.tokens_of(5) == TokenRange{4, 5});
  CHECK(map.tokens_of(6).empty());
  CHECK(map.bases() == Span{0, 6});
}

TEST_CASE("letters that no token states are unknown in a restored text") {
  const OverlappingKmerTokenizer t(3);
  CHECK(restore(t, t.encode_spans("ACGRTTTT"), 8) == "ACGNTTTT");
  CHECK(restore(t, encode_with(t, "ACGTACGT", {.max_length = 2}), 8, '-') == "ACGT----");
  CHECK(restore(t, t.encode_spans("AC"), 2) == "NN");
  const KmerTokenizer k(2);
  CHECK(restore(k, encode_with(k, "ACGxxT<mask>", {.add_special_tokens = true}), 12) == "ACGNNT<mask>");
}

TEST_CASE("an empty map, and what is refused") {
  const BaseMap none(std::vector<Span>{}, 7);
  CHECK(none.tokens() == 0);
  CHECK(none.bases() == Span{7, 7});
  CHECK(none.tokens_of(7).empty());
  CHECK(std::string(ligase_test::error_of([&] { none.bases_of(Index{0}); }).what())
            .starts_with("no such token in the map"));
  using Spans = std::vector<Span>;
  for (const Spans& spans : {Spans{{2, 1}}, Spans{{-1, 1}}, Spans{{3, 4}, {2, 5}}, Spans{{0, 4}, {1, 3}}})
    CHECK(ligase_test::error_of([&] { BaseMap map(spans); }).kind() == ErrorKind::shape);
  CHECK(std::string(ligase_test::error_of([] {
                      BaseMap map(Spans{{0, 4}, {1, 3}});
                    }).what()) == "token 1: spans of tokens out of order; found 1 to 3");
}

#include <doctest/doctest.h>

#include <ligase/seq/tokenizer/vocabulary.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/io/temporary_folder.hpp>

#include <string>
#include <vector>

using namespace ligase;

namespace {

using Names = std::vector<std::string>;

std::filesystem::path file_with(const ligase_test::TemporaryFolder& folder, const std::string& text) {
  const auto file = folder.path() / "vocab.txt";
  AtomicFile out(file);
  out.write(text);
  out.commit();
  return file;
}

}  // namespace

TEST_CASE("a vocabulary is a file of one token a line") {
  const Vocabulary v(Names{"[PAD]", "A", "CG"});
  CHECK(v.size() == 3);
  CHECK(v[2] == "CG");
  CHECK(v.find("A") == 1);
  CHECK_FALSE(v.find("C"));
  CHECK(v.require("[PAD]") == 0);
}

TEST_CASE("files are written back byte by byte") {
  const ligase_test::TemporaryFolder folder;
  for (const std::string text : {"A\nC\nG", "A\nC\nG\n", "A\r\nC\r\nG\r\n", "A\r\nC\nG"}) {
    const Vocabulary v = Vocabulary::read(file_with(folder, text));
    CHECK(v.size() == 3);
    CHECK(v.find("C") == 1);
    CHECK(v.find("G") == 2);
    v.write(folder.path() / "copy.txt");
    CHECK(read_file(folder.path() / "copy.txt") == text);
  }
  Vocabulary(Names{"A", "C"}).write(folder.path() / "made.txt");
  CHECK(read_file(folder.path() / "made.txt") == "A\nC\n");
}

TEST_CASE("wrong vocabulary files are refused with file and line") {
  const ligase_test::TemporaryFolder folder;
  const std::string name = (folder.path() / "vocab.txt").string();
  const auto message_of = [&](const std::string& text) {
    file_with(folder, text);
    return ligase_test::input_error([&] { Vocabulary::read(name); });
  };
  CHECK(message_of("A\nC\n") == "no error");
  CHECK(message_of("") == name + ": no tokens; expected one token a line");
  CHECK(message_of("A\n\nC\n") == name + ":2: an empty token");
  CHECK(message_of("A\nC\n\n") == name + ":3: an empty token");
  CHECK(message_of("A\nC\nT\nC\nA\n") ==
        name + ":5: a token stands twice; expected every token once, found 'A' as in line 1");
  file_with(folder, "A\nC\n");
  CHECK(ligase_test::input_error([&] { (void)Vocabulary::read(name).require("[UNK]"); }) ==
        name + ": a token is missing; expected [UNK]");
  CHECK(ligase_test::input_error([&] { Vocabulary::read(folder.path() / "none.txt"); }).find("none.txt") !=
        std::string::npos);
  CHECK(ligase_test::input_error([] {
          Vocabulary v(Names{"A", "C\nG"});
        }) == "vocabulary:2: a token with a line break");
  CHECK(ligase_test::input_error([] { Vocabulary v(Names{"A", ""}); }) == "vocabulary:2: an empty token");
}

TEST_CASE("the originals' vocabulary files survive reading and writing") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const ligase_test::TemporaryFolder folder;
  for (const char* name :
       {"dnabert/vocab_k3.txt", "dnabert/vocab_k4.txt", "dnabert/vocab_k5.txt", "dnabert/vocab_k6.txt",
        "nucleotide_transformer/vocab_v1.txt", "nucleotide_transformer/vocab_v2.txt"}) {
    const auto original = *shared / "data/tokenizers" / name;
    Vocabulary::read(original).write(folder.path() / "copy.txt");
    CHECK(read_file(folder.path() / "copy.txt") == read_file(original));
  }
}

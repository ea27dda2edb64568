#include <ligase/genome/fasta.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <support/errors.hpp>
#include <support/shared.hpp>
#include <thread>
#include <unit/train/file_limit.hpp>
#include <vector>

namespace {

using ligase::Contig;
using ligase::Error;
using ligase::ErrorKind;
using ligase::Fasta;
using ligase_test::input_error;
using ligase_test::Scratch;

struct Genome {
  std::vector<std::pair<std::string, std::string>> sequences;

  std::string text(std::size_t width, const char* line_end = "\n") const {
    std::string out;
    for (const auto& [name, letters] : sequences) {
      out += ">" + name + " a description" + line_end;
      for (std::size_t at = 0; at < letters.size(); at += width) out += letters.substr(at, width) + line_end;
    }
    return out;
  }
};

Genome make_genome(unsigned seed, std::vector<std::size_t> lengths) {
  std::mt19937 random(seed);
  Genome genome;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    std::string letters(lengths[i], 'A');
    for (char& c : letters) c = "ACGTNacgtnRy"[random() % 12];
    genome.sequences.emplace_back("seq" + std::to_string(i), letters);
  }
  return genome;
}

/// Every sequence whole, and many small pieces of it, against the text that the file was made from.
void check_reads(const Fasta& fasta, const Genome& genome) {
  REQUIRE(fasta.contigs().size() == genome.sequences.size());
  std::mt19937 random(5);
  for (std::size_t i = 0; i < genome.sequences.size(); ++i) {
    const auto& [name, letters] = genome.sequences[i];
    const auto n = static_cast<ligase::Index>(letters.size());
    CHECK(fasta.contigs()[i] == Contig{name, n});
    CHECK(fasta.length(name) == n);
    CHECK(fasta.fetch(name, 0, n) == letters);
    for (int k = 0; k < 50; ++k) {
      const auto a = static_cast<ligase::Index>(random() % (letters.size() + 1));
      const auto b = a + static_cast<ligase::Index>(random() % static_cast<unsigned>(n - a + 1));
      CHECK(fasta.fetch(name, a, b) == letters.substr(static_cast<std::size_t>(a), static_cast<std::size_t>(b - a)));
    }
  }
}

std::string open_error(const std::filesystem::path& path) {
  return input_error([&] { Fasta fasta(path); });
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

void set_time(const std::filesystem::path& path, int seconds_from_now) {
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(seconds_from_now));
}

}  // namespace

TEST_CASE("plain, gzip and bgzip give the same bases, first from a new index and then from the kept one") {
  const Scratch scratch;
  const Genome genome = make_genome(1, {1, 60, 61, 300000, 59});
  const std::string text = genome.text(60);
  for (const auto& path :
       {scratch.plain("a.fa", text), scratch.gzip("b.fa.gz", text), scratch.bgzip("c.fa.gz", text)}) {
    CAPTURE(path.string());
    check_reads(Fasta(path), genome);
    check_reads(Fasta(path), genome);
  }
  CHECK(Scratch::read(scratch.path() / "a.fa.fai").starts_with("seq0\t1\t"));
  CHECK(std::filesystem::exists(scratch.path() / "c.fa.gz.gzi"));
  CHECK(scratch.cached(".bgz") == 1);
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "b.fa.gz.fai"));
}

TEST_CASE("carriage returns, one long line, no newline at the end, empty lines between sequences") {
  const Scratch scratch;
  const Genome genome = make_genome(2, {130, 60, 7});
  check_reads(Fasta(scratch.plain("crlf.fa", genome.text(60, "\r\n"))), genome);
  check_reads(Fasta(scratch.gzip("crlf.fa.gz", genome.text(60, "\r\n"))), genome);
  check_reads(Fasta(scratch.plain("long.fa", genome.text(1000))), genome);
  std::string open_end = genome.text(60);
  open_end.pop_back();
  check_reads(Fasta(scratch.plain("open.fa", open_end)), genome);
  check_reads(Fasta(scratch.plain("gaps.fa", ">seq0\nACGT\nAC\n\n>seq1\nGG\n\n\n")),
              {{{"seq0", "ACGTAC"}, {"seq1", "GG"}}});
  check_reads(Fasta(scratch.plain("tiny.fa", ">s\nA")), {{{"s", "A"}}});
}

TEST_CASE("lines that end now with LF, now with CR LF are read from a copy in the cache") {
  const Scratch scratch;
  const Genome genome{{{"a", "ACGTTTGCCA"}, {"b", "GGGGC"}}};
  for (const char* text : {">a x\r\nACGT\r\nTTGC\nCA\r\n>b\nGGGG\nC\n", ">a\nACGT\nTTGC\r\nCA\n>b\nGGGG\nC\n",
                           ">a\nACGTT\nTGCCA\r\n>b\nGGGG\nC\n"}) {
    CAPTURE(text);
    for (const auto& path :
         {scratch.plain("a.fa", text), scratch.bgzip("b.fa.gz", text), scratch.gzip("c.fa.gz", text)})
      for (int round = 0; round < 2; ++round) check_reads(Fasta(path), genome);
    CHECK(scratch.cached(".bgz") == 3);
    std::filesystem::remove_all(scratch.cache());
  }
  // Neither of these needs one: each sequence has its own kind of line end, or the last line has none.
  check_reads(Fasta(scratch.plain("d.fa", ">a\r\nACGT\r\nTTGC\r\nCA\r\n>b\nGGGG\nC\n")), genome);
  check_reads(Fasta(scratch.plain("e.fa", ">a\nACGTTTGCCA\n>b\r\nGGGGC")), genome);
  CHECK(scratch.cached(".bgz") == 0);
}

TEST_CASE("where the folder cannot take the index it goes to the cache") {
  const Scratch scratch;
  const Genome genome = make_genome(3, {500, 90});
  const auto plain = scratch.plain("a.fa", genome.text(70));
  const auto packed = scratch.bgzip("b.fa.gz", genome.text(70));
  // A folder of that name stops even root.
  std::filesystem::create_directories(scratch.path() / "a.fa.fai" / "x");
  std::filesystem::create_directories(scratch.path() / "b.fa.gz.fai" / "x");
  for (int round = 0; round < 2; ++round) {
    check_reads(Fasta(plain), genome);
    check_reads(Fasta(packed), genome);
    CHECK(scratch.cached(".fai") == 2);
    CHECK(scratch.cached(".gzi") == 1);
    CHECK(scratch.cached(".tmp") == 0);
  }
}

TEST_CASE("a gzip file is repacked once, and again when it changes") {
  const Scratch scratch;
  const Genome before = make_genome(4, {4000}), after = make_genome(5, {4000});
  const auto path = scratch.gzip("a.fa.gz", before.text(80));
  check_reads(Fasta(path), before);
  check_reads(Fasta(path), before);
  CHECK(scratch.cached(".bgz") == 1);
  scratch.gzip("a.fa.gz", after.text(80));
  set_time(path, 5);
  check_reads(Fasta(path), after);
  CHECK(scratch.cached(".bgz") == 2);
}

TEST_CASE("a file from the future opens") {
  const Scratch scratch;
  const Genome genome = make_genome(12, {500});
  for (const auto& path : {scratch.plain("a.fa", genome.text(60)), scratch.bgzip("b.fa.gz", genome.text(60))}) {
    set_time(path, 100000);
    check_reads(Fasta(path), genome);
    check_reads(Fasta(path), genome);
  }
}

TEST_CASE("a stale index never gives wrong bases") {
  const Scratch scratch;
  const Genome old_genome = make_genome(6, {1000, 400}), new_genome = make_genome(7, {950, 500});
  SUBCASE("older than the FASTA") {
    const auto path = scratch.plain("a.fa", old_genome.text(60));
    check_reads(Fasta(path), old_genome);
    scratch.plain("a.fa", new_genome.text(50));
    set_time(scratch.path() / "a.fa.fai", -100);
    check_reads(Fasta(path), new_genome);
  }
  SUBCASE("newer, of other lengths") {
    const auto path = scratch.plain("a.fa", old_genome.text(60));
    { const Fasta make_index(path); }
    scratch.plain("a.fa", make_genome(7, {950, 600}).text(60));
    set_time(scratch.path() / "a.fa.fai", 100);
    check_reads(Fasta(path), make_genome(7, {950, 600}));
  }
  SUBCASE("newer, of another line width and the same names and number of bytes") {
    const Genome wide{{{"s", std::string(50, 'A') + std::string(50, 'C')}}};
    const auto path = scratch.plain("a.fa", wide.text(50));
    { const Fasta make_index(path); }
    scratch.plain("a.fa", ">s a description\n" + std::string(49, 'A') + "\n" + std::string(49, 'C') + "\nG\n");
    set_time(scratch.path() / "a.fa.fai", 100);
    CHECK(Fasta(path).fetch("s", 0, 99) == std::string(49, 'A') + std::string(49, 'C') + "G");
  }
  SUBCASE("newer, of other names") {
    const auto path = scratch.plain("a.fa", ">seqA\nACGT\n");
    { const Fasta make_index(path); }
    scratch.plain("a.fa", ">seqB\nACGT\n");
    set_time(scratch.path() / "a.fa.fai", 100);
    CHECK(Fasta(path).contigs().front().name == "seqB");
  }
  SUBCASE("newer, beyond the file: the file is cut off") {
    const std::string text = old_genome.text(60);
    const auto path = scratch.plain("a.fa", text);
    { const Fasta make_index(path); }
    scratch.plain("a.fa", text.substr(0, text.size() - 100));
    set_time(scratch.path() / "a.fa.fai", 100);
    CHECK(has(open_error(path), "a.fa: file ends before its index does: truncated"));
  }
  SUBCASE("nonsense, and numbers that lie") {
    const auto path = scratch.plain("a.fa", old_genome.text(60));
    for (const char* lie :
         {"", "hello", "seq0\t-5\t1\t60\t61\n", "seq0\t1000\t20\t0\t61\n", "seq0\t1000\t20\t60\n",
          "seq0\t9223372036854775807\t20\t60\t61\n", "seq0\t140737488355328\t20\t1\t140737488355328\n"}) {
      CAPTURE(lie);
      scratch.plain("a.fa.fai", lie);
      set_time(scratch.path() / "a.fa.fai", 100);
      check_reads(Fasta(path), old_genome);
    }
  }
  SUBCASE("a bgzip block table that belongs to another packing") {
    const Genome genome = make_genome(8, {300000});
    const auto path = scratch.bgzip("a.fa.gz", genome.text(60), "w9");
    { const Fasta make_index(path); }
    scratch.bgzip("a.fa.gz", genome.text(60), "w1");
    set_time(scratch.path() / "a.fa.gz.gzi", 100);
    set_time(scratch.path() / "a.fa.gz.fai", 100);
    check_reads(Fasta(path), genome);
  }
}

TEST_CASE("what is no FASTA is refused with one sentence, and no index is left") {
  const Scratch scratch;
  const auto refused = [&](const std::string& text) {
    const std::string message = open_error(scratch.plain("a.fa", text));
    CHECK(scratch.files() == 1);
    CHECK(open_error(scratch.gzip("a.fa", text)) == message);
    CHECK_FALSE(std::filesystem::exists(scratch.cache()));
    return message;
  };
  const std::string where = (scratch.path() / "a.fa").string();
  CHECK(refused("ACGT\nACGT\n") ==
        where + ":1: FASTA without header; expected a line that begins with '>', found a line that begins with 'A'");
  CHECK(has(refused("\n\n"), "FASTA without header"));
  CHECK(refused(">a\nACGT\nAC*T\n") == where +
                                           ":3: byte that is no letter in sequence 'a'; expected letters (A, C, G, T, "
                                           "N or other IUPAC codes), found '*' in column 3");
  CHECK(has(refused(">a\nAC\xFFT\n"), "found byte 0xFF in column 3"));
  CHECK(has(refused(std::string(">a\nAC\0T\n", 8)), "found byte 0x00 in column 3"));
  CHECK(has(refused(">a\nAC GT\n"), "found byte 0x20 in column 3"));
  CHECK(has(refused(">a\nAC12\n"), "found '1' in column 3"));
  CHECK(has(refused(">a\nACGT\n>b\n"), "sequence 'b' is empty"));
  CHECK(has(refused(">a\n>b\nACGT\n"), "sequence 'a' is empty"));
  CHECK(has(refused(">a\nACGT\n>a\nACGT\n"), "a.fa:3: two sequences of one name"));
  CHECK(has(refused(">\nACGT\n"), "FASTA header without a name"));
  for (const char* name :
       {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3(", "\xF8"})
    CHECK(has(refused(">a" + std::string(name) + " b\nACGT\n"),
              "a.fa:1: name of a sequence holds a byte that is no UTF-8"));
  CHECK(has(refused(">a\nACGT\nAC\nACGT\n"), "a.fa:4: sequence 'a' has lines of different widths"));
  CHECK(has(refused(">a\nACGT\n\nACGT\n"), "a.fa:4: sequence 'a' has lines of different widths"));
  CHECK(has(refused(">a\nACGT\nACGTA\n"), "a.fa:3: sequence 'a' has lines of different widths"));
  CHECK(has(refused(std::string(">a\0b\nACGT\n", 10)),
            "a.fa:1: control character in a FASTA header; expected text, found byte 0x00"));
  CHECK(has(refused(">a \x1B[31m\nACGT\n"), "found byte 0x1B"));
  CHECK(
      has(refused(">a " + std::string(1'000'000, 'x') + "\nACGT\n"), "expected at most 1000000 bytes, found 1000002"));
}

TEST_CASE("names may hold any letters, and descriptions any bytes") {
  const Scratch scratch;
  const Fasta fasta(scratch.plain("a.fa", ">\xC3\xA4\xE2\x82\xAC\xF0\x9F\xA7\xAC M\xFCller\nACGT\n"));
  CHECK(fasta.contigs()[0].name == "\xC3\xA4\xE2\x82\xAC\xF0\x9F\xA7\xAC");
}

TEST_CASE("a long header is read") {
  const Scratch scratch;
  const Fasta fasta(scratch.plain("a.fa", ">a\tb " + std::string(999'000, 'x') + "\nACGT\n"));
  CHECK(fasta.fetch("a", 0, 4) == "ACGT");
}

TEST_CASE("a file that changes or goes after opening is noticed") {
  const Scratch scratch;
  for (const bool packed : {false, true}) {
    const auto path = packed ? scratch.gzip("a.fa", ">a\nACGT\n") : scratch.plain("a.fa", ">a\nACGT\n");
    const Fasta fasta(path);
    fasta.check_unchanged();
    set_time(path, 5);
    CHECK(has(ligase_test::error_of([&] { fasta.check_unchanged(); }).what(),
              "the FASTA was changed since it was opened"));
    std::filesystem::remove(path);
    const Error gone = ligase_test::error_of([&] { fasta.check_unchanged(); });
    CHECK(gone.kind() == ErrorKind::io);
    CHECK(has(gone.what(), "the FASTA cannot be found any more; found No such file"));
  }
}

TEST_CASE("missing, empty and truncated files are refused") {
  const Scratch scratch;
  CHECK(has(open_error(scratch.path() / "none.fa"), "none.fa: cannot open the file; found No such file"));
  CHECK(has(open_error(scratch.path()), "found a folder"));
  REQUIRE(::mkfifo((scratch.path() / "pipe.fa.gz").c_str(), 0600) == 0);
  CHECK(has(
      input_error([&] { ligase::detail::read_decompressed(scratch.path() / "pipe.fa.gz", [](std::string_view) {}); }),
      "pipe.fa.gz: not a file; expected a regular file, found a pipe or device"));
  CHECK(has(open_error(scratch.plain("empty.fa", "")), "empty.fa: file is empty"));
  CHECK(has(open_error(scratch.gzip("empty.fa.gz", "")), "FASTA without header"));

  const std::string text = make_genome(9, {200000}).text(60);
  const std::string gzip = Scratch::read(scratch.gzip("whole.gz", text));
  for (const std::size_t size : {gzip.size() / 2, gzip.size() - 1, gzip.size() - 8})
    CHECK(has(open_error(scratch.plain("cut.fa.gz", gzip.substr(0, size))), "cut.fa.gz: compressed file is truncated"));
  std::string damaged = gzip;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  CHECK(has(open_error(scratch.plain("bad.fa.gz", damaged)), "bad.fa.gz: compressed file is damaged"));
  CHECK(scratch.cached("") == 0);

  const std::string bgzip = Scratch::read(scratch.bgzip("whole.bgz", text));
  for (const std::size_t size : {bgzip.size() / 2, bgzip.size() - 1, bgzip.size() - 28})
    CHECK(has(open_error(scratch.plain("cut.fa.bgz", bgzip.substr(0, size))), "cut.fa.bgz: bgzip file is truncated"));
}

TEST_CASE("wrong requests are refused") {
  const Scratch scratch;
  const Fasta fasta(scratch.plain("a.fa", ">one\nACGTACGT\n>two\nGG\n"));
  CHECK(fasta.contains("one"));
  CHECK_FALSE(fasta.contains("three"));
  CHECK(has(input_error([&] { fasta.fetch("three", 0, 1); }), "a.fa: unknown sequence 'three'; expected one of 2"));
  CHECK(has(input_error([&] { fasta.fetch("one", 4, 9); }),
            "range outside the sequence; expected one:0-8, found one:4-9"));
  CHECK(has(input_error([&] { fasta.fetch("one", -1, 2); }), "range outside"));
  CHECK(has(input_error([&] { fasta.fetch("one", 3, 2); }), "range outside"));
  CHECK(fasta.fetch("one", 3, 3).empty());
}

TEST_CASE("a byte that is no letter behind a foreign index is found when it is read") {
  const Scratch scratch;
  const auto path = scratch.plain("a.fa", ">one\nACGTAC-T\n");
  scratch.plain("a.fa.fai", "one\t8\t5\t8\t9\n");
  const Fasta fasta(path);
  CHECK(fasta.fetch("one", 0, 6) == "ACGTAC");
  CHECK(has(input_error([&] { fasta.fetch("one", 4, 8); }), "no letter in sequence 'one', position 6"));
}

TEST_CASE("a file that is cut off after opening is an io error when read") {
  const Scratch scratch;
  const Genome genome = make_genome(10, {1000000});
  const auto path = scratch.plain("a.fa", genome.text(60));
  const Fasta fasta(path);
  std::filesystem::resize_file(path, 1000);
  const Error error = ligase_test::error_of([&] { fasta.fetch("seq0", 900000, 900100); });
  CHECK(error.kind() == ErrorKind::io);
  CHECK(has(error.what(), "the FASTA was changed since it was opened"));
}

TEST_CASE("a damaged block under an index that is not older is bad input") {
  const Scratch scratch;
  const Genome genome = make_genome(13, {300000});
  const auto path = scratch.bgzip("a.fa.gz", genome.text(60));
  { const Fasta make_index(path); }
  std::string bytes = Scratch::read(path);
  char& inside_second_block = bytes[bytes.size() / 2];
  inside_second_block = static_cast<char>(inside_second_block ^ 0x55);
  scratch.plain("a.fa.gz", bytes);
  for (const char* index : {"a.fa.gz.fai", "a.fa.gz.gzi"}) set_time(scratch.path() / index, 100);
  CHECK(has(input_error([&] { Fasta(path).fetch("seq0", 0, 300000); }),
            "a.fa.gz: the file is damaged: seq0:0-300000 cannot be read"));
}

TEST_CASE("where no index can be written it is no fault of the FASTA") {
  const Scratch scratch;
  const auto path = scratch.plain("a.fa", ">a\nACGT\n");
  SUBCASE("the disk is full") {
    const ligase_test::FileLimit limit(0);
    CHECK(ligase_test::error_of([&] { Fasta fasta(path); }).kind() == ErrorKind::io);
  }
  SUBCASE("there is no folder for temporary files") {
    const std::string before = std::filesystem::temp_directory_path().string();
    ::setenv("TMPDIR", (scratch.path() / "none").c_str(), 1);
    const Error error = ligase_test::error_of([&] { Fasta fasta(path); });
    ::setenv("TMPDIR", before.c_str(), 1);
    CHECK(error.kind() == ErrorKind::io);
    CHECK(has(error.what(), "cannot make a temporary folder; expected TMPDIR to name a folder that can be written"));
  }
}

TEST_CASE("several threads read the same file") {
  const Scratch scratch;
  const Genome genome = make_genome(11, {200000, 100000});
  const Fasta fasta(scratch.bgzip("a.fa.gz", genome.text(60)));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 200; ++i) {
        const auto& [name, letters] = genome.sequences[random() % 2];
        const std::size_t begin = random() % (letters.size() - 700);
        const auto a = static_cast<ligase::Index>(begin);
        if (fasta.fetch(name, a, a + 700) != letters.substr(begin, 700)) ++wrong[t];
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("the letters of the shared genomes") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const Scratch scratch;
  const Fasta chr20(*shared / "data" / "genome_human_chr20" / "chr20_hg38coord.fa.gz");
  CHECK(chr20.contigs() == std::vector<Contig>{{"chr20", 64444167}});
  const std::string letters = chr20.fetch("chr20", 0, 64444167);
  CHECK(std::count(letters.begin(), letters.end(), 'N') == 4916403);

  const Fasta yeast(*shared / "data" / "genome_yeast_sacCer3" / "sacCer3.fa.gz");
  CHECK(yeast.contigs().size() == 16);
  ligase::Index total = 0;
  for (const Contig& contig : yeast.contigs()) total += contig.length;
  CHECK(total == 12071326);
}

#include <common/models.hpp>
#include <common/outputs.hpp>
#include <common/program.hpp>
#include <common/progress.hpp>
#include <common/rows.hpp>
#include <common/stop.hpp>
#include <common/tokenizers.hpp>

#include <ligase/genome.hpp>
#include <ligase/io/npy.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace ligase;
using namespace ligase_cli;

constexpr const char* purpose =
    R"(Writes the token ids of a genome's windows as a .npy file [windows, tokens] for `pretrain --ids`.

Windows, splits and rows are those of `pretrain` with the same --fasta, --bed, --intervals and --length; training on the
file gives the same weights as training on the FASTA, without HTSlib. Ids are uint8, uint16 or int32, as the vocabulary
needs; rows with fewer tokens than the longest end with [PAD].
)";

struct Options {
  CommonFlags common;
  std::filesystem::path fasta, bed, out;
  std::string split, intervals;
  AnyTokenizer tokenizer = CharTokenizer{};
  Index length = 0;
};

Options read_options(const Arguments& a) {
  Options o;
  o.common = a.common();
  check_host(o.common, "text is encoded");
  o.tokenizer = tokenizer_named(a.text("tokenizer"), "--tokenizer");
  o.fasta = a.path("fasta");
  if (a.given("bed")) o.bed = a.path("bed");
  o.split = a.text("split");
  o.intervals = a.choice("intervals", {"strict", "original"});
  o.length = a.whole("length", 1, 1 << 30);
  check_window_length(o.tokenizer, o.length);
  o.out = a.path("out");
  if (o.out.extension() != ".npy")
    throw Error{{.kind = ErrorKind::usage,
                 .what = "unknown kind of file",
                 .where = "--out",
                 .expected = "a name that ends in .npy",
                 .found = "'" + o.out.string() + "'"}};
  const std::vector<std::filesystem::path> inputs{o.fasta, o.bed, file_of_tokenizer(a.text("tokenizer"))};
  check_output("--out", o.out, inputs);
  check_output("--json", o.common.json, inputs);
  check_apart("--json", o.common.json, "--out", {o.out});
  return o;
}

DType type_for(Index vocabulary) {
  return vocabulary <= 1 << 8 ? DType::U8 : vocabulary <= 1 << 16 ? DType::U16 : DType::I32;
}

void tokenize(const Options& o) {
  const auto fasta = std::make_shared<const Fasta>(o.fasta);
  const IntervalMode mode = interval_mode(o.intervals, o.length);
  const std::vector<BedRow> rows = rows_of(*fasta, o.bed, o.length);
  check_split(o.split, rows);
  const std::filesystem::path& place = o.bed.empty() ? o.fasta : o.bed;
  const FastaDataset windows(fasta, Windows(rows, o.split, o.length, mode, fasta->contigs(), place));
  const auto encode = [&](Index i) {
    std::string letters = windows[i];
    std::transform(letters.begin(), letters.end(), letters.begin(), to_upper);
    return o.tokenizer.encode(letters);
  };
  Index most = 0, least = std::numeric_limits<Index>::max();
  for (Index i = 0; i < windows.size(); ++i) {
    const Index n = std::ssize(encode(i));
    most = std::max(most, n);
    least = std::min(least, n);
  }
  if (least < most && !o.tokenizer.pad())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "windows differ in tokens and cannot be padded: this vocabulary has no token for it",
                 .where = "--tokenizer",
                 .found = o.tokenizer.name()}};

  const DType type = type_for(o.tokenizer.vocab_size());
  const auto width = static_cast<std::size_t>(dtype_bytes(type));
  listen_for_stop();
  AtomicFile file(o.out);
  const std::string header = compose_npy_header(type, {windows.size(), most});
  file.write(std::as_bytes(std::span(header)));
  Progress progress("tokenize", "windows", windows.size(), o.common.quiet);
  std::vector<std::byte> row(static_cast<std::size_t>(most) * width);
  for (Index i = 0; i < windows.size(); ++i) {
    std::vector<TokenId> ids = encode(i);
    ids.resize(static_cast<std::size_t>(most), o.tokenizer.pad().value_or(0));
    for (std::size_t t = 0; t < ids.size(); ++t) std::memcpy(row.data() + t * width, &ids[t], width);
    file.write(row);
    check_stop();
    progress.update(i + 1);
  }
  fasta->check_unchanged();
  file.commit();
  progress.finish();

  std::printf("%lld windows of %lld bp, %lld tokens each (%s tokenizer), written as %s to %s\n",
              static_cast<long long>(windows.size()), static_cast<long long>(o.length), static_cast<long long>(most),
              o.tokenizer.name().c_str(), std::string(dtype_name(type)).c_str(), o.out.c_str());
  if (o.common.json.empty()) return;
  write_json_file(o.common.json, OrderedJson{{"fasta", o.fasta.string()},
                                             {"split", o.split},
                                             {"tokenizer", o.tokenizer.name()},
                                             {"windows", windows.size()},
                                             {"length", o.length},
                                             {"tokens", most},
                                             {"out", o.out.string()}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("tokenize", purpose, "tokenize --fasta chr20.fa.gz --split train --length 1024 --out train.npy");
    a.required("fasta", "FILE", "genome: plain, gzip or bgzip, with or without index")
        .option("bed", "FILE", "", "rows chrom, start, end, split; default: blocks of 2^20 bp by number")
        .option("split", "NAME", "train", "split whose windows are written")
        .option("length", "N", "1024", "window length in bases")
        .option("intervals", "strict|original", "strict", "as pretrain takes it")
        .option("tokenizer", "NAME|FILE", "char", "char, bytes, kmer:K, kmer-overlap:K, or a tokenizer.json or vocab.txt")
        .required("out", "FILE.npy", "file to write")
        .common_flags();
    if (!a.parse(count, words)) return;
    tokenize(read_options(a));
  });
}

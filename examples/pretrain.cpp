#include <common/models.hpp>
#include <common/outputs.hpp>
#include <common/program.hpp>
#include <common/tokenizers.hpp>
#include <pretrain/checks.hpp>
#include <pretrain/options.hpp>
#include <pretrain/source.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

namespace {

using namespace ligase;
using namespace ligase_cli;
using pretrain::Options;

constexpr Index most_channels = 1 << 16, most_layers = 1 << 12, most_windows = 1 << 20, most_length = 1 << 30;

/// Model and sizes are the checkpoint's; flags may repeat but not contradict them.
void take_checkpoint(const Arguments& a, Options& o) {
  const std::filesystem::path folder = find_checkpoint(a.text("checkpoint"));
  o.checkpoint = resolved(folder);
  const auto refuse = [&](const std::string& flag, const std::string& expected, const std::string& found) {
    throw Error{{.kind = ErrorKind::usage,
                 .what = "contradicts the checkpoint " + folder.string(),
                 .where = "--" + flag,
                 .expected = expected + ", or the flag left out",
                 .found = found}};
  };
  const std::string model = model_of_checkpoint(folder);
  if (a.given("model") && o.model != model) refuse("model", model, o.model);
  o.model = model;
  const std::string file = find_checkpoint_files(folder.string()).config.string();
  const Json json = parse_json_file<Json>(file);
  const auto take = [&](const char* flag, const char* field, Index most, Index& value) {
    const auto own = require<Index>(json, field, file);
    if (own < 1 || own > most)
      throw Error{{.kind = ErrorKind::input,
                   .what = std::string("field \"") + field + "\" is out of range",
                   .where = file,
                   .expected = "1 to " + std::to_string(most),
                   .found = std::to_string(own)}};
    if (a.given(flag) && value != own) refuse(flag, std::to_string(own), std::to_string(value));
    value = own;
  };
  take("d-model", "d_model", most_channels, o.d_model);
  take("n-layer", "n_layer", most_layers, o.n_layer);
}

/// The tokenizer that was asked for, else the checkpoint's, else single bases; and what windows become.
void take_tokenizer(const Arguments& a, Options& o) {
  if (a.given("tokenizer")) {
    const std::filesystem::path file = file_of_tokenizer(a.text("tokenizer"));
    o.tokenizer_name = file.empty() ? a.text("tokenizer") : resolved(file).string();
    o.tokenizer = tokenizer_named(o.tokenizer_name, "--tokenizer");
  } else if (!o.checkpoint.empty()) {
    o.tokenizer = tokenizer_of(folder_of(o.checkpoint));
  } else {
    o.tokenizer_name = "char";
  }
  o.packed = a.given("fit") ? a.choice("fit", {"packed", "padded"}) == "packed" : !reads_single_bases(o.tokenizer);
}

/// Windows of a FASTA, or rows of ids.
void take_data(const Arguments& a, Options& o) {
  const auto refuse = [](const char* what, const char* flag, const char* expected = "") {
    throw Error{{.kind = ErrorKind::usage, .what = what, .where = flag, .expected = expected}};
  };
  if (a.given("fasta") && a.given("ids")) refuse("and --fasta exclude each other", "--ids");
  if (!a.given("fasta") && !a.given("ids")) refuse("has to be given, or --ids", "--fasta");
  o.length = a.whole("length", 1, most_length);
  if (a.given("fasta")) {
    o.fasta = a.path("fasta");
    if (a.given("bed")) o.bed = a.path("bed");
    if (a.given("valid-ids")) refuse("validation windows are those of the FASTA", "--valid-ids", "--ids with it");
    return;
  }
  o.ids = a.path("ids");
  for (const char* flag : {"bed", "intervals"})
    if (a.given(flag)) refuse("the windows of --ids are already cut", (std::string("--") + flag).c_str(), "--fasta with it");
  if (a.given("valid-ids")) o.valid_ids = a.path("valid-ids");
  if (a.given("eval-every") != a.given("valid-ids")) refuse("--eval-every and --valid-ids go together", "--ids");
  if (!a.given("length")) o.length = std::clamp<Index>(pretrain::tokens_of_ids(o.ids), 1, most_length);
}

pretrain::Recompute read_recompute(const std::string& text) {
  pretrain::Recompute choice;
  if (text == "none") return choice;
  choice.layers = text == "layer" || text.starts_with("layer,");
  if (text == "layer") return choice;
  const std::string_view group = std::string_view(text).substr(choice.layers ? 6 : 0);
  const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), choice.group);
  if (error != std::errc() || end != group.data() + group.size() || choice.group < 1)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "unknown value",
                 .where = "--recompute",
                 .expected = "none, layer, a number of layers N, or layer,N",
                 .found = "'" + text + "'"}};
  return choice;
}

Options read_options(Arguments& a) {
  Options o;
  o.common = a.common();
  check_device(o.common);
  o.model = a.choice("model", model_names());
  take_data(a, o);
  o.out = a.path("out");
  o.steps = a.positive("steps");
  o.batch_size = a.whole("batch-size", 1, most_windows);
  o.accumulate = a.whole("accumulate", 1, most_windows);
  o.learning_rate = a.positive_real("learning-rate");
  o.d_model = a.whole("d-model", 1, most_channels);
  o.n_layer = a.whole("n-layer", 1, most_layers);
  if (a.given("checkpoint")) take_checkpoint(a, o);
  const bool causal = is_causal(o.model);
  o.objective = a.given("objective") ? a.choice("objective", {"mlm", "causal"}) : causal ? "causal" : "mlm";
  if (o.objective == "causal" && !causal)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "a model that reads in both directions sees the token it should predict",
                 .where = "--objective",
                 .expected = "mlm for " + o.model,
                 .found = "causal"}};
  o.mlm_probability = a.probability("mlm-probability");
  if (o.objective == "mlm" && o.mlm_probability == 0)
    throw Error{{.kind = ErrorKind::usage, .what = "nothing would be masked", .where = "--mlm-probability", .expected = "above 0"}};
  o.intervals = a.choice("intervals", {"strict", "original"});
  o.recompute = read_recompute(a.text("recompute"));
  take_tokenizer(a, o);
  if (o.ids.empty()) check_window_length(o.tokenizer, o.length);
  if (a.given("save-every")) o.save_every = a.positive("save-every");
  if (a.given("eval-every")) o.eval_every = a.positive("eval-every");
  o.rc_augment = a.on("rc-augment");
  o.resume = a.on("resume");
  o.overwrite = a.on("overwrite");
  o.dry_run = a.on("dry-run");
  if (o.resume && o.overwrite)
    throw Error{{.kind = ErrorKind::usage, .what = "and --overwrite exclude each other", .where = "--resume"}};
  pretrain::check_counts(o);
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("pretrain", "Pretrains a genomic language model on windows of a FASTA file.",
                "pretrain --model caduceus-ps --fasta chr20.fa.gz --out run --length 1024 --steps 1000 --batch-size 8");
    a.option("model", "NAME", "caduceus-ps", "caduceus-ps, caduceus-ph or mamba")
        .option("fasta", "FILE", "", "genome: plain, gzip or bgzip, with or without index")
        .option("ids", "FILE.npy", "", "in its place: windows that tokenize has written, [windows, tokens]")
        .option("valid-ids", "FILE.npy", "", "validation windows of --ids")
        .option("bed", "FILE", "",
                "rows chrom, start, end, split (train, valid, test); default: blocks of 2^20 bp by number")
        .required("out", "DIR", "folder for checkpoint, training state, log.jsonl and result.json")
        .option("length", "N", "1024", "window length in bases; with --ids the tokens of its rows")
        .option("steps", "N", "10000", "optimiser steps")
        .option("batch-size", "N", "8", "windows per forward pass")
        .option("accumulate", "N", "1", "forward passes per optimiser step")
        .option("learning-rate", "X", "0.008", "highest rate; warm-up over a tenth of the steps, then cosine to 1e-4")
        .option("d-model", "N", "128", "channels")
        .option("n-layer", "N", "4", "layers")
        .option("objective", "mlm|causal", "", "default: mlm for caduceus, causal for mamba")
        .option("mlm-probability", "P", "0.15", "share of positions that are predicted")
        .toggle("rc-augment", "reverse-complement training windows with probability 1/2")
        .option("tokenizer", "NAME|FILE", "char",
                "char, bytes, kmer:K, kmer-overlap:K, or a tokenizer.json or vocab.txt; default: the checkpoint's, else char")
        .option("fit", "packed|padded", "",
                "packed: all tokens of each window, end to end; padded: windows cut or padded to --length tokens, as the "
                "originals do; default: padded for single bases, else packed")
        .option("intervals", "strict|original", "strict",
                "windows inside their row, or the original's extension to 2^20 bp")
        .option("checkpoint", "DIR", "", "weights, model and sizes to start from")
        .option("save-every", "N", "", "steps between saved states; default: about a minute")
        .option("eval-every", "N", "", "steps between validation losses; default: never")
        .option("recompute", "none|layer|N|layer,N", "none",
                "keep the input of every layer, or of every N-th, and run the rest again backward; layer,N: both in turn")
        .toggle("resume", "go on from the saved state in --out")
        .toggle("overwrite", "replace what is in --out")
        .toggle("dry-run", "print sizes, train nothing")
        .common_flags();
    if (!a.parse(count, words)) return;
    const Options o = read_options(a);
    with_model(o.model, o.common, [&]<class Backbone, class D, class P>() { pretrain::run<Backbone, D, P>(o); });
  });
}

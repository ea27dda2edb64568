#include <common/checkpoint_run.hpp>
#include <common/models.hpp>
#include <common/program.hpp>
#include <common/stop.hpp>
#include <embed/run.hpp>

namespace {

using namespace ligase;
using namespace ligase_cli;
using embed::Options;
using embed::Records;
using embed::Summary;

constexpr const char* purpose =
    R"(Writes the hidden states of a model, after its final norm, as vectors of sequences, tokens or bases.

Pooled (mean, max, first, last): one row per sequence, in the file's order. --pooling none: one row per token, or with
--rows base one per base, the mean over the tokens that it lies in. No special tokens are added; N is the token N.
.npy holds one array [rows, channels], sequences one after the other; .safetensors holds "embeddings" with the names of
the sequences in its metadata, or with --pooling none one tensor per sequence. Numbers are float32, with --precision
fp64 float64.

Strands: Caduceus-PS gives 2 x d_model channels: d_model of the sequence as given, then those of its reverse complement at
the same base with the channels reversed, as the original has them. --strands average gives the mean of both strands,
d_model channels, of models without strands of their own too, which then read both. Averaged and pooled vectors do not
change when a sequence that fits a window is reverse complemented: each strand is pooled in its own direction.

Sequences longer than --window bp are read in windows of that length; results count where a base has --overlap bp of
context on both sides (of causal models on the left, unless both strands are averaged) or the sequence ends. A token
counts in the window that keeps its first letter.
)";

Pooling pooling_named(const std::string& name) {
  if (name == "max") return Pooling::max;
  if (name == "first") return Pooling::first;
  return name == "last" ? Pooling::last : Pooling::mean;
}

WindowRule window_rule(const Arguments& a, bool one_sided, Index& overlap) {
  const Index window = a.whole("window", 8);
  constexpr Index usual = 2048, share = 8;
  overlap = a.given("overlap") ? a.whole("overlap", 0) : std::min(usual, window / share);
  try {
    return {window, overlap, one_sided ? 0 : overlap};
  } catch (const Error& e) {
    throw Error{{.kind = ErrorKind::usage,
                 .what = e.fields().what,
                 .where = "--overlap",
                 .expected = "less than " + std::to_string((one_sided ? window : (window + 1) / 2)),
                 .found = std::to_string(overlap)}};
  }
}

Options read_options(const Arguments& a) {
  Options o;
  o.common = a.common();
  check_device(o.common);
  if (a.given("sequence") == a.given("fasta"))
    throw Error{{.kind = ErrorKind::usage,
                 .what = a.given("fasta") ? "and --sequence exclude each other" : "or --sequence has to be given",
                 .where = "--fasta"}};
  if (a.given("fasta")) o.fasta = a.path("fasta");
  if (a.given("sequence")) o.sequence = a.text("sequence");
  o.pooling_name = a.choice("pooling", {"mean", "max", "first", "last", "none"});
  if (o.pooling_name != "none") o.pooling = pooling_named(o.pooling_name);
  o.per_base = a.choice("rows", {"token", "base"}) == "base";
  if (a.given("rows") && o.pooling)
    throw Error{{.kind = ErrorKind::usage, .what = "needs --pooling none", .where = "--rows"}};
  o.strands = a.choice("strands", {"model", "average"}) == "model" ? EmbeddedStrands::model : EmbeddedStrands::average;
  o.dry_run = a.on("dry-run");
  o.out = a.path("out");
  if (o.out.extension() != ".npy" && o.out.extension() != ".safetensors")
    throw Error{{.kind = ErrorKind::usage,
                 .what = "unknown kind of file",
                 .where = "--out",
                 .expected = "a name that ends with .npy or .safetensors",
                 .found = "'" + o.out.string() + "'"}};
  o.checkpoint = find_checkpoint(a.text("checkpoint"));
  std::vector<std::filesystem::path> inputs = files_of_checkpoint(o.checkpoint);
  inputs.push_back(o.fasta);
  check_output("--out", o.out, inputs);
  check_output("--json", o.common.json, inputs);
  check_apart("--json", o.common.json, "--out", {o.out});
  o.model = model_of_checkpoint(o.checkpoint);
  o.rule = window_rule(a, is_causal(o.model) && o.strands == EmbeddedStrands::model, o.overlap);
  return o;
}

void report(const Options& o, const Summary& s, const Records& records) {
  for (const std::string& name : s.without_tokens)
    if (!o.common.quiet) std::fprintf(stderr, "warning: sequence '%s' gives no token\n", one_line(name).c_str());
  if (!s.without_tokens.empty())
    std::fprintf(stderr, "warning: %lld of %lld sequences give no token; their %s\n",
                 static_cast<long long>(s.without_tokens.size()), static_cast<long long>(s.records),
                 o.pooling ? "rows are NaN" : o.per_base ? "rows are 0" : "arrays have no rows");
  std::printf("%s %s: %lld sequence%s of %lld bp together, %s: %lld x %lld %s in %s\n", o.model.c_str(),
              o.checkpoint.c_str(), static_cast<long long>(s.records), s.records == 1 ? "" : "s",
              static_cast<long long>(s.letters), o.pooling ? o.pooling_name.c_str() : o.per_base ? "one row per base" : "one row per token",
              static_cast<long long>(s.rows), static_cast<long long>(s.width), s.type, o.out.c_str());
  if (o.common.json.empty()) return;
  OrderedJson list = OrderedJson::array();
  for (std::size_t i = 0; i < s.tokens.size(); ++i)
    list.push_back({{"name", records.list()[i].name}, {"letters", records.list()[i].length}, {"tokens", s.tokens[i]}});
  write_json_file(o.common.json, OrderedJson{{"model", o.model},
                                             {"checkpoint", o.checkpoint.string()},
                                             {"out", o.out.string()},
                                             {"pooling", o.pooling_name},
                                             {"rows_are", o.pooling ? "sequences" : o.per_base ? "bases" : "tokens"},
                                             {"strands", o.strands == EmbeddedStrands::model ? "model" : "average"},
                                             {"window", o.rule.window()},
                                             {"overlap", o.overlap},
                                             {"rows", s.rows},
                                             {"channels", s.width},
                                             {"dtype", s.type},
                                             {"peak_tensor_bytes", s.peak_bytes},
                                             {"without_tokens", s.without_tokens},
                                             {"sequences", list}});
}

/// Names go into the metadata of safetensors files, or are those of their tensors, and into the JSON.
void check_names(const Options& o, const Records& records) {
  const bool are_tensors = !o.pooling && !embed::OutputFile::is_npy(o.out);
  for (const Contig& contig : records.list())
    if (!is_utf8(contig.name) || (are_tensors && contig.name == "__metadata__"))
      throw Error{{.kind = ErrorKind::input,
                   .what = "the output cannot hold a sequence of this name",
                   .where = o.fasta.string(),
                   .expected = are_tensors ? "names in UTF-8 other than __metadata__, or --out with a .npy file"
                                           : "names in UTF-8",
                   .found = "'" + contig.name + "'"}};
}

template <class Backbone, class D, class P>
void run(const Options& o) {
  const std::filesystem::path folder = folder_of(o.checkpoint);
  const AnyTokenizer tokenizer = tokenizer_of(folder);
  if (o.strands == EmbeddedStrands::average && !tokenizer.tokenwise_complement())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the strands have different tokens with the checkpoint's tokenizer " + tokenizer.name(),
                 .where = "--strands",
                 .expected = "model",
                 .found = "average"}};
  const Records records(o);
  check_names(o, records);
  if (o.dry_run) return embed::print_plan(o, records);
  const auto model = AnyModel<Backbone, D, P>::load(o.checkpoint.string(), tokenizer, {.fresh_head = true});
  embed::Run<Backbone, D, P> embedding(o, model, records);
  listen_for_stop();
  report(o, embedding(), records);
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("embed", purpose,
                "embed --checkpoint run --fasta promoters.fa --pooling mean --strands average --out promoters.npy");
    a.required("checkpoint", "DIR", "folder with config.json and weights, a file of weights, or a pretrain --out folder")
        .option("sequence", "TEXT", "", "one sequence")
        .option("fasta", "FILE", "", "sequences: plain, gzip or bgzip, with or without index")
        .required("out", "FILE", ".npy or .safetensors")
        .option("pooling", "NAME", "mean", "mean, max, first, last or none")
        .option("rows", "token|base", "token", "what has a row with --pooling none")
        .option("strands", "model|average", "model", "strands as the model gives them, or their mean")
        .option("window", "N", "131072", "most bp that go through the model at once")
        .option("overlap", "N", "", "bp of context around what counts of a window; default: 2048, or an eighth of --window")
        .toggle("dry-run", "print sizes and estimated time, embed nothing")
        .common_flags();
    if (!a.parse(count, words)) return;
    const Options o = read_options(a);
    with_model(o.model, o.common, [&]<class Backbone, class D, class P>() { run<Backbone, D, P>(o); });
  });
}

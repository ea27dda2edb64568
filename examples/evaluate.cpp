#include <common/checkpoint_run.hpp>
#include <common/inference_plan.hpp>
#include <common/models.hpp>
#include <common/program.hpp>
#include <common/progress.hpp>
#include <common/rows.hpp>
#include <common/tokenizers.hpp>
#include <evaluate/options.hpp>
#include <evaluate/report.hpp>
#include <evaluate/score.hpp>
#include <evaluate/text.hpp>

#include <ligase/genome.hpp>
#include <ligase/tasks/context_scores.hpp>
#include <ligase/tasks/known_kmers.hpp>
#include <ligase/tasks/measure_spans.hpp>
#include <ligase/tasks/measure_tokens.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace ligase;
using namespace ligase_cli;
using evaluation::Options;
using evaluation::Sample;
using evaluation::score_model;
using evaluation::tokens_per_call;

constexpr const char* purpose =
    R"(Scores a language model on held-out windows in bits per base, beside context models that count the train split.

Masked models: 15 % of a window's positions, chosen by a hash of coordinate and mask seed, become [MASK]; bits are
the mean of -log2 p(true letter), p renormalised over A, C, G, T. Causal models: the same over all positions, each
predicted from those on its left; the first pays for its letter's share in the train split.
loss = bits x ln 2 (nats per base, over the four letters), perplexity = exp(loss) = 2^bits; in the JSON loss_over_vocabulary is
the same with all tokens in the denominator, loss_per_token and perplexity_per_token count tokens. Other tokens than single
bases: a causal model pays -log2 p of all tokens of a window over its bases (tokens; the first one pays for its share in
train), a masked one for spans of 6 bases, hidden with every token that overlaps them (span). Windows are the units of the standard error: the mean of
one is over its targets under all mask seeds, the error is the deviation of these means / sqrt(windows).
Context models: interpolated counts of both strands, masked context bases summed over (left: bases on the left
alone); differences to them are taken window by window. Windows without any 24-mer of train stand apart.
)";

Index windows_wanted(const Arguments& a) {
  if (a.text("windows") == "all") return std::numeric_limits<Index>::max();
  try {
    return a.positive("windows");
  } catch (const Error&) {
    throw Error{{.kind = ErrorKind::usage,
                 .what = "bad value",
                 .where = "--windows",
                 .expected = "a whole number of at least 1, or all",
                 .found = "'" + a.text("windows") + "'"}};
  }
}

/// The objective that the checkpoint was trained with, unless another was asked for.
std::string objective_of(const Arguments& a, const std::string& model, const TrainingFlags& trained) {
  if (!a.given("objective")) return trained_objective(trained, model);
  const std::string objective = a.choice("objective", {"mlm", "causal"});
  if (objective == "causal" && !is_causal(model))
    throw Error{{.kind = ErrorKind::usage,
                 .what = "a model that reads in both directions sees the token it should predict",
                 .where = "--objective",
                 .expected = "mlm for " + model,
                 .found = "causal"}};
  return objective;
}

MaskSeeds mask_seeds(const Arguments& a, bool causal) {
  if (causal) {
    if (a.given("mask-seeds"))
      throw Error{
          {.kind = ErrorKind::usage, .what = "a causal model is scored without masks", .where = "--mask-seeds"}};
    return {};
  }
  if (!a.given("mask-seeds")) return a.text("windows") == "all" ? MaskSeeds{0} : MaskSeeds{0, 1};
  const std::vector<Index> seeds = a.whole_list("mask-seeds", 0);
  return {seeds.begin(), seeds.end()};
}

/// Bases where each is a token, unless another measure was asked for; else spans (masked) or tokens (causal).
std::string measure_of(const Arguments& a, const AnyTokenizer& tokenizer, bool causal) {
  const bool single = reads_single_bases(tokenizer);
  const std::string other = causal ? "tokens" : "span";
  if (!a.given("measure")) return single ? "base" : other;
  const std::string measure = a.choice("measure", {"base", "span", "tokens"});
  if (measure == other || (measure == "base" && single)) return measure;
  throw Error{{.kind = ErrorKind::usage,
               .what = measure == "base"   ? "the tokens of this checkpoint are no single bases"
                       : measure == "span" ? "a causal model is scored without masks"
                                           : "a masked model gives no likelihood of a whole text",
               .where = "--measure",
               .expected = single ? "base or " + other : other,
               .found = measure}};
}

Options read_options(Arguments& a, const TrainingFlags& trained, const std::filesystem::path& checkpoint) {
  Options o;
  o.common = a.common();
  o.checkpoint = checkpoint;
  o.model = model_of_checkpoint(checkpoint);
  o.objective = objective_of(a, o.model, trained);
  o.seeds = mask_seeds(a, o.objective == "causal");
  o.tokenizer = a.given("tokenizer") ? tokenizer_named(a.text("tokenizer"), "--tokenizer") : tokenizer_of(folder_of(checkpoint));
  o.measure = measure_of(a, o.tokenizer, o.objective == "causal");
  if (o.objective == "mlm" && !o.tokenizer.mask())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "a masked model needs a token for what is masked, and this vocabulary has none",
                 .where = a.given("tokenizer") ? "--tokenizer" : checkpoint.string(),
                 .found = o.tokenizer.name()}};
  o.windows = windows_wanted(a);
  if (a.given("length")) o.length = a.positive("length");
  o.split = a.text("split");
  o.dry_run = a.on("dry-run");
  o.fasta = a.path("fasta");
  if (a.given("bed")) {
    o.bed = a.path("bed");
  } else if (const auto found = beside_checkpoint(folder_of(checkpoint), "intervals.bed")) {
    o.bed = *found;
  } else {
    throw Error{{.kind = ErrorKind::input,
                 .what = "no intervals.bed lies beside the checkpoint",
                 .where = checkpoint.string(),
                 .expected = "--bed FILE with the rows of train, valid and test"}};
  }
  o.per_window = a.given("per-window") ? a.path("per-window") : "";
  std::vector<std::filesystem::path> inputs = files_of_checkpoint(checkpoint);
  inputs.insert(inputs.end(), {o.fasta, o.bed, file_of_tokenizer(a.text("tokenizer"))});
  check_output("--json", o.common.json, inputs);
  check_output("--per-window", o.per_window, inputs);
  check_apart("--per-window", o.per_window, "--json", {o.common.json});
  return o;
}

/// Where --length is not given: the rows of an explicit BED where they are equally long and no longer than what the model
/// knows (the measure's own window is one row of 1,024 bp); else the training length.
Index window_length(const std::vector<BedRow>& rows, const std::string& split, bool own_bed, Index trained) {
  Index least = std::numeric_limits<Index>::max(), most = 0;
  for (const BedRow& row : rows)
    if (row.split == split) {
      least = std::min(least, row.end - row.start);
      most = std::max(most, row.end - row.start);
    }
  const bool use_rows = own_bed && least == most && least > 0 && most <= std::max<Index>(1024, trained);
  return use_rows ? most : trained > 0 ? trained : 1024;
}

Sample take_sample(const Options& o, const Fasta& fasta, const std::vector<BedRow>& rows) {
  const Windows all(rows, o.split, o.length, IntervalMode::strict, fasta.contigs(), o.bed);
  Sample s;
  s.of = all.size();
  for (Index number : sample_rows(all.size(), o.windows)) {
    const Window window = all[number];
    const std::string& chrom = fasta.contigs()[static_cast<std::size_t>(window.contig)].name;
    s.places.push_back({number, chrom, window.place.begin});
    s.windows.emplace_back(fasta.fetch(chrom, window.place.begin, window.place.end), window.place.begin);
  }
  return s;
}

/// Sizes, memory and time, without reading weights or running anything but one layer for a moment.
void print_plan(const Options& o, const Sample& sample) {
  const Index per_pass = std::ssize(o.tokenizer.encode(sample.windows.front().letters()));
  const Index passes = std::max<Index>(1, std::ssize(o.seeds)) * std::ssize(sample.windows);
  const Index batch = std::min(passes, (tokens_per_call + per_pass - 1) / per_pass);
  const InferencePlan plan = plan_inference(o.model, find_checkpoint_files(o.checkpoint.string()).config, o.common,
                                            batch * per_pass, PassOutput::logits);
  const double seconds = static_cast<double>(passes * per_pass) / plan.tokens_per_second;
  std::printf("%s: %lld parameters; %lld passes over windows of %lld bp, about %lld tokens each\n", o.model.c_str(),
              static_cast<long long>(plan.parameters), static_cast<long long>(passes), static_cast<long long>(o.length),
              static_cast<long long>(per_pass));
  std::printf("tensors: at most %.1f MB at once, of these %.1f MB weights; %.0f bytes per token\n", plan.peak_bytes / 1e6,
              plan.weight_bytes / 1e6, plan.bytes_per_token);
  std::printf("time: about %.0f s at %.0f tokens/s on %d threads, context models not counted\n", seconds,
              plan.tokens_per_second, o.common.threads);
  if (o.common.json.empty()) return;
  write_json_file(o.common.json, OrderedJson{{"model", o.model},
                                             {"parameters", plan.parameters},
                                             {"windows", sample.windows.size()},
                                             {"passes", passes},
                                             {"peak_tensor_bytes", plan.peak_bytes},
                                             {"bytes_per_token", plan.bytes_per_token},
                                             {"estimated_tokens_per_second", plan.tokens_per_second},
                                             {"estimated_seconds", seconds}});
}

/// The orders that are shown, of all that were scored.
std::vector<ContextScore> shown(std::vector<ContextScore> scores, bool causal) {
  const std::set<std::string> masked{"order_0",     "two_sided_1", "two_sided_2", "two_sided_3", "two_sided_4",
                                     "two_sided_5", "two_sided_6", "left_3",      "left_11"};
  std::erase_if(scores, [&](const ContextScore& s) { return !causal && !masked.contains(s.name); });
  return scores;
}

/// The context models count its bases.
void check_train(const Options& o, const SplitText& train) {
  const auto has_base = [](const BaseWindow& window) {
    return std::any_of(window.codes.begin(), window.codes.end(), [](std::uint8_t code) { return code < base_unknown; });
  };
  if (!train.windows.empty() && std::none_of(train.windows.begin(), train.windows.end(), has_base))
    throw Error{{.kind = ErrorKind::input,
                 .what = "the train rows hold no base for the context models to count",
                 .where = o.bed.string(),
                 .expected = "A, C, G or T in " + o.fasta.string()}};
}

void evaluate(const Options& o, const Fasta& fasta, const std::vector<BedRow>& rows) {
  const bool causal = o.objective == "causal";
  const Sample sample = take_sample(o, fasta, rows);
  if (o.dry_run) return print_plan(o, sample);
  const SplitText train = read_split(fasta, rows, "train", o.length),
                  valid = read_split(fasta, rows, "valid", o.length);

  check_train(o, train);

  Evaluation e;
  e.places = sample.places;
  const auto measure = o.measure == "span"     ? masked_spans(o.tokenizer, o.seeds)
                       : o.measure == "tokens" ? causal_tokens(o.tokenizer, token_shares(o.tokenizer, train.windows))
                       : causal                ? causal_bases(o.tokenizer, pooled_shares(train))
                                               : masked_bases(o.tokenizer, o.seeds);
  e.model = score_model(o, sample, *measure);

  if (!train.windows.empty() && !valid.windows.empty()) {
    Progress progress("context models", "parts", 2, o.common.quiet);
    std::vector<BaseWindow> windows;
    for (const LetterWindow& w : sample.windows) windows.push_back(w.bases());
    {
      const KnownKmers known(train.windows, o.common.threads);
      for (const BaseWindow& w : windows) e.known.push_back(known.share(w.codes));
    }
    progress.update(1);
    const ContextOptions options{.threads = o.common.threads};
    // Their masks are single bases: no rivals under the span measure.
    if (o.measure != "span")
      e.context_models = shown(causal ? causal_context_scores(train.windows, valid.windows, windows, options)
                                      : masked_context_scores(train.windows, valid.windows, windows, o.seeds, options),
                               causal);
    progress.update(2);
    progress.finish();
  }

  const Summary all = summarize(e, false);
  std::string seeds;
  for (const std::uint64_t seed : o.seeds) seeds += (seeds.empty() ? "" : ", ") + std::to_string(seed);
  std::printf(
      "%s %s: %lld of %lld %s windows of %lld bp, %lld %s\n", o.model.c_str(), o.checkpoint.c_str(),
      static_cast<long long>(sample.windows.size()), static_cast<long long>(sample.of), o.split.c_str(),
      static_cast<long long>(o.length), static_cast<long long>(all.letters.targets),
      causal ? "bases, each predicted from those on its left" : ("masked bases (mask seeds " + seeds + ")").c_str());
  std::printf("%s tokenizer, measure %s: %lld tokens, loss %.5f nats per token over the vocabulary (perplexity %.5f)\n",
              o.tokenizer.name().c_str(), o.measure.c_str(), static_cast<long long>(all.tokens), all.loss_per_token(),
              std::exp(all.loss_per_token()));
  std::printf("loss %.5f nats, perplexity %.5f, %.5f bits per %sbase (standard error %s)\n", all.letters.nats(),
              all.letters.perplexity(), all.letters.bits, causal ? "" : "masked ",
              ligase_cli::detail::decimals("%.5f", all.letters.standard_error).c_str());
  print_table(all, "Bits per base, all " + std::to_string(all.letters.windows) + " windows", o.model);

  OrderedJson json{{"model", o.model},          {"checkpoint", o.checkpoint.string()},
                   {"fasta", o.fasta.string()}, {"bed", o.bed.string()},
                   {"split", o.split},          {"objective", o.objective},
                   {"tokenizer", o.tokenizer.name()}, {"measure", o.measure},
                   {"length", o.length},        {"windows_of_split", sample.of},
                   {"mask_seeds", o.seeds}};
  add_summary(json, all);
  if (e.known.empty()) {
    std::printf("\nNo context models: %s has no train or no valid windows\n", o.bed.c_str());
  } else {
    const Summary unknown = summarize(e, true);
    print_table(
        unknown,
        "Bits per base, " + std::to_string(unknown.letters.windows) + " windows without a 24-mer of the train split",
        o.model);
    add_summary(json["windows_without_known_24mers"], unknown);
  }
  if (!o.per_window.empty()) write_windows(o.per_window, e);
  if (!o.common.json.empty()) write_json_file(o.common.json, json);
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("evaluate", purpose,
                "evaluate --checkpoint run --fasta chr20.fa.gz --split test --json evaluation.json");
    a.required("checkpoint", "DIR", "folder with config.json and model.safetensors, or a pretrain --out folder")
        .required("fasta", "FILE", "genome that the rows refer to")
        .option("bed", "FILE", "",
                "rows chrom, start, end, split; default: intervals.bed in the checkpoint's folder or above")
        .option("split", "NAME", "test", "split to score; train and valid rows serve the context models")
        .option("windows", "N|all", "200", "N of the W windows of the split: numbers floor(j W / N)")
        .option("mask-seeds", "N,...", "", "mask seeds of masked models; default: 0,1, and 0 with --windows all")
        .option("length", "N", "",
                "window length in bp; default: that of the rows of --bed where all are equal and not above 1024 or the "
                "training length, else the training length, else 1024")
        .option("objective", "mlm|causal", "", "masked or causal measure; default: what the checkpoint was trained for")
        .option("tokenizer", "NAME|FILE", "", "as pretrain takes it; default: the checkpoint's")
        .option("measure", "base|span|tokens", "",
                "default: base where each base is a token, else span (masked) or tokens (causal)")
        .option("per-window", "FILE.csv", "", "write the values of every window")
        .toggle("dry-run", "print sizes and estimated time, score nothing")
        .common_flags();
    if (!a.parse(count, words)) return;
    check_device(a.common());
    const std::filesystem::path checkpoint = find_checkpoint(a.text("checkpoint"));
    const TrainingFlags trained = training_flags(folder_of(checkpoint));
    Options o = read_options(a, trained, checkpoint);
    const std::vector<BedRow> rows = read_bed(o.bed);
    check_split(o.split, rows);
    if (o.length == 0) o.length = window_length(rows, o.split, a.given("bed"), trained.get<Index>("length", 0));
    check_window_length(o.tokenizer, o.length);
    const Fasta fasta(o.fasta);
    evaluate(o, fasta, rows);
  });
}

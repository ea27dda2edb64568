#include <common/checkpoint_run.hpp>
#include <common/models.hpp>
#include <common/program.hpp>

#include <ligase/data/masking.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>

namespace {

using namespace ligase;
using namespace ligase_cli;

struct Options {
  CommonFlags common;
  std::filesystem::path checkpoint;
  std::string model, sequence;
  Index top = 4;
};

struct Candidate {
  TokenId id = 0;
  double probability = 0;
};

struct Mask {
  Index token = 0;                    ///< its place among the tokens, from 0
  std::vector<Candidate> candidates;  ///< letters by falling probability, then the other tokens
};

bool is_letter(TokenId id) { return id >= CharTokenizer::a && id <= CharTokenizer::t; }

std::string_view name_of(TokenId id) { return CharTokenizer::vocabulary[static_cast<std::size_t>(id)]; }

std::vector<TokenId> read_sequence(const Options& o) {
  std::vector<TokenId> ids = CharTokenizer{}.encode(o.sequence);
  if (std::count(ids.begin(), ids.end(), CharTokenizer::mask) == 0)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "nothing is masked",
                 .where = "--sequence",
                 .expected = "[MASK] (in capitals) at least once",
                 .found = "'" + o.sequence.substr(0, 40) + (o.sequence.size() > 40 ? "...'" : "'")}};
  return ids;
}

/// Says which characters the model cannot read.
void warn_of_unknown(const std::vector<TokenId>& ids) {
  const auto unknown = std::count(ids.begin(), ids.end(), CharTokenizer::unk);
  if (unknown == 0) return;
  const auto first = std::find(ids.begin(), ids.end(), CharTokenizer::unk) - ids.begin();
  std::fprintf(stderr,
               "warning: %lld character%s of the sequence, the first at token %lld, %s no base and read as [UNK]\n",
               static_cast<long long>(unknown), unknown == 1 ? "" : "s", static_cast<long long>(first),
               unknown == 1 ? "is" : "are");
}

/// Softmax over the whole vocabulary, padding included, in double.
template <class T>
std::vector<Candidate> candidates(std::span<const T> logits) {
  const double highest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double all = 0;
  for (T y : logits) all += std::exp(static_cast<double>(y) - highest);
  if (!std::isfinite(all))
    throw Error{{.kind = ErrorKind::numeric, .what = "the logits give no probabilities", .expected = "finite numbers"}};
  std::vector<Candidate> found;
  for (TokenId id = 0; id < CharTokenizer::vocab_size(); ++id)
    found.push_back({id, std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) - highest) / all});
  std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return is_letter(a.id) != is_letter(b.id) ? is_letter(a.id) : a.probability > b.probability;
  });
  return found;
}

template <class Backbone, class P>
std::vector<Mask> fill(const Options& o, const std::vector<TokenId>& ids) {
  const auto model = CharModel<Backbone, P>::load(o.checkpoint.string());
  const auto length = static_cast<Index>(ids.size());
  Tensor<TokenId> input = Tensor<TokenId>::from({1, length}, ids);
  replace_unknown_bases(input.span(), {});
  Context<> context;
  context.threads = o.common.threads;
  const auto y = model.network().logits(context, input);
  const auto vocabulary = static_cast<std::size_t>(y.shape()[-1]);
  std::vector<Mask> masks;
  for (Index i = 0; i < length; ++i)
    if (ids[static_cast<std::size_t>(i)] == CharTokenizer::mask)
      masks.push_back(
          {i, candidates(std::as_const(y).span().subspan(static_cast<std::size_t>(i) * vocabulary, vocabulary))});
  return masks;
}

void report(const Options& o, std::vector<TokenId> ids, const std::vector<Mask>& masks) {
  OrderedJson list = OrderedJson::array();
  for (const Mask& mask : masks) {
    ids[static_cast<std::size_t>(mask.token)] = mask.candidates.front().id;
    std::printf("[MASK] at %lld:", static_cast<long long>(mask.token));
    OrderedJson tokens = OrderedJson::array();
    double rest = 1;
    for (std::size_t c = 0; c < std::min(mask.candidates.size(), static_cast<std::size_t>(o.top)); ++c) {
      const auto [id, probability] = mask.candidates[c];
      rest -= probability;
      std::printf("  %.*s %.4f", static_cast<int>(name_of(id).size()), name_of(id).data(), probability);
      tokens.push_back({{"token", name_of(id)}, {"id", id}, {"probability", probability}});
    }
    std::printf("  others %.4f\n", std::max(0.0, rest));
    list.push_back({{"position", mask.token}, {"tokens", tokens}});
  }
  const std::string filled = CharTokenizer{}.decode(ids);
  std::printf("%s\n", filled.c_str());
  if (o.common.json.empty()) return;
  write_json_file(o.common.json, OrderedJson{{"model", o.model},
                                             {"checkpoint", o.checkpoint.string()},
                                             {"sequence", o.sequence},
                                             {"filled", filled},
                                             {"masks", list},
                                             {"unknown", std::count(ids.begin(), ids.end(), CharTokenizer::unk)}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("fill_mask",
                "Predicts the masked bases of a sequence. For every [MASK]: probabilities over the whole vocabulary, "
                "letters first;\n"
                "then the sequence with the likeliest letter in each place. Positions count tokens from 0.\n",
                "fill_mask --checkpoint run --sequence \"ACGTTGCA[MASK]GGCATTA\"");
    a.required("checkpoint", "DIR", "folder with config.json and model.safetensors, or a pretrain --out folder")
        .required("sequence", "TEXT", "bases, with [MASK] where one is to be predicted")
        .option("top", "N", "4", "tokens to show for each [MASK]")
        .common_flags();
    if (!a.parse(count, words)) return;
    Options o;
    o.common = a.common();
    check_device(o.common);
    check_output("--json", o.common.json);
    o.sequence = a.text("sequence");
    o.top = a.positive("top");
    const std::vector<TokenId> ids = read_sequence(o);
    o.checkpoint = find_checkpoint(a.text("checkpoint"));
    o.model = model_of_checkpoint(o.checkpoint);
    if (trained_objective(training_flags(o.checkpoint), o.model) == "causal")
      throw Error{{.kind = ErrorKind::input,
                   .what = "a causal model predicts from the left alone and has learned nothing about [MASK]",
                   .where = o.checkpoint.string(),
                   .expected = "a masked language model",
                   .found = o.model}};
    if (!o.common.quiet) warn_of_unknown(ids);
    const auto masks =
        with_model(o.model, o.common.precision, [&]<class Backbone, class P>() { return fill<Backbone, P>(o, ids); });
    report(o, ids, masks);
  });
}

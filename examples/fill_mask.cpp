#include <common/checkpoint_run.hpp>
#include <common/models.hpp>
#include <common/program.hpp>
#include <common/tokenizers.hpp>

#include <ligase/data/batch.hpp>

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
  std::vector<Candidate> candidates;  ///< tokens of bases by falling probability, then the others
};

std::vector<TokenId> read_sequence(const Options& o, const AnyTokenizer& tokenizer) {
  if (!tokenizer.mask())
    throw Error{{.kind = ErrorKind::input,
                 .what = "the checkpoint's tokenizer has no mask token",
                 .where = o.checkpoint.string(),
                 .found = tokenizer.name()}};
  std::vector<TokenId> ids = tokenizer.encode(o.sequence);
  if (std::count(ids.begin(), ids.end(), *tokenizer.mask()) == 0)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "nothing is masked",
                 .where = "--sequence",
                 .expected = tokenizer.decode(std::vector<TokenId>{*tokenizer.mask()}) + " (in capitals) at least once",
                 .found = "'" + o.sequence.substr(0, 40) + (o.sequence.size() > 40 ? "...'" : "'")}};
  return ids;
}

/// Says which characters the model cannot read.
void warn_of_unknown(const std::vector<TokenId>& ids, const AnyTokenizer& tokenizer) {
  if (!tokenizer.unknown()) return;
  const auto unknown = std::count(ids.begin(), ids.end(), *tokenizer.unknown());
  if (unknown == 0) return;
  const auto first = std::find(ids.begin(), ids.end(), *tokenizer.unknown()) - ids.begin();
  std::fprintf(stderr,
               "warning: %lld character%s of the sequence, the first at token %lld, %s no base and read as [UNK]\n",
               static_cast<long long>(unknown), unknown == 1 ? "" : "s", static_cast<long long>(first),
               unknown == 1 ? "is" : "are");
}

/// Softmax over the whole vocabulary, padding included, in double.
template <class T>
std::vector<Candidate> candidates(std::span<const T> logits, const AnyTokenizer& tokenizer) {
  const double highest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double all = 0;
  for (T y : logits) all += std::exp(static_cast<double>(y) - highest);
  if (!std::isfinite(all))
    throw Error{{.kind = ErrorKind::numeric, .what = "the logits give no probabilities", .expected = "finite numbers"}};
  std::vector<Candidate> found;
  std::vector<bool> is_of_bases;
  for (TokenId id = 0; id < static_cast<TokenId>(std::min<Index>(tokenizer.vocab_size(), std::ssize(logits))); ++id) {
    found.push_back({id, std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) - highest) / all});
    const std::string name = tokenizer.decode(std::vector<TokenId>{id});
    is_of_bases.push_back(!name.empty() && name.find_first_not_of("ACGT") == std::string::npos);
  }
  std::stable_sort(found.begin(), found.end(), [&](const Candidate& a, const Candidate& b) {
    const bool a_first = is_of_bases[static_cast<std::size_t>(a.id)], b_first = is_of_bases[static_cast<std::size_t>(b.id)];
    return a_first != b_first ? a_first : a.probability > b.probability;
  });
  return found;
}

template <class Backbone, class D, class P>
std::vector<Mask> fill(const Options& o, const AnyTokenizer& tokenizer, const std::vector<TokenId>& ids) {
  const auto model = AnyModel<Backbone, D, P>::load(o.checkpoint.string(), tokenizer);
  const auto length = static_cast<Index>(ids.size());
  Tensor<TokenId> input = Tensor<TokenId>::from({1, length}, ids);
  if (tokenizer.pad()) replace_unknown_bases(input.span(), target_ids_of(tokenizer));
  auto context = context_of<D>(o.common);
  const auto y = to_host_wide(model.network().logits(context, to_device<D>(input)));
  const auto vocabulary = static_cast<std::size_t>(y.shape()[-1]);
  std::vector<Mask> masks;
  for (Index i = 0; i < length; ++i)
    if (ids[static_cast<std::size_t>(i)] == *tokenizer.mask())
      masks.push_back({i, candidates(std::as_const(y).span().subspan(static_cast<std::size_t>(i) * vocabulary, vocabulary),
                                     tokenizer)});
  return masks;
}

void report(const Options& o, const AnyTokenizer& tokenizer, std::vector<TokenId> ids, const std::vector<Mask>& masks) {
  OrderedJson list = OrderedJson::array();
  std::printf("position  token       probability\n");
  for (const Mask& mask : masks) {
    ids[static_cast<std::size_t>(mask.token)] = mask.candidates.front().id;
    OrderedJson tokens = OrderedJson::array();
    double rest = 1;
    std::string position = std::to_string(mask.token);
    for (std::size_t c = 0; c < std::min(mask.candidates.size(), static_cast<std::size_t>(o.top)); ++c) {
      const auto [id, probability] = mask.candidates[c];
      const std::string name = tokenizer.decode(std::vector<TokenId>{id});
      rest -= probability;
      std::printf("%8s  %-10s  %11.4f\n", position.c_str(), one_line(name).c_str(), probability);
      position.clear();
      tokens.push_back({{"token", name}, {"id", id}, {"probability", probability}});
    }
    std::printf("%8s  %-10s  %11.4f\n", "", "others", std::max(0.0, rest));
    list.push_back({{"position", mask.token}, {"tokens", tokens}});
  }
  const std::string filled = tokenizer.decode(ids);
  std::printf("%s\n", filled.c_str());
  if (o.common.json.empty()) return;
  const auto unknown = tokenizer.unknown() ? std::count(ids.begin(), ids.end(), *tokenizer.unknown()) : 0;
  write_json_file(o.common.json, OrderedJson{{"model", o.model},
                                             {"checkpoint", o.checkpoint.string()},
                                             {"sequence", o.sequence},
                                             {"filled", filled},
                                             {"masks", list},
                                             {"unknown", unknown}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("fill_mask",
                "Predicts the masked bases of a sequence. For every [MASK]: probabilities over the whole vocabulary, "
                "tokens of A, C, G and T\n"
                "first; then the sequence with the likeliest of these in each place. Positions count tokens from 0.\n"
                "The tokenizer is the checkpoint's; without tokenizer files, one token per character.\n",
                "fill_mask --checkpoint run --sequence \"ACGTTGCA[MASK]GGCATTA\"");
    a.required("checkpoint", "DIR", "folder with config.json and weights, a file of weights, or a pretrain --out folder")
        .required("sequence", "TEXT", "bases, with [MASK] where one is to be predicted")
        .option("top", "N", "4", "tokens to show for each [MASK]")
        .common_flags();
    if (!a.parse(count, words)) return;
    Options o;
    o.common = a.common();
    check_device(o.common);
    o.sequence = a.text("sequence");
    o.top = a.positive("top");
    o.checkpoint = find_checkpoint(a.text("checkpoint"));
    check_output("--json", o.common.json, files_of_checkpoint(o.checkpoint));
    o.model = model_of_checkpoint(o.checkpoint);
    const std::filesystem::path folder = folder_of(o.checkpoint);
    const AnyTokenizer tokenizer = tokenizer_of(folder);
    const std::vector<TokenId> ids = read_sequence(o, tokenizer);
    if (trained_objective(training_flags(folder), o.model) == "causal")
      throw Error{{.kind = ErrorKind::input,
                   .what = "a causal model predicts from the left alone and has learned nothing about [MASK]",
                   .where = o.checkpoint.string(),
                   .expected = "a masked language model",
                   .found = o.model}};
    if (!o.common.quiet) warn_of_unknown(ids, tokenizer);
    const auto masks =
        with_model(o.model, o.common,
                   [&]<class Backbone, class D, class P>() { return fill<Backbone, D, P>(o, tokenizer, ids); });
    report(o, tokenizer, ids, masks);
  });
}

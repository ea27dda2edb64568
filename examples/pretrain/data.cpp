#include <pretrain/data.hpp>
#include <pretrain/source.hpp>

#include <ligase/core/random.hpp>
#include <ligase/data/loader.hpp>
#include <ligase/io/json.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>

namespace pretrain {

namespace {

using Maker = BatchMaker<AnyWindows, AnyTokenizer>;

BatchOptions batch_options(const Options& o, bool training) {
  BatchOptions b;
  b.batch_size = o.batch_size;
  b.length = o.length;
  b.fit = o.packed ? Fit::packed : Fit::padded;
  b.target_ids = target_ids_of(o.tokenizer);
  b.objective = o.objective == "mlm" ? Objective::mlm : Objective::causal;
  b.mlm_probability = o.mlm_probability;
  b.rc_augment = o.rc_augment;
  b.training = training;
  b.samples_per_step = o.batch_size * o.accumulate;
  b.seed = o.common.seed;
  return b;
}

/// Name and tokens of a vocabulary.
std::string text_of(const AnyTokenizer& tokenizer) {
  std::string text = tokenizer.name();
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) text += '\n' + tokenizer.decode(std::span(&id, 1));
  return text;
}

Json identity_of(const Source& source, const AnyTokenizer& tokenizer) {
  std::string sequences = source.names;
  const AnyWindows& windows = *source.training;
  const Index samples = std::min<Index>(64, windows.size());
  for (Index i = 0; i < samples; ++i) sequences += windows[i * windows.size() / samples];
  std::transform(sequences.begin(), sequences.end(), sequences.begin(), to_upper);
  return {{"fasta", std::to_string(hash_name(sequences))},
          {"rows", std::to_string(hash_name(source.rows))},
          {"tokenizer", std::to_string(hash_name(text_of(tokenizer)))}};
}

std::unique_ptr<Source> open_source(const Options& o) {
  if (!o.ids.empty()) return open_ids(o);
  if (open_fasta == nullptr)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "this program was built without HTSlib",
                 .where = "--fasta",
                 .expected = "--ids with a file that tokenize has written"}};
  return open_fasta(o);
}

}  // namespace

struct Data::Parts {
  Options options;
  std::unique_ptr<Source> source;
  std::optional<Maker> training, validation;
  std::optional<Loader<Maker>> loader;
  Json identity;
};

Data::Data(const Options& o) : parts_(std::make_unique<Parts>()) {
  Parts& d = *parts_;
  d.options = o;
  d.source = open_source(o);
  d.training.emplace(d.source->training, o.tokenizer, batch_options(o, true));
  if (d.source->validation) d.validation.emplace(d.source->validation, o.tokenizer, batch_options(o, false));
  d.identity = identity_of(*d.source, o.tokenizer);
}
Data::~Data() = default;

Index Data::training_windows() const { return parts_->source->training->size(); }
const Json& Data::identity() const { return parts_->identity; }
void Data::check_unchanged() const { parts_->source->check_unchanged(); }
void Data::write_rows(const std::filesystem::path& file) const { parts_->source->write_rows(file); }

void Data::check_same(const Json& saved) const {
  const auto check = [&](const char* field, const char* what, const std::filesystem::path& where) {
    const auto before = optional_field<std::string>(saved, field, "training state");
    if (before && *before != identity()[field].get<std::string>())
      throw Error{{.kind = ErrorKind::input,
                   .what = what,
                   .where = where.string(),
                   .expected = "the same data, or another output folder"}};
  };
  const Options& o = parts_->options;
  const auto check_rows = [&] {
    check("rows", "these rows are not those that the saved run began with", o.bed.empty() ? o.fasta : o.bed);
  };
  if (!o.bed.empty()) check_rows();
  if (o.ids.empty())
    check("fasta", "this FASTA is not the one that the saved run began with", o.fasta);
  else
    check("fasta", "these ids are not those that the saved run began with", o.ids);
  check_rows();
  check("tokenizer", "this tokenizer is not the one that the saved run began with", o.tokenizer_name);
}

void Data::start(Index first) {
  const Options& o = parts_->options;
  // A GPU eats faster than one thread reads.
  const int threads = o.common.device == "cpu" ? 1 : std::clamp(o.common.threads - 1, 1, 8);
  parts_->loader.emplace(*parts_->training, first, o.steps * o.accumulate,
                         Loader<Maker>::Options{.threads = threads, .queue = 4 + 2 * (threads - 1)});
}
Batch Data::next() { return *parts_->loader->next(); }
Index Data::validation_batches() const { return parts_->validation ? parts_->validation->batches_per_epoch() : 0; }
Batch Data::validation(Index batch) const { return (*parts_->validation)(batch); }

}  // namespace pretrain

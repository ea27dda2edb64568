#include <pretrain/data.hpp>

#include <ligase/core/random.hpp>
#include <ligase/data/loader.hpp>
#include <ligase/genome.hpp>
#include <ligase/io/json.hpp>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pretrain {

namespace {

using Maker = BatchMaker<FastaDataset, AnyTokenizer>;

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

Json identity_of(const Fasta& fasta, const FastaDataset& windows, const std::vector<BedRow>& bed, const AnyTokenizer& tokenizer) {
  std::string sequences, rows;
  for (const Contig& contig : fasta.contigs()) sequences += contig.name + '\t' + std::to_string(contig.length) + '\n';
  const Index samples = std::min<Index>(64, windows.size());
  for (Index i = 0; i < samples; ++i) sequences += windows[i * windows.size() / samples];
  std::transform(sequences.begin(), sequences.end(), sequences.begin(), to_upper);
  for (const BedRow& row : bed)
    rows += row.chrom + '\t' + std::to_string(row.start) + '\t' + std::to_string(row.end) + '\t' + row.split + '\n';
  return {{"fasta", std::to_string(hash_name(sequences))},
          {"rows", std::to_string(hash_name(rows))},
          {"tokenizer", std::to_string(hash_name(text_of(tokenizer)))}};
}

}  // namespace

struct Data::Parts {
  Options options;
  std::shared_ptr<const Fasta> fasta;
  std::vector<BedRow> rows;
  std::shared_ptr<const FastaDataset> windows;
  std::optional<Maker> training, validation;
  std::optional<Loader<Maker>> loader;
  Json identity;
};

Data::Data(const Options& o) : parts_(std::make_unique<Parts>()) {
  Parts& d = *parts_;
  d.options = o;
  d.fasta = std::make_shared<const Fasta>(o.fasta);
  const IntervalMode mode = o.intervals == "strict" ? IntervalMode::strict : IntervalMode::original;
  if (o.bed.empty()) {
    d.rows = split_rows(*d.fasta, o.length);
  } else {
    d.rows = read_bed(o.bed);
    check_bed(d.rows, d.fasta->contigs(), o.bed);
  }
  const Windows train(d.rows, "train", o.length, mode, d.fasta->contigs(), o.bed);
  d.windows = std::make_shared<const FastaDataset>(d.fasta, train);
  d.training.emplace(d.windows, o.tokenizer, batch_options(o, true));
  if (o.eval_every > 0) {
    const Windows valid(d.rows, "valid", o.length, mode, d.fasta->contigs(), o.bed);
    d.validation.emplace(std::make_shared<const FastaDataset>(d.fasta, valid), o.tokenizer,
                         batch_options(o, false));
  }
  if (mode == IntervalMode::original && !o.common.quiet)
    std::printf("%lld of %lld training windows touch rows of other splits\n",
                static_cast<long long>(windows_touching_other_splits(train, d.rows, "train")),
                static_cast<long long>(train.size()));
  d.identity = identity_of(*d.fasta, *d.windows, d.rows, o.tokenizer);
}
Data::~Data() = default;

Index Data::training_windows() const { return parts_->windows->size(); }
const Json& Data::identity() const { return parts_->identity; }
void Data::check_unchanged() const { parts_->fasta->check_unchanged(); }
void Data::write_rows(const std::filesystem::path& file) const { write_bed(file, parts_->rows); }

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
  check("fasta", "this FASTA is not the one that the saved run began with", o.fasta);
  check("rows", "these rows are not those that the saved run began with", o.bed.empty() ? o.fasta : o.bed);
  check("tokenizer", "this tokenizer is not the one that the saved run began with", o.tokenizer_name);
}

void Data::start(Index first) { parts_->loader.emplace(*parts_->training, first, parts_->options.steps * parts_->options.accumulate); }
Batch Data::next() { return *parts_->loader->next(); }
Index Data::validation_batches() const { return parts_->validation ? parts_->validation->batches_per_epoch() : 0; }
Batch Data::validation(Index batch) const { return (*parts_->validation)(batch); }

}  // namespace pretrain

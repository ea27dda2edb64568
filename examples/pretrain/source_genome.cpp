#include <pretrain/source.hpp>

#include <common/rows.hpp>

#include <ligase/genome.hpp>

#include <cstdio>
#include <vector>

namespace pretrain {

namespace {

class FastaSource final : public Source {
 public:
  explicit FastaSource(const Options& o) : fasta_(std::make_shared<const Fasta>(o.fasta)) {
    const IntervalMode mode = ligase_cli::interval_mode(o.intervals, o.length);
    bed_ = ligase_cli::rows_of(*fasta_, o.bed, o.length);
    const std::filesystem::path& place = o.bed.empty() ? o.fasta : o.bed;
    const Windows train(bed_, "train", o.length, mode, fasta_->contigs(), place);
    training = windows(train);
    if (o.eval_every > 0) validation = windows(Windows(bed_, "valid", o.length, mode, fasta_->contigs(), place));
    if (mode == IntervalMode::original && !o.common.quiet)
      std::printf("%lld of %lld training windows touch rows of other splits\n",
                  static_cast<long long>(windows_touching_other_splits(train, bed_, "train")),
                  static_cast<long long>(train.size()));
    for (const Contig& contig : fasta_->contigs()) names += contig.name + '\t' + std::to_string(contig.length) + '\n';
    for (const BedRow& row : bed_)
      rows += row.chrom + '\t' + std::to_string(row.start) + '\t' + std::to_string(row.end) + '\t' + row.split + '\n';
  }

  void check_unchanged() const override { fasta_->check_unchanged(); }
  void write_rows(const std::filesystem::path& file) const override { write_bed(file, bed_); }

 private:
  std::shared_ptr<const AnyWindows> windows(const Windows& of) const {
    return std::make_shared<const AnyWindows>(std::make_shared<const FastaDataset>(fasta_, of));
  }

  std::shared_ptr<const Fasta> fasta_;
  std::vector<BedRow> bed_;
};

}  // namespace

std::unique_ptr<Source> open_fasta(const Options& options) { return std::make_unique<FastaSource>(options); }

}  // namespace pretrain

#pragma once

#include <ligase/data/dataset.hpp>
#include <ligase/genome/fasta.hpp>
#include <ligase/genome/intervals.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// Windows of a FASTA as a Dataset. A window that begins before its chromosome (mode original, chromosomes shorter than
/// the window) gives the letters from 0 on, fewer than its length; BatchMaker pads them on the left. (The
/// original hands the negative number to pyfaidx; what that returns is not reproduced.)
class FastaDataset {
 public:
  FastaDataset(std::shared_ptr<const Fasta> fasta, Windows windows)
      : fasta_(std::move(fasta)), windows_(std::move(windows)) {}

  Index size() const { return windows_.size(); }
  std::string operator[](Index i) const {
    check_window_number(i, size());
    const Window window = windows_[i];
    return fasta_->fetch(windows_.contigs()[static_cast<std::size_t>(window.contig)].name,
                         std::max<Index>(0, window.place.begin), window.place.end);
  }

  const Windows& windows() const { return windows_; }

 private:
  std::shared_ptr<const Fasta> fasta_;
  Windows windows_;
};

}  // namespace ligase::inline LIGASE_ISA

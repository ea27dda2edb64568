#pragma once

#include <embed/options.hpp>

#include <ligase/genome/contig.hpp>

#include <memory>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {
class Fasta;
}

namespace embed {

/// The sequences to embed: those of a FASTA, read window by window, or the one of the command line.
class Records {
 public:
  /// Throws kind input or usage for what cannot be read.
  explicit Records(const Options& options);
  ~Records();

  const std::vector<ligase::Contig>& list() const { return list_; }
  Index letters() const;
  std::string text(Index record, Index begin, Index end) const;
  /// Throws where the FASTA is not what it was.
  void check_unchanged() const;

 private:
  std::unique_ptr<ligase::Fasta> fasta_;
  std::string sequence_;
  std::vector<ligase::Contig> list_;
};

/// Tokens of each record, each counted in the window that keeps its first letter.
std::vector<Index> count_tokens(const Records& records, const ligase::AnyTokenizer& tokenizer, const Options& options);

}  // namespace embed

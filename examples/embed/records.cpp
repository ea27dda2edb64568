#include <embed/records.hpp>

#include <embed/kept.hpp>

#include <ligase/genome/fasta.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <numeric>

namespace embed {

using namespace ligase;

Records::Records(const Options& options) : sequence_(options.sequence) {
  if (!options.fasta.empty()) {
    constexpr int cache_bytes = 1 << 20;
    fasta_ = std::make_unique<Fasta>(options.fasta, cache_bytes);
    list_ = fasta_->contigs();
    return;
  }
  list_ = {{"sequence", std::ssize(sequence_)}};
  if (options.rule.count(std::ssize(sequence_)) > 1 && sequence_.find('[') != std::string::npos)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "a window could cut the name of a special token",
                 .where = "--sequence",
                 .expected = "letters only, or a --window of " + std::to_string(sequence_.size())}};
}
Records::~Records() = default;

Index Records::letters() const {
  return std::accumulate(list_.begin(), list_.end(), Index{0}, [](Index sum, const Contig& c) { return sum + c.length; });
}

std::string Records::text(Index record, Index begin, Index end) const {
  if (fasta_) return fasta_->fetch(list_[static_cast<std::size_t>(record)].name, begin, end);
  return sequence_.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

void Records::check_unchanged() const {
  if (fasta_) fasta_->check_unchanged();
}

std::vector<Index> count_tokens(const Records& records, const AnyTokenizer& tokenizer, const Options& options) {
  std::vector<Index> counts;
  const bool token_per_letter = !options.fasta.empty() && tokenizer.as<CharTokenizer>() != nullptr;
  for (Index r = 0; r < std::ssize(records.list()); ++r) {
    const Index length = records.list()[static_cast<std::size_t>(r)].length;
    Index count = token_per_letter ? length : 0;
    for (Index w = 0; !token_per_letter && w < options.rule.count(length); ++w) {
      const TextWindow window = options.rule(length, w);
      const KeptTokens kept(tokenizer.encode_spans(records.text(r, window.begin, window.end)).spans, window);
      count += kept.end - kept.begin;
    }
    counts.push_back(count);
  }
  return counts;
}

}  // namespace embed

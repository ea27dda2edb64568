#include <pretrain/source.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/npy.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace pretrain {

namespace {

/// Rows [windows, tokens] of ids as `tokenize` writes them, given back as letters: what is trained on is what the same windows
/// of the FASTA give. [PAD] is left out.
class IdsDataset {
 public:
  IdsDataset(const std::filesystem::path& file, const AnyTokenizer& tokenizer) : file_(file), tokenizer_(tokenizer) {
    const Shape& shape = file_.shape();
    const DType type = file_.dtype();
    if (shape.rank() != 2 || shape.count() == 0 || (type != DType::U8 && type != DType::U16 && type != DType::I32))
      throw Error{{.kind = ErrorKind::input,
                   .what = "no ids of windows",
                   .where = file_.where(),
                   .expected = "uint8, uint16 or int32 of shape [windows, tokens], as tokenize writes them",
                   .found = std::string(dtype_name(type)) + " of shape " + shape.text()}};
    if (reads_single_bases(tokenizer)) take_letters();
    for (Index i = 0; i < size(); ++i) row(i);
  }

  Index size() const { return file_.shape()[0]; }
  std::string operator[](Index i) const {
    check_window_number(i, size());
    std::vector<TokenId> ids = row(i);
    if (tokenizer_.pad()) std::erase(ids, *tokenizer_.pad());
    if (letters_.empty()) return tokenizer_.decode(ids);
    std::string text(ids.size(), '\0');
    std::transform(ids.begin(), ids.end(), text.begin(), [&](TokenId id) { return letters_[static_cast<std::size_t>(id)]; });
    return text;
  }

 private:
  /// One letter per token; a token that is none becomes a character that is read as [UNK].
  void take_letters() {
    for (TokenId id = 0; id < tokenizer_.vocab_size(); ++id) {
      const std::string text = tokenizer_.decode(std::span(&id, 1));
      letters_ += text.size() == 1 ? text.front() : '?';
    }
  }

  std::vector<TokenId> row(Index i) const {
    const Index tokens = file_.shape()[1], width = dtype_bytes(file_.dtype());
    std::vector<TokenId> ids(static_cast<std::size_t>(tokens));
    const std::byte* at = file_.bytes().data() + i * tokens * width;
    for (TokenId& id : ids) {
      std::uint32_t value = 0;
      std::memcpy(&value, at, static_cast<std::size_t>(width));
      at += width;
      id = static_cast<TokenId>(value);
      if (id < 0 || id >= tokenizer_.vocab_size())
        throw Error{{.kind = ErrorKind::input,
                     .what = "an id is not in the vocabulary of the tokenizer " + tokenizer_.name(),
                     .where = file_.where() + ", row " + std::to_string(i),
                     .expected = "0 to " + std::to_string(tokenizer_.vocab_size() - 1),
                     .found = std::to_string(id)}};
    }
    return ids;
  }

  NpyFile file_;
  AnyTokenizer tokenizer_;
  std::string letters_;
};

class IdsSource final : public Source {
 public:
  explicit IdsSource(const Options& o) : file_(o.ids), time_(std::filesystem::last_write_time(o.ids)) {
    training = windows(o.ids, o.tokenizer);
    if (o.eval_every > 0) validation = windows(o.valid_ids, o.tokenizer);
    names = std::to_string(training->size()) + " windows of " + std::to_string(tokens_of_ids(o.ids)) + " tokens";
  }

  void check_unchanged() const override {
    std::error_code error;
    if (std::filesystem::last_write_time(file_, error) != time_ || error)
      throw Error{{.kind = ErrorKind::input, .what = "the file was changed during the run", .where = file_.string()}};
  }

 private:
  static std::shared_ptr<const AnyWindows> windows(const std::filesystem::path& file, const AnyTokenizer& tokenizer) {
    return std::make_shared<const AnyWindows>(std::make_shared<const IdsDataset>(file, tokenizer));
  }

  std::filesystem::path file_;
  std::filesystem::file_time_type time_;
};

}  // namespace

std::unique_ptr<Source> open_ids(const Options& options) { return std::make_unique<IdsSource>(options); }

Index tokens_of_ids(const std::filesystem::path& file) {
  const NpyFile ids(file);
  return ids.shape().rank() == 2 ? ids.shape()[1] : 0;
}

}  // namespace pretrain

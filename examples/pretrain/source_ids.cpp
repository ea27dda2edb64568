#include <pretrain/source.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/npy.hpp>

#include <unistd.h>
#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace pretrain {

namespace {

/// Rows [windows, tokens] of ids as `tokenize` writes them, given back as letters: what is trained on is what the same windows
/// of the FASTA give. [PAD] is left out. Rows are read from the file, not mapped: it may become shorter meanwhile.
class IdsDataset {
 public:
  IdsDataset(const std::filesystem::path& path, const AnyTokenizer& tokenizer)
      : where_(path.string()), tokenizer_(tokenizer) {
    const NpyFile file(path);
    const Shape& shape = file.shape();
    const DType type = file.dtype();
    if (shape.rank() != 2 || shape.count() == 0 || (type != DType::U8 && type != DType::U16 && type != DType::I32))
      throw Error{{.kind = ErrorKind::input,
                   .what = "no ids of windows",
                   .where = where_,
                   .expected = "uint8, uint16 or int32 of shape [windows, tokens], as tokenize writes them",
                   .found = std::string(dtype_name(type)) + " of shape " + shape.text()}};
    std::size_t bytes = 0;
    file_ = ligase::detail::open_to_read(path, bytes);
    windows_ = shape[0];
    tokens_ = shape[1];
    width_ = dtype_bytes(type);
    begin_ = static_cast<Index>(bytes - file.bytes().size());
    if (reads_single_bases(tokenizer)) take_letters();
    for (Index i = 0; i < size(); ++i) row(i);
  }

  Index size() const { return windows_; }
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
    std::vector<std::byte> bytes(static_cast<std::size_t>(tokens_ * width_));
    if (::pread(file_.get(), bytes.data(), bytes.size(), begin_ + i * tokens_ * width_) != std::ssize(bytes))
      throw Error{{.kind = ErrorKind::input, .what = "the file was changed during the run", .where = where_}};
    std::vector<TokenId> ids(static_cast<std::size_t>(tokens_));
    const std::byte* at = bytes.data();
    for (TokenId& id : ids) {
      std::uint32_t value = 0;
      std::memcpy(&value, at, static_cast<std::size_t>(width_));
      at += width_;
      id = static_cast<TokenId>(value);
      if (id < 0 || id >= tokenizer_.vocab_size())
        throw Error{{.kind = ErrorKind::input,
                     .what = "an id is not in the vocabulary of the tokenizer " + tokenizer_.name(),
                     .where = where_ + ", row " + std::to_string(i),
                     .expected = "0 to " + std::to_string(tokenizer_.vocab_size() - 1),
                     .found = std::to_string(id)}};
    }
    return ids;
  }

  std::string where_;
  ligase::detail::Descriptor file_;
  Index windows_ = 0, tokens_ = 0, width_ = 0, begin_ = 0;  ///< of the rows; bytes of an id and before the first one
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

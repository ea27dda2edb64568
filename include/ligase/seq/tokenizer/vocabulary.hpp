#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/file.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// The tokens of a `vocab.txt`: one a line, the id is the line's number from 0 (BertTokenizer, EsmTokenizer). Keeps the
/// file's bytes, so that write() gives them back, whether or not the last line ended in a newline. CR LF is tolerated.
class Vocabulary {
 public:
  /// Throws kind `input` for an empty list, an empty token, one with a line break, or one that stands twice.
  explicit Vocabulary(const std::vector<std::string>& tokens) : where_("vocabulary") {
    for (const std::string& token : tokens) {
      if (token.find_first_of("\r\n") != std::string::npos)
        refuse("a token with a line break", static_cast<TokenId>(&token - tokens.data()));
      text_ += token;
      text_ += '\n';
    }
    split();
  }

  /// Errors name file and line.
  static Vocabulary read(const std::filesystem::path& file) { return Vocabulary(read_file(file), file.string()); }

  /// Atomic, see AtomicFile.
  void write(const std::filesystem::path& file) const {
    AtomicFile out(file);
    out.write(text_);
    out.commit();
  }

  Index size() const { return static_cast<Index>(tokens_.size()); }
  /// id in 0 .. size() - 1.
  std::string_view operator[](TokenId id) const {
    const auto [begin, bytes] = tokens_[static_cast<std::size_t>(id)];
    return std::string_view(text_).substr(begin, bytes);
  }

  /// O(log n).
  std::optional<TokenId> find(std::string_view token) const {
    const auto place = std::lower_bound(sorted_.begin(), sorted_.end(), token,
                                        [&](TokenId id, std::string_view t) { return (*this)[id] < t; });
    if (place == sorted_.end() || (*this)[*place] != token) return std::nullopt;
    return *place;
  }
  /// Throws kind `input` where there is none.
  TokenId require(std::string_view token) const {
    const std::optional<TokenId> id = find(token);
    if (!id)
      throw Error{
          {.kind = ErrorKind::input, .what = "a token is missing", .where = where_, .expected = std::string(token)}};
    return *id;
  }

  /// Throws kind `input` about one of the tokens.
  [[noreturn]] void refuse(std::string what, TokenId id, std::string expected = {}, std::string found = {}) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = where_ + ":" + std::to_string(id + 1),
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }
  /// The file's name, or "vocabulary".
  const std::string& where() const { return where_; }

 private:
  Vocabulary(std::string text, std::string where) : text_(std::move(text)), where_(std::move(where)) { split(); }

  void split() {
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      const std::size_t bytes = end - begin - (end > begin && text_[end - 1] == '\r' ? 1 : 0);
      if (tokens_.size() >= static_cast<std::size_t>(std::numeric_limits<TokenId>::max()))
        throw Error{{.kind = ErrorKind::input, .what = "too many tokens", .where = where_}};
      if (bytes == 0) refuse("an empty token", static_cast<TokenId>(tokens_.size()));
      tokens_.emplace_back(begin, bytes);
      begin = end + 1;
    }
    if (tokens_.empty())
      throw Error{{.kind = ErrorKind::input, .what = "no tokens", .where = where_, .expected = "one token a line"}};

    sorted_.resize(tokens_.size());
    std::iota(sorted_.begin(), sorted_.end(), 0);
    std::sort(sorted_.begin(), sorted_.end(),
              [&](TokenId a, TokenId b) { return std::pair((*this)[a], a) < std::pair((*this)[b], b); });
    const auto twice = std::adjacent_find(sorted_.begin(), sorted_.end(),
                                          [&](TokenId a, TokenId b) { return (*this)[a] == (*this)[b]; });
    if (twice != sorted_.end())
      refuse("a token stands twice", twice[1], "every token once",
             "'" + std::string((*this)[*twice]) + "' as in line " + std::to_string(*twice + 1));
  }

  std::string text_;
  std::string where_;
  std::vector<std::pair<std::size_t, std::size_t>> tokens_;  ///< place and bytes in text_
  std::vector<TokenId> sorted_;
};

}  // namespace ligase::inline LIGASE_ISA

#pragma once

#include <pretrain/options.hpp>

#include <ligase/data/dataset.hpp>
#include <ligase/io/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace pretrain {

using namespace ligase;

/// Windows of any data set.
class AnyWindows {
 public:
  template <Dataset T>
  explicit AnyWindows(std::shared_ptr<const T> windows) : held_(std::make_shared<const Held<T>>(std::move(windows))) {}

  Index size() const { return held_->size(); }
  std::string operator[](Index i) const { return held_->letters(i); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Index size() const = 0;
    virtual std::string letters(Index i) const = 0;
  };
  template <class T>
  struct Held final : Interface {
    explicit Held(std::shared_ptr<const T> windows) : of(std::move(windows)) {}
    Index size() const override { return of->size(); }
    std::string letters(Index i) const override { return (*of)[i]; }
    std::shared_ptr<const T> of;
  };

  std::shared_ptr<const Interface> held_;
};

/// Where a run's windows come from.
class Source {
 public:
  virtual ~Source() = default;
  /// Throws where the file is not what it was.
  virtual void check_unchanged() const = 0;
  /// Writes the rows in use, where windows are cut from rows.
  virtual void write_rows(const std::filesystem::path&) const {}

  std::shared_ptr<const AnyWindows> training;
  std::shared_ptr<const AnyWindows> validation;  ///< null where none is asked for
  /// Hashes by which a resumed run recognises its data, beside that of 64 training windows and of the tokenizer.
  std::string names, rows;
};

/// Windows of --fasta; a null function in a program that was built without HTSlib.
[[gnu::weak]] std::unique_ptr<Source> open_fasta(const Options& options);
/// Windows of --ids and --valid-ids.
std::unique_ptr<Source> open_ids(const Options& options);
/// Tokens per row of a file of --ids.
Index tokens_of_ids(const std::filesystem::path& file);

}  // namespace pretrain

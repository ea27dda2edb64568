#pragma once

#include <pretrain/options.hpp>

#include <ligase/data/batch.hpp>
#include <ligase/io/json_fwd.hpp>

#include <filesystem>
#include <memory>

namespace pretrain {

using namespace ligase;

/// Batches of the training and validation windows of a FASTA or of files of ids.
class Data {
 public:
  Data(const Options& options);
  ~Data();

  Index training_windows() const;
  /// What a resumed run recognises its data by: a hash of the sequences' names and lengths and of the letters of 64
  /// training windows, and a hash of the rows.
  const Json& identity() const;
  /// Refuses to go on with other data than those of the saved identity.
  void check_same(const Json& saved) const;
  /// Throws where the data were changed since they were opened.
  void check_unchanged() const;
  /// Writes the rows in use, where windows are cut from rows.
  void write_rows(const std::filesystem::path& file) const;

  /// Batches of training windows from number `first` on, prepared by threads of their own.
  void start(Index first);
  Batch next();
  /// Batches of validation windows: none without --eval-every.
  Index validation_batches() const;
  Batch validation(Index batch) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pretrain

#pragma once

#include "tally.hpp"

#include <ligase/io/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ligase_verify {

/// Where a case lies and how it is run.
struct CaseFolder {
  std::filesystem::path path;
  std::string name;  ///< below the folder that was named on the command line
  int threads = 1;
  bool on_gpu = false;
  std::filesystem::path data = {};  ///< vocabulary files, where the user names a folder
};

enum class Kind {
  selective_scan,
  conv_and_norms,
  mamba,
  caduceus,
  caduceus_classifier,
  caduceus_finetuning,
  training,
  schedules,
  intervals,
  char_tokenizer,
  tokenizers,
  cnn,
  not_built
};

struct Recognised {
  Kind kind = Kind::not_built;
  std::string system = {};  ///< what is not built yet
};

/// Folders at or below `folder` that hold a case, sorted by path.
std::vector<CaseFolder> find_cases(const std::filesystem::path& folder);

/// Tells from its files what a case is; throws kind `input` where they do not say.
Recognised recognise(const std::filesystem::path& folder);

/// Whether `model_type` or `architectures` of a config.json name Caduceus.
bool names_caduceus(const ligase::Json& config);

/// Compare what a case holds; every problem with its files is thrown as Error.
/// selective_scan, conv_and_norms or cnn, on the case's device and in the tally's precision, as the following.
void verify_operation(const CaseFolder& folder, Kind kind, Tally& tally);
void verify_schedules(const CaseFolder& folder, Tally& tally);
/// A null function in a program that was built without HTSlib.
[[gnu::weak]] void verify_intervals(const CaseFolder& folder, Tally& tally);
void verify_char_tokenizer(const CaseFolder& folder, Tally& tally);
void verify_tokenizers(const CaseFolder& folder, Tally& tally);

/// Language models and their training, in the tally's precision; the symmetry of a Caduceus is read from its configuration.
void verify_language_model(const CaseFolder& folder, Kind kind, Tally& tally);
/// caduceus_classifier or caduceus_finetuning.
void verify_classifier(const CaseFolder& folder, Kind kind, Tally& tally);

}  // namespace ligase_verify

#pragma once

#include <pretrain/options.hpp>

#include <ligase/core/error.hpp>
#include <ligase/train/state.hpp>

namespace pretrain {

using namespace ligase;

/// Everything that the result depends on: a resumed run must have been started with the same.
Json flags_of(const Options& options);
/// Refuses outputs that cannot be written, and a --json that would replace an input or the run's own files.
void check_outputs(const Options& options);
/// Refuses an output folder in use, unless --resume or --overwrite is given.
void check_vacant(const Options& options);
/// Refuses a vocabulary that the objective cannot be trained with.
void check_vocabulary(const Options& options);
/// Refuses sizes whose products leave 64 bits.
void check_counts(const Options& options);
/// Refuses to go on where the log ends before the saved step. A log that is missing or empty begins anew.
void check_log(const RunFolder& folder, Index saved);
/// Whether the checkpoint can be opened: what a finished run leaves.
bool has_whole_checkpoint(const RunFolder& folder);
/// What the system refused or came out as no number, with what to do about it; other errors as they are.
Error with_advice(const Error& e);

}  // namespace pretrain

#pragma once

#include <ligase/seq/tokenizer/bpe_automaton.hpp>
#include <ligase/seq/tokenizer/bpe_model.hpp>
#include <ligase/seq/tokenizer/bpe_queue.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// A model and what encodes with it; shared by copies of a tokenizer.
struct BpeEngine {
  BpeEngine(std::vector<BpeToken> tokens, const std::vector<BpeMerge>& merges, BpeLetters letters, std::string where)
      : model(std::move(tokens), merges, letters, std::move(where)) {
    if (model.regular()) automaton.emplace(model);
  }
  BpeModel model;
  std::optional<BpeAutomaton> automaton;  ///< of regular models
};

/// Encodes words, letter by letter. Regular models: linear time, 4 bytes per letter; others: merge_by_queue.
class BpeWord {
 public:
  using Slot = BpeModel::Slot;

  /// `most`: letters that a word has at most, as far as known.
  explicit BpeWord(const BpeEngine& engine, std::size_t most = 0)
      : model_(engine.model), automaton_(engine.automaton ? &*engine.automaton : nullptr) {
    tokens_.reserve(most);
  }

  void push(Slot letter) {
    if (automaton_ != nullptr)
      tokens_.push_back(last_token(letter));
    else
      tokens_.push_back(letter);
  }

  /// Hands the tokens of the word to emit(slot) and starts the next word.
  template <class Emit>
  void finish(Emit&& emit) {
    std::size_t begin = 0;
    if (automaton_ == nullptr)
      merge_by_queue(model_, tokens_);
    else
      begin = trace_back();
    for (std::size_t i = begin; i < tokens_.size(); ++i) emit(tokens_[i]);
    tokens_.clear();
    state_ = 0;
  }

 private:
  /// Last token of the encoding of the letters so far.
  Slot last_token(Slot letter) {
    state_ = automaton_->next(state_, letter);
    Slot token = automaton_->longest(state_);
    const std::size_t end = tokens_.size() + 1;
    for (; token != BpeModel::none; token = automaton_->shorter(token)) {
      const auto length = static_cast<std::size_t>(automaton_->length(token));
      if (length == end || automaton_->follows(tokens_[end - length - 1], token)) return token;
    }
    throw Error{{.kind = ErrorKind::internal, .what = "no token ends a word", .where = model_.where()}};
  }

  /// From the last tokens of all beginnings to the tokens of the word, which then stand at the end of the list.
  std::size_t trace_back() {
    std::size_t write = tokens_.size();
    for (std::size_t end = tokens_.size(); end > 0;) {
      const Slot token = tokens_[end - 1];
      tokens_[--write] = token;
      end -= static_cast<std::size_t>(automaton_->length(token));
    }
    return write;
  }

  const BpeModel& model_;
  const BpeAutomaton* automaton_;
  std::vector<Slot> tokens_;  ///< regular models: last token of every beginning of the word; others: its letters
  std::int32_t state_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA::detail

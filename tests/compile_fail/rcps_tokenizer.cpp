// expect: RCPS needs a tokenizer whose reverse complement is an operation on tokens
#include <ligase/ligase.hpp>

#include <string>

struct WholeText {
  std::vector<ligase::TokenId> encode(std::string_view) const { return {0}; }
  ligase::Encoding encode_spans(std::string_view) const { return {}; }
  std::string decode(std::span<const ligase::TokenId>) const { return {}; }
  std::vector<ligase::TokenId> prefix() const { return {}; }
  std::vector<ligase::TokenId> suffix() const { return {}; }
  std::int64_t vocab_size() const { return 1; }
  std::string name() const { return "whole"; }
};

ligase::Model<ligase::BiMamba<ligase::RCPS>, WholeText>* model = nullptr;
auto config = model->config();

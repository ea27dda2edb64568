#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/pooling.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Which strands an embedding holds.
enum class EmbeddedStrands {
  model,   ///< what the model gives: [D], of RCPS [2 D] in the original's layout, see Model::embed
  average  ///< mean of both strands, [D]; a model without strands of its own reads the reverse complement too
};

/// One vector per token of one text: the strand as given, and the other one.
///
/// own [L, D]: row t is token t. other [L, D], or null: the other strand read in its own direction, so that row L - 1 - t is
/// about token t. Rows of RCPS in the original's layout are (own, other with channels reversed).
template <class T>
struct TokenVectors {
  Index tokens = 0, channels = 0;
  const T* own = nullptr;
  const T* other = nullptr;

  const T* own_row(Index t) const { return own + t * channels; }
  const T* other_row(Index t) const { return other + (tokens - 1 - t) * channels; }

  /// The vector of token t as it is written; `out` has room for `width` elements.
  void write(Index t, EmbeddedStrands strands, T* out) const {
    const T* a = own_row(t);
    if (other == nullptr) {
      std::copy(a, a + channels, out);
      return;
    }
    const T* b = other_row(t);
    if (strands == EmbeddedStrands::average) {
      for (Index c = 0; c < channels; ++c) out[c] = (a[c] + b[c]) / T(2);
    } else {
      std::copy(a, a + channels, out);
      std::reverse_copy(b, b + channels, out + channels);
    }
  }
};

/// One vector of a sequence whose token vectors come in pieces, in order. Sums are in double, token by token, so that the
/// result does not depend on the pieces' sizes.
///
/// Strands apart are pooled column by column. Averaged strands are pooled each in its own direction, then averaged, as
/// CaduceusForSequenceClassification pools them before its head: `first` takes the other strand's first token, which is about
/// the last base. So the pooled vector is invariant to reverse complement.
template <class T>
class PooledVector {
 public:
  PooledVector(Pooling pooling, EmbeddedStrands strands) : pooling_(pooling), strands_(strands) {}

  /// Tokens [begin, end) of a piece.
  void add(const TokenVectors<T>& piece, Index begin, Index end) {
    const auto width = static_cast<std::size_t>(piece.channels * (piece.other ? 2 : 1));
    if (tokens_ == 0 && begin < end) values_.assign(width, pooling_ == Pooling::max ? lowest : 0.0);
    for (Index t = begin; t < end; ++t, ++tokens_) {
      take(piece.own_row(t), piece.channels, 0, pooling_);
      if (piece.other) take(piece.other_row(t), piece.channels, static_cast<std::size_t>(piece.channels), of_other());
    }
    two_ = piece.other != nullptr;
  }
  Index tokens() const { return tokens_; }

  /// [D] or [2 D]; empty where no token came. Then ready for the next sequence.
  std::vector<double> finish() {
    std::vector<double> v = std::move(values_);
    values_.clear();
    const Index tokens = std::exchange(tokens_, 0);
    if (pooling_ == Pooling::mean)
      for (double& x : v) x /= static_cast<double>(tokens);
    if (!two_ || v.empty()) return v;
    const std::size_t channels = v.size() / 2;
    if (strands_ == EmbeddedStrands::average) {
      for (std::size_t c = 0; c < channels; ++c) v[c] = (v[c] + v[channels + c]) / 2;
      v.resize(channels);
    } else {
      std::reverse(v.begin() + static_cast<std::ptrdiff_t>(channels), v.end());
    }
    return v;
  }

 private:
  static constexpr double lowest = -std::numeric_limits<double>::infinity();

  Pooling of_other() const {
    if (strands_ == EmbeddedStrands::model) return pooling_;
    return pooling_ == Pooling::first ? Pooling::last : pooling_ == Pooling::last ? Pooling::first : pooling_;
  }
  void take(const T* row, Index channels, std::size_t column, Pooling pooling) {
    if (pooling == Pooling::first && tokens_ > 0) return;
    double* v = values_.data() + column;
    for (Index c = 0; c < channels; ++c) {
      const auto x = static_cast<double>(row[c]);
      if (pooling == Pooling::mean)
        v[c] += x;
      else if (pooling != Pooling::max || x > v[c] || x != x)
        v[c] = x;
    }
  }

  Pooling pooling_;
  EmbeddedStrands strands_;
  bool two_ = false;
  Index tokens_ = 0;
  std::vector<double> values_;
};

/// Columns of an embedding.
template <class Backbone>
Index embedding_width(const typename Backbone::Config& config, EmbeddedStrands strands) {
  return config.d_model * (strands == EmbeddedStrands::model ? Backbone::SymmetryType::strands : 1);
}

/// Token vectors of several texts in one pass, packed without padding: f(i, vectors) for every text that has tokens, in order.
/// The bits of each are those of the text alone. network: a LanguageModel. ids: the tokens of each text, without special ones.
/// complement(id) is asked for with `average` of a model without strands of its own.
template <class Backbone, class Network, class Complement, class F>
void embed_texts(const Network& network, const Context<cpu>& how, const std::vector<std::vector<TokenId>>& ids,
                 EmbeddedStrands strands, const Complement& complement, F&& f) {
  using T = typename Network::T;
  constexpr bool two_strands = Backbone::SymmetryType::strands == 2;
  auto offsets = std::make_shared<std::vector<Index>>(1, 0);
  std::vector<TokenId> all;
  for (const auto& text : ids) {
    if (text.empty()) continue;
    all.insert(all.end(), text.begin(), text.end());
    offsets->push_back(static_cast<Index>(all.size()));
  }
  if (all.empty()) return;
  const auto total = static_cast<Index>(all.size());
  const auto run = [&](std::shared_ptr<const std::vector<Index>> places) {
    Context<cpu> context = how;
    if (places->size() > 2) context.offsets = std::move(places);
    return network.hidden(context, Tensor<TokenId>::from({1, total}, all));
  };
  const Tensor<T, cpu> own = run(offsets);
  Tensor<T, cpu> reverse;
  if constexpr (!two_strands)
    if (strands == EmbeddedStrands::average) {
      std::reverse(all.begin(), all.end());
      for (TokenId& id : all) id = complement(id);
      auto places = std::make_shared<std::vector<Index>>();
      for (auto place = offsets->rbegin(); place != offsets->rend(); ++place) places->push_back(total - *place);
      reverse = run(std::move(places));
    }
  const Index channels = own.size(2);
  const T* other = two_strands ? own.data() + total * channels : reverse.empty() ? nullptr : std::as_const(reverse).data();
  std::size_t place = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i].empty()) continue;
    const Index begin = (*offsets)[place], end = (*offsets)[++place];
    f(i, TokenVectors<T>{end - begin, channels, own.data() + begin * channels,
                         other ? other + (total - end) * channels : nullptr});
  }
}

}  // namespace ligase::inline LIGASE_ISA

#pragma once

#include <common/inference_plan.hpp>
#include <common/progress.hpp>
#include <common/stop.hpp>
#include <embed/kept.hpp>
#include <embed/options.hpp>
#include <embed/output.hpp>
#include <embed/records.hpp>

#include <cstdio>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace embed {

using namespace ligase;

/// What was done, for people and --json.
struct Summary {
  Index records = 0, letters = 0, rows = 0, width = 0;
  std::vector<Index> tokens;  ///< per record
  std::vector<std::string> without_tokens;
  const char* type = "";
  Index peak_bytes = 0;  ///< most that tensors held on the device
};

/// A network on any device as embed_texts asks for it: ids and hidden states in host memory, bfloat16 as float.
template <class Network, class D>
struct HostNetwork {
  using T = wide_t<typename Network::T>;
  const Network& network;

  Tensor<T, cpu> hidden(const Context<cpu>& how, const Tensor<TokenId, cpu>& ids) const {
    Context<D> context;
    context.threads = how.threads;
    context.offsets = how.offsets;
    return to_host_wide(network.hidden(context, to_device<D>(ids)));
  }
};

/// Tokens that go through the model together, at least one window.
inline Index letters_per_pass(const Options& o) { return std::min<Index>(o.rule.window(), 16384); }

/// Runs the model over all windows and writes rows as they come: memory does not depend on the sequences' lengths.
template <class Backbone, class D, class P>
class Run {
 public:
  using T = wide_t<typename P::Activation>;
  using AnyModel = ligase_cli::AnyModel<Backbone, D, P>;

  Run(const Options& options, const AnyModel& model, const Records& records)
      : o_(options),
        model_(model),
        records_(records),
        pool_(options.pooling.value_or(Pooling::mean), options.strands),
        width_(embedding_width<Backbone>(model.config(), options.strands)),
        row_(static_cast<std::size_t>(width_)) {
    summary_.tokens = count_tokens(records, model.tokenizer(), options);
    summary_.records = std::ssize(records.list());
    summary_.letters = records.letters();
    summary_.width = width_;
    summary_.type = sizeof(T) == 4 ? "float32" : "float64";
    for (Index r = 0; r < summary_.records; ++r)
      if (summary_.tokens[static_cast<std::size_t>(r)] == 0) summary_.without_tokens.push_back(name_of(r));
    if (std::ssize(summary_.without_tokens) == summary_.records)
      throw Error{{.kind = ErrorKind::input,
                   .what = "no sequence gives a token",
                   .where = o_.fasta.empty() ? "--sequence" : o_.fasta.string(),
                   .expected = "longer sequences for this tokenizer",
                   .found = std::to_string(summary_.records) + " such as '" + summary_.without_tokens.front() + "'"}};
  }

  Summary operator()() {
    std::vector<OutputArray> arrays;
    std::vector<std::string> names;
    for (Index r = 0; r < summary_.records; ++r) {
      const auto i = static_cast<std::size_t>(r);
      const Index rows = o_.pooling ? 1 : o_.per_base ? records_.list()[i].length : summary_.tokens[i];
      summary_.rows += rows;
      if (o_.pooling)
        names.push_back(name_of(r));
      else
        arrays.push_back({name_of(r), rows});
    }
    if (o_.pooling) arrays.push_back({"embeddings", summary_.rows});
    OutputFile file(o_.out, arrays, width_, dtype_of<T>(), names);
    file_ = &file;

    ligase_cli::Progress progress("embed", "bp", summary_.letters, o_.common.quiet);
    Index letters = 0;
    for (Index r = 0; r < summary_.records; ++r) {
      const Index length = records_.list()[static_cast<std::size_t>(r)].length, windows = o_.rule.count(length);
      for (Index w = 0; w < windows; ++w) {
        Piece piece{o_.rule(length, w), {}, w + 1 == windows};
        piece.encoding = model_.tokenizer().encode_spans(records_.text(r, piece.window.begin, piece.window.end));
        letters += piece.window.end - piece.window.begin;
        done_ += piece.window.keep_end - piece.window.keep_begin;
        pieces_.push_back(std::move(piece));
        if (letters < letters_per_pass(o_)) continue;
        pass();
        ligase_cli::check_stop();
        letters = 0;
        progress.update(done_);
      }
    }
    pass();
    records_.check_unchanged();
    file.finish();
    progress.update(done_);
    progress.finish();
    summary_.peak_bytes = memory_counter<D>().peak.load();
    return summary_;
  }

 private:
  struct Piece {
    TextWindow window;
    Encoding encoding;
    bool last = false;  ///< of its record
  };

  const std::string& name_of(Index record) const { return records_.list()[static_cast<std::size_t>(record)].name; }

  void pass() {
    Context<cpu> context;
    context.threads = o_.common.threads;
    std::vector<std::vector<TokenId>> ids;
    for (Piece& piece : pieces_) ids.push_back(std::move(piece.encoding.ids));
    std::size_t next = 0;
    const auto take_empty_ones = [&](std::size_t end) {
      for (; next < end; ++next) take(pieces_[next], {});
    };
    embed_texts<Backbone>(
        HostNetwork<typename AnyModel::Network, D>{model_.network()}, context, ids, o_.strands, [&](TokenId id) { return model_.tokenizer().complement(id); },
        [&](std::size_t i, const TokenVectors<T>& vectors) {
          take_empty_ones(i);
          take(pieces_[next++], vectors);
        });
    take_empty_ones(pieces_.size());
    pieces_.clear();
  }

  void take(const Piece& piece, const TokenVectors<T>& vectors) {
    const KeptTokens kept(piece.encoding.spans, piece.window);
    if (o_.pooling) {
      pool_.add(vectors, kept.begin, kept.end);
      if (piece.last) write_pooled();
    } else if (o_.per_base) {
      write_bases(piece, vectors);
    } else {
      for (Index t = kept.begin; t < kept.end; ++t) {
        vectors.write(t, o_.strands, row_.data());
        write_row();
      }
    }
  }

  /// A sequence without tokens has a row of NaN, so that rows and sequences stay together.
  void write_pooled() {
    const std::vector<double> v = pool_.finish();
    for (std::size_t c = 0; c < row_.size(); ++c)
      row_[c] = v.empty() ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(v[c]);
    write_row();
  }

  /// One row per kept letter: the mean over the tokens that it lies in; zeros where it lies in none.
  void write_bases(const Piece& piece, const TokenVectors<T>& vectors) {
    const std::vector<Span>& spans = piece.encoding.spans;
    const Index tokens = std::ssize(spans);
    std::vector<double> sum(row_.size());
    Index first = 0;
    for (Index letter = piece.window.keep_begin - piece.window.begin; letter < piece.window.keep_end - piece.window.begin;
         ++letter) {
      while (first < tokens && spans[static_cast<std::size_t>(first)].end <= letter) ++first;
      std::fill(sum.begin(), sum.end(), 0.0);
      Index count = 0;
      for (Index t = first; t < tokens && spans[static_cast<std::size_t>(t)].begin <= letter; ++t, ++count) {
        vectors.write(t, o_.strands, row_.data());
        for (std::size_t c = 0; c < row_.size(); ++c) sum[c] += static_cast<double>(row_[c]);
      }
      for (std::size_t c = 0; c < row_.size(); ++c)
        row_[c] = static_cast<T>(count > 1 ? sum[c] / static_cast<double>(count) : sum[c]);
      write_row();
    }
  }

  void write_row() { file_->append(std::as_bytes(std::span<const T>(row_))); }

  const Options& o_;
  const AnyModel& model_;
  const Records& records_;
  PooledVector<T> pool_;
  Index width_ = 0, done_ = 0;
  std::vector<T> row_;
  std::vector<Piece> pieces_;
  OutputFile* file_ = nullptr;
  Summary summary_;
};

/// Sizes, memory and time, without running anything but one layer for a moment.
inline void print_plan(const Options& o, const Records& records) {
  Index longest = 0, read = 0;
  for (const Contig& c : records.list()) {
    longest = std::max(longest, c.length);
    read += o.rule.letters_read(c.length);
  }
  const bool twice = o.strands == EmbeddedStrands::average && !ligase_cli::has_two_strands(o.model);
  const Index length = std::min(o.rule.window(), std::max(longest, std::min(letters_per_pass(o), read)));
  auto plan = ligase_cli::plan_inference(o.model, ligase::detail::config_in(ligase_cli::folder_of(o.checkpoint)), o.common,
                                         length, ligase_cli::PassOutput::hidden);
  const double width = o.common.precision == "fp64" ? 8 : 4;
  if (twice) plan.peak_bytes += static_cast<double>(length * plan.d_model) * width;
  const double per_token = (plan.peak_bytes - plan.weight_bytes) / static_cast<double>(length);
  const double seconds = static_cast<double>(twice ? 2 * read : read) / plan.tokens_per_second;
  std::printf("%s: %lld parameters; %lld sequences of %lld bp together, %lld bp read in windows of %lld\n", o.model.c_str(),
              static_cast<long long>(plan.parameters), static_cast<long long>(records.list().size()),
              static_cast<long long>(records.letters()), static_cast<long long>(read),
              static_cast<long long>(o.rule.window()));
  std::printf("tensors: at most %.1f MB at once, of these %.1f MB weights; %.0f bytes per token\n", plan.peak_bytes / 1e6,
              plan.weight_bytes / 1e6, per_token);
  std::printf("time: about %.0f s at %.0f tokens/s on %d threads\n", seconds, plan.tokens_per_second, o.common.threads);
  if (o.common.json.empty()) return;
  write_json_file(o.common.json, OrderedJson{{"model", o.model},
                                             {"parameters", plan.parameters},
                                             {"sequences", records.list().size()},
                                             {"letters", records.letters()},
                                             {"letters_read", read},
                                             {"peak_tensor_bytes", plan.peak_bytes},
                                             {"bytes_per_token", per_token},
                                             {"estimated_tokens_per_second", plan.tokens_per_second},
                                             {"estimated_seconds", seconds}});
}

}  // namespace embed

#pragma once

#include <ligase/io/file.hpp>
#include <ligase/io/json.hpp>
#include <ligase/tasks/bits_per_base.hpp>
#include <ligase/tasks/context_scores.hpp>
#include <ligase/tasks/known_kmers.hpp>
#include <ligase/tasks/measure.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ligase_cli {

using ligase::Index;

/// Where a scored window comes from.
struct WindowPlace {
  Index number = 0;  ///< of the split's windows, from 0
  std::string chrom;
  Index start = 0;
};

/// Everything that was measured. All lists of windows are in the same order.
struct Evaluation {
  std::vector<WindowPlace> places;
  std::vector<ligase::WindowScore> model;
  std::vector<ligase::ContextScore> context_models;  ///< empty where the rows lack train or valid windows
  std::vector<ligase::KnownShare> known;             ///< share of 24-mers that stand in train; empty as above
};

/// A context model on a set of windows, and the model minus it, window by window.
struct Rival {
  std::string name;
  ligase::BitsPerBase bits;
  ligase::MeanError difference;
};

/// Values over a set of windows.
struct Summary {
  ligase::BitsPerBase letters, vocabulary;
  ligase::Index tokens = 0;  ///< whose probabilities make up `vocabulary`
  std::vector<Rival> rivals;

  /// Nats per token over the whole vocabulary.
  double loss_per_token() const { return vocabulary.nats() * static_cast<double>(vocabulary.targets) / static_cast<double>(tokens); }
};

/// Over all windows, or over those without a known 24-mer.
inline Summary summarize(const Evaluation& e, bool unknown_only) {
  const auto chosen = [&](std::size_t w) { return !unknown_only || e.known[w].none(); };
  std::vector<ligase::WindowBits> letters, vocabulary;
  ligase::Index tokens = 0;
  for (std::size_t w = 0; w < e.model.size(); ++w)
    if (chosen(w)) {
      letters.push_back(e.model[w].letters);
      vocabulary.push_back(e.model[w].vocabulary);
      tokens += e.model[w].tokens;
    }
  Summary s{ligase::bits_per_base(letters), ligase::bits_per_base(vocabulary), tokens, {}};
  for (const ligase::ContextScore& rival : e.context_models) {
    std::vector<ligase::WindowBits> bits;
    for (std::size_t w = 0; w < rival.windows.size(); ++w)
      if (chosen(w)) bits.push_back(rival.windows[w]);
    s.rivals.push_back({rival.name, ligase::bits_per_base(bits), ligase::paired_difference(letters, bits)});
  }
  return s;
}

namespace detail {

/// "0.0123", or "-" for no number.
inline std::string decimals(const char* format, double value) {
  if (!std::isfinite(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// "two_sided_3" -> "two-sided order 3"
inline std::string title(const std::string& name) {
  const std::size_t last = name.rfind('_');
  std::string side = name.substr(0, last);
  if (const std::size_t gap = side.find('_'); gap != std::string::npos) side[gap] = '-';
  return side == "order" ? "order " + name.substr(last + 1) : side + " order " + name.substr(last + 1);
}

}  // namespace detail

/// The model, then its rivals with the paired difference, on stdout.
inline void print_table(const Summary& s, const std::string& heading, const std::string& model) {
  const auto line = [](const std::string& name, const std::string& bits, const std::string& error,
                       const std::string& difference, const std::string& its_error) {
    std::printf("%-24s %10s %10s %14s %10s\n", name.c_str(), bits.c_str(), error.c_str(), difference.c_str(),
                its_error.c_str());
  };
  std::printf("\n%s\n", heading.c_str());
  line("", "bits", "std error", s.rivals.empty() ? "" : "model minus it", s.rivals.empty() ? "" : "std error");
  line(model, detail::decimals("%.4f", s.letters.bits), detail::decimals("%.4f", s.letters.standard_error), "", "");
  for (const Rival& r : s.rivals)
    line(detail::title(r.name), detail::decimals("%.4f", r.bits.bits), detail::decimals("%.4f", r.bits.standard_error),
         detail::decimals("%+.4f", r.difference.mean), detail::decimals("%.4f", r.difference.standard_error));
}

/// Adds the fields of a set of windows to `json`.
inline void add_summary(ligase::OrderedJson& json, const Summary& s) {
  json["loss"] = s.letters.nats();
  json["perplexity"] = s.letters.perplexity();
  json["bits_per_base"] = s.letters.bits;
  json["standard_error"] = s.letters.standard_error;
  json["windows"] = s.letters.windows;
  json["targets"] = s.letters.targets;
  json["loss_over_vocabulary"] = s.vocabulary.nats();
  json["tokens"] = s.tokens;
  json["loss_per_token"] = s.loss_per_token();
  json["perplexity_per_token"] = std::exp(s.loss_per_token());
  ligase::OrderedJson bits = ligase::OrderedJson::object(), errors = bits, differences = bits;
  for (const Rival& r : s.rivals) {
    bits[r.name] = r.bits.bits;
    errors[r.name] = r.bits.standard_error;
    differences[r.name] = {{"bits", r.difference.mean}, {"standard_error", r.difference.standard_error}};
  }
  json["context_models"] = bits;
  json["context_model_errors"] = errors;
  json["model_minus_context_model"] = differences;
}

/// One line per window: window, chrom, start, targets, share of known 24-mers, bits of the model and of every context model.
/// Empty fields where a window has no target, or no context model was made.
inline void write_windows(const std::filesystem::path& path, const Evaluation& e) {
  const auto quoted = [](const std::string& text) {
    if (text.find_first_of(",\"") == std::string::npos) return text;
    std::string result = "\"";
    for (char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
    return result + "\"";
  };
  const auto mean = [](const ligase::WindowBits& bits) {
    return bits.targets == 0 ? std::string() : detail::decimals("%.9f", bits.mean());
  };
  ligase::AtomicFile file(path);
  std::string line = "window,chrom,start,targets,share_24mers_in_train,model";
  for (const auto& rival : e.context_models) line += "," + rival.name;
  file.write(line + "\n");
  for (std::size_t w = 0; w < e.places.size(); ++w) {
    const WindowPlace& place = e.places[w];
    line = std::to_string(place.number) + "," + quoted(place.chrom) + "," + std::to_string(place.start) + "," +
           std::to_string(e.model[w].letters.targets) + "," +
           (e.known.empty() ? "" : detail::decimals("%.4f", e.known[w].share())) + "," + mean(e.model[w].letters);
    for (const auto& rival : e.context_models) line += "," + mean(rival.windows[w]);
    file.write(line + "\n");
  }
  file.commit();
}

}  // namespace ligase_cli

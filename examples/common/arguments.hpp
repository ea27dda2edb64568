#pragma once

#include <ligase/core/platform.hpp>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace ligase_cli {

using ligase::Index;

/// The flags that every program has.
struct CommonFlags {
  std::string device;
  std::string precision;
  int threads = 1;
  std::uint64_t seed = 0;
  std::filesystem::path json;  ///< empty: not wanted
  bool quiet = false;
};

/// The command line of a program. Flags are declared first, then parsed; every value is checked when it is asked for. All
/// errors are ligase::Error of kind usage that name the flag.
///
///   Arguments arguments("loss_curve", "Draws a training log as SVG.", "loss_curve --log run/log.jsonl --out loss.svg");
///   arguments.required("log", "FILE", "log.jsonl of pretrain").option("title", "TEXT", "Loss", "heading");
///   if (!arguments.parse(argc, argv)) return;                     // --help was printed
///   const auto log = arguments.path("log");
class Arguments {
 public:
  /// `example` is one real command line; several are separated by newlines.
  Arguments(std::string program, std::string purpose, std::string example);

  /// --name VALUE, which has to be given.
  Arguments& required(std::string name, std::string value, std::string help);
  /// --name VALUE; an empty `standard` means that there is no default value.
  Arguments& option(std::string name, std::string value, std::string standard, std::string help);
  /// --name, without a value.
  Arguments& toggle(std::string name, std::string help);
  /// Words without a flag: rest().
  Arguments& positional(std::string value, std::string help);
  /// --device, --precision, --threads, --seed, --json, --quiet: common().
  Arguments& common_flags();

  /// False where --help was asked for and printed. Unknown and repeated flags, missing values, missing flags and words
  /// that are not UTF-8 (they could not be written into JSON) throw.
  [[nodiscard]] bool parse(int argc, const char* const* argv);

  bool given(const std::string& name) const;
  bool on(const std::string& name) const;
  std::string text(const std::string& name) const;
  std::filesystem::path path(const std::string& name) const;
  /// One of `allowed`; anything else is refused with the nearest one.
  std::string choice(const std::string& name, const std::vector<std::string>& allowed) const;
  Index whole(const std::string& name, Index least, Index most = std::numeric_limits<Index>::max()) const;
  Index positive(const std::string& name) const { return whole(name, 1); }
  /// A finite number.
  double real(const std::string& name) const;
  double positive_real(const std::string& name) const;
  /// 0 to 1, both included.
  double probability(const std::string& name) const;
  /// A list of whole numbers separated by commas.
  std::vector<Index> whole_list(const std::string& name, Index least) const;
  /// A list of words separated by commas.
  std::vector<std::string> list(const std::string& name) const;
  const std::vector<std::string>& rest() const { return rest_; }
  CommonFlags common() const;

 private:
  struct Flag {
    std::string name, value, standard, help;
    bool is_required = false, is_toggle = false, is_given = false;
    std::string text;
  };

  const Flag& find(const std::string& name) const;
  Arguments& add(Flag flag);
  void check_words(const std::vector<std::string>& words) const;
  void refuse_unknown(const std::string& word) const;
  void read_value(Flag& flag, std::string value) const;

  std::string program_, purpose_, example_;
  std::vector<Flag> flags_;
  std::string positional_value_, positional_help_;
  std::vector<std::string> rest_;
};

/// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none.
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

/// The candidate that `word` begins, else the one that takes the fewest insertions, deletions, replacements and exchanges of
/// neighbours; upper and lower case are one. Empty where none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean 'x'?)", or nothing where no candidate is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates,
                         std::string_view prefix = "");

}  // namespace ligase_cli

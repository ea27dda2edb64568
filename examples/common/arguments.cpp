#include <common/arguments.hpp>

#include <ligase/core/error.hpp>
#include <ligase/core/parallel.hpp>

// A comma inside a positional argument is part of it.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <cxxopts.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Error;
using ligase::ErrorKind;

constexpr const char* rest_name = "rest";

[[noreturn]] void refuse(std::string where, std::string what, std::string expected = {}, std::string found = {}) {
  throw Error{{.kind = ErrorKind::usage,
               .what = std::move(what),
               .where = std::move(where),
               .expected = std::move(expected),
               .found = std::move(found)}};
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

std::string lower(std::string_view word) {
  std::string small(word);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0), second = byte(1);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && follows(1)) return 2;
  const bool too_long = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  if (too_long || no_character) return 0;
  if (first >= 0xE0 && first <= 0xEF && follows(1) && follows(2)) return 3;
  if (first >= 0xF0 && first <= 0xF4 && follows(1) && follows(2) && follows(3)) return 4;
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string small = lower(word);
  for (const std::string& candidate : candidates)
    if (!small.empty() && lower(candidate).starts_with(small)) return candidate;
  std::string best;
  std::size_t least = std::max<std::size_t>(2, 2 * word.size() / 3) + 1;
  for (const std::string& candidate : candidates)
    if (const std::size_t distance = edit_distance(small, lower(candidate)); distance < least) {
      least = distance;
      best = candidate;
    }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates, std::string_view prefix) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : " (did you mean " + in_quotes(std::string(prefix) + near) + "?)";
}

Arguments::Arguments(std::string program, std::string purpose, std::string example)
    : program_(std::move(program)), purpose_(std::move(purpose)), example_(std::move(example)) {}

Arguments& Arguments::add(Flag flag) {
  flags_.push_back(std::move(flag));
  return *this;
}

Arguments& Arguments::required(std::string name, std::string value, std::string help) {
  return add({.name = std::move(name),
              .value = std::move(value),
              .standard = {},
              .help = std::move(help),
              .is_required = true,
              .text = {}});
}

Arguments& Arguments::option(std::string name, std::string value, std::string standard, std::string help) {
  std::string text = standard;
  return add({.name = std::move(name),
              .value = std::move(value),
              .standard = std::move(standard),
              .help = std::move(help),
              .text = std::move(text)});
}

Arguments& Arguments::toggle(std::string name, std::string help) {
  return add(
      {.name = std::move(name), .value = {}, .standard = {}, .help = std::move(help), .is_toggle = true, .text = {}});
}

Arguments& Arguments::positional(std::string value, std::string help) {
  positional_value_ = std::move(value);
  positional_help_ = std::move(help);
  return *this;
}

Arguments& Arguments::common_flags() {
  return option("device", "cpu|cuda", "cpu", "where to compute")
      .option("precision", "fp32|fp64|bf16", "fp32", "number type, as the device allows")
      .option("threads", "N", std::to_string(ligase::available_threads()), "threads; results do not depend on it")
      .option("seed", "N", "1", "seed of every random choice")
      .option("json", "FILE", "", "write the result as one JSON object")
      .toggle("quiet", "no progress, only results and errors");
}

bool Arguments::parse(int argc, const char* const* argv) {
  cxxopts::Options options(program_, purpose_);
  options.set_width(110).custom_help(positional_value_.empty() ? "[flags]" : "[flags] " + positional_value_);
  options.positional_help("");
  auto add_option = options.add_options();
  for (const Flag& flag : flags_) {
    if (flag.is_toggle) {
      add_option(flag.name, flag.help);
    } else {
      std::string help = flag.help;
      if (flag.is_required) help += " (required)";
      if (!flag.standard.empty()) help += " (default: " + flag.standard + ")";
      add_option(flag.name, help, cxxopts::value<std::string>(), flag.value);
    }
  }
  add_option("h,help", "print this and stop");
  options.add_options("rest")(rest_name, positional_help_, cxxopts::value<std::vector<std::string>>());
  if (!positional_value_.empty()) options.parse_positional(rest_name);

  check_words({argv + std::min(argc, 1), argv + argc});
  cxxopts::ParseResult result;
  try {
    result = options.parse(argc, argv);
  } catch (const cxxopts::exceptions::exception& error) {
    refuse("command line", error.what());
  }
  if (result.count("help") > 0) {
    std::string text = options.help({""});
    if (!positional_value_.empty()) text += "\n  " + positional_value_ + "  " + positional_help_ + "\n";
    text += "\nExample:\n";
    for (std::size_t begin = 0; begin <= example_.size();) {
      const std::size_t end = std::min(example_.find('\n', begin), example_.size());
      text += "  " + example_.substr(begin, end - begin) + "\n";
      begin = end + 1;
    }
    std::fputs(text.c_str(), stdout);
    return false;
  }

  if (result.count(rest_name) > 0) rest_ = result[rest_name].as<std::vector<std::string>>();
  for (Flag& flag : flags_) {
    const std::size_t times = result.count(flag.name);
    if (times == 0 && flag.is_required) refuse("--" + flag.name, "has to be given", flag.value);
    if (times == 0) continue;
    if (times > 1) refuse("--" + flag.name, "is given " + std::to_string(times) + " times");
    if (flag.is_toggle)
      flag.is_given = result[flag.name].as<bool>();
    else
      read_value(flag, result[flag.name].as<std::string>());
  }
  return true;
}

/// Refuses what the parser would say less clearly, or understand in its own way.
void Arguments::check_words(const std::vector<std::string>& words) const {
  const auto flag_of = [&](const std::string& word) {
    return std::find_if(flags_.begin(), flags_.end(), [&](const Flag& f) {
      return word.starts_with("--") && word.substr(2, word.find('=') - 2) == f.name;
    });
  };
  for (const std::string& word : words)
    if (!is_utf8(word)) refuse(in_quotes(word), "holds a byte that is no UTF-8", "names in UTF-8");
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::size_t equals = word.find('=');
    const auto flag = flag_of(word);
    const bool is_help = word == "-h" || word.substr(0, equals) == "--help", has_value = equals != word.npos;
    if (flag == flags_.end() && !is_help) {
      if (positional_value_.empty() || (word.starts_with("-") && word != "-")) refuse_unknown(word);
    } else if (is_help || flag->is_toggle) {
      if (has_value) refuse(word.substr(0, equals), "takes no value", {}, in_quotes(word.substr(equals + 1)));
    } else if (!has_value) {
      const std::string value = ++i < words.size() ? words[i] : "";
      if (value.empty() || flag_of(value) != flags_.end()) refuse(word, "has no value", flag->value, value);
    }
  }
}

void Arguments::read_value(Flag& flag, std::string value) const {
  flag.is_given = true;
  if (value.empty()) refuse("--" + flag.name, "has no value", flag.value);
  flag.text = std::move(value);
}

void Arguments::refuse_unknown(const std::string& word) const {
  if (!word.starts_with("-")) refuse(in_quotes(word), "is no flag of " + program_ + "; values follow a --flag");
  const std::size_t begin = std::min(word.find_first_not_of('-'), word.size());
  const std::string name = word.substr(begin, word.find('=', begin) - begin);
  std::vector<std::string> names{"help"};
  for (const Flag& flag : flags_) names.push_back(flag.name);
  refuse(word.substr(0, begin) + name, "unknown flag" + did_you_mean(name, names, "--"));
}

const Arguments::Flag& Arguments::find(const std::string& name) const {
  for (const Flag& flag : flags_)
    if (flag.name == name) return flag;
  throw Error{{.kind = ErrorKind::internal, .what = "flag was not declared", .where = "--" + name}};
}

bool Arguments::given(const std::string& name) const { return find(name).is_given; }
bool Arguments::on(const std::string& name) const { return find(name).is_given; }
std::string Arguments::text(const std::string& name) const { return find(name).text; }
std::filesystem::path Arguments::path(const std::string& name) const { return find(name).text; }

std::string Arguments::choice(const std::string& name, const std::vector<std::string>& allowed) const {
  std::string value = text(name);
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  std::string list;
  for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
  refuse("--" + name, "unknown value" + did_you_mean(value, allowed), "one of " + list, in_quotes(value));
}

namespace {

Index checked_whole(const std::string& name, std::string_view text, Index least, Index most) {
  Index number = 0;
  if (read_number(text, number) && number >= least && number <= most) return number;
  std::string expected = "a whole number of at least " + std::to_string(least);
  const bool too_large =
      !text.empty() && text.find_first_not_of("0123456789") == text.npos && !read_number(text, number);
  if (most < std::numeric_limits<Index>::max() || too_large)
    expected = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  refuse("--" + name, "bad value", expected, in_quotes(text));
}

double checked_real(const std::string& name, std::string_view text, const char* expected, bool (*allowed)(double)) {
  double number = 0;
  if (read_number(text, number) && std::isfinite(number) && allowed(number)) return number;
  refuse("--" + name, "bad value", expected, in_quotes(text));
}

}  // namespace

Index Arguments::whole(const std::string& name, Index least, Index most) const {
  return checked_whole(name, text(name), least, most);
}

double Arguments::real(const std::string& name) const {
  return checked_real(name, text(name), "a finite number", [](double) { return true; });
}

double Arguments::positive_real(const std::string& name) const {
  return checked_real(name, text(name), "a finite number above 0", [](double x) { return x > 0; });
}

double Arguments::probability(const std::string& name) const {
  return checked_real(name, text(name), "a number from 0 to 1", [](double x) { return x >= 0 && x <= 1; });
}

std::vector<std::string> Arguments::list(const std::string& name) const {
  const std::string value = text(name);
  std::vector<std::string> words;
  if (value.empty()) return words;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    words.push_back(value.substr(begin, end - begin));
    if (words.back().empty())
      refuse("--" + name, "empty item in a list", "items separated by commas", in_quotes(value));
    begin = end + 1;
  }
  return words;
}

std::vector<Index> Arguments::whole_list(const std::string& name, Index least) const {
  std::vector<Index> numbers;
  for (const std::string& word : list(name))
    numbers.push_back(checked_whole(name, word, least, std::numeric_limits<Index>::max()));
  return numbers;
}

CommonFlags Arguments::common() const {
  const std::string device = choice("device", {"cpu", "cuda"});
  const std::string precision = choice("precision", {"fp32", "fp64", "bf16"});
  if (device == "cpu" && precision == "bf16") refuse("--precision", "bf16 needs --device cuda", "fp32 or fp64", "bf16");
  if (device == "cuda" && precision == "fp64") refuse("--precision", "fp64 needs --device cpu", "fp32 or bf16", "fp64");
  return {.device = device,
          .precision = precision,
          .threads = static_cast<int>(whole("threads", 1, 4096)),
          .seed = static_cast<std::uint64_t>(whole("seed", 0)),
          .json = path("json"),
          .quiet = on("quiet")};
}

}  // namespace ligase_cli

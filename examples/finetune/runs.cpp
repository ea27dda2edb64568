#include <finetune/runs.hpp>

#include <ligase/core/random.hpp>
#include <ligase/data/csv.hpp>
#include <ligase/io/file.hpp>

#include <sys/file.h>
#include <unistd.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Error;
using ligase::ErrorKind;
using ligase::Index;

struct NumberColumn {
  const char* name;
  double RunRecord::*value;
};
constexpr NumberColumn metric_columns[] = {{"accuracy", &RunRecord::accuracy}, {"mcc", &RunRecord::mcc},
                                           {"f1", &RunRecord::f1},             {"precision", &RunRecord::precision},
                                           {"recall", &RunRecord::recall},     {"auroc", &RunRecord::auroc},
                                           {"auprc", &RunRecord::auprc}};
constexpr NumberColumn extra_columns[] = {
    {"accuracy_low", &RunRecord::accuracy_low},     {"accuracy_high", &RunRecord::accuracy_high},
    {"mcc_low", &RunRecord::mcc_low},               {"mcc_high", &RunRecord::mcc_high},
    {"f1_low", &RunRecord::f1_low},                 {"f1_high", &RunRecord::f1_high},
    {"auroc_low", &RunRecord::auroc_low},           {"auroc_high", &RunRecord::auroc_high},
    {"mcc_batch_mean", &RunRecord::mcc_batch_mean}, {"f1_batch_mean", &RunRecord::f1_batch_mean},
    {"seconds", &RunRecord::seconds}};

std::string number_text(double x) {
  if (std::isnan(x)) return "nan";
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, x).ptr;
  return {digits, end};
}

template <class T>
bool read_whole(std::string_view text, T& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc{} && end == text.data() + text.size();
}

/// Rows of a text without a half-written last line.
class RunsReader {
 public:
  explicit RunsReader(std::string file) : file_(std::move(file)) {}

  std::vector<RunRecord> read(std::string_view text) {
    ligase::CsvReader reader(file_);
    const auto row = [&](const ligase::CsvRow& r) {
      if (columns_.empty())
        read_header(r);
      else
        read_row(r);
    };
    reader.feed(text, row);
    reader.finish(row);
    return std::move(records_);
  }

 private:
  void read_header(const ligase::CsvRow& row) {
    for (std::size_t i = 0; i < row.fields.size(); ++i)
      if (!columns_.emplace(row.fields[i], i).second)
        refuse(row, "column '" + std::string(row.fields[i]) + "' stands twice", "one column of each name", "two");
    const auto need = [&](const std::string& name) {
      if (!columns_.contains(name)) refuse(row, "missing column '" + name + "'", runs_header(), "another header");
    };
    for (const char* name : {"task", "model", "tokenizer", "protocol", "seed", "hyperparameters", "epochs", "status"})
      need(name);
    for (const NumberColumn& column : metric_columns) need(column.name);
  }

  void read_row(const ligase::CsvRow& row) {
    const auto field = [&](const std::string& name) { return row.fields[columns_.at(name)]; };
    RunRecord record;
    record.run.task = field("task");
    record.run.model = field("model");
    record.run.tokenizer = field("tokenizer");
    record.run.protocol = field("protocol");
    record.run.hyperparameters = field("hyperparameters");
    record.status = field("status");
    if (!read_whole(field("seed"), record.run.seed)) refuse(row, "bad seed", "a whole number", field("seed"));
    if (!read_whole(field("epochs"), record.epochs) || record.epochs < 0)
      refuse(row, "bad number of epochs", "a whole number", field("epochs"));
    if (record.status != "ok" && record.status != "diverged" && record.status != "failed")
      refuse(row, "bad status", "ok, diverged or failed", record.status);
    for (const NumberColumn& column : metric_columns) record.*column.value = real(row, column.name);
    for (const NumberColumn& column : extra_columns)
      if (columns_.contains(column.name)) record.*column.value = real(row, column.name);
    records_.push_back(std::move(record));
  }

  double real(const ligase::CsvRow& row, const std::string& name) const {
    const std::string_view text = row.fields[columns_.at(name)];
    double x = RunRecord::nan;
    if (text.empty() || text == "nan" || text == "null" || text == "NaN") return x;
    if (!read_whole(text, x)) refuse(row, "bad value of " + name, "a number or nan", text);
    return x;
  }

  [[noreturn]] void refuse(const ligase::CsvRow& row, std::string what, std::string expected,
                           std::string_view found) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = file_ + ":" + std::to_string(row.line),
                 .expected = std::move(expected),
                 .found = "'" + std::string(found) + "'"}};
  }

  std::string file_;
  std::map<std::string, std::size_t> columns_;
  std::vector<RunRecord> records_;
};

std::string_view whole_lines(std::string_view text) { return text.substr(0, text.rfind('\n') + 1); }

}  // namespace

std::string run_key(const RunIdentity& run) {
  std::string text;
  // Lengths keep two different runs from one text.
  for (const std::string& part :
       {run.task, run.model, run.tokenizer, run.protocol, std::to_string(run.seed), run.hyperparameters})
    text += std::to_string(part.size()) + ":" + part;
  std::uint64_t h = ligase::splitmix64(ligase::hash_name(text));
  std::string key(16, '0');
  for (char& digit : key) {
    digit = "0123456789abcdef"[h >> 60U];
    h <<= 4U;
  }
  return key;
}

std::string runs_header() {
  std::string line = "task,model,tokenizer,protocol,seed,hyperparameters";
  for (const NumberColumn& column : metric_columns) line += std::string(",") + column.name;
  line += ",epochs,status";
  for (const NumberColumn& column : extra_columns) line += std::string(",") + column.name;
  return line;
}

std::string runs_line(const RunRecord& record) {
  const RunIdentity& run = record.run;
  std::string line;
  for (const std::string& text :
       {run.task, run.model, run.tokenizer, run.protocol, std::to_string(run.seed), run.hyperparameters}) {
    // A line end inside a field could not be told from a line that was cut short.
    if (text.find_first_of("\r\n") != text.npos)
      throw Error{{.kind = ErrorKind::usage, .what = "line end in a field of runs.csv", .where = run.task}};
    line += (line.empty() ? "" : ",") + ligase::csv_field(text);
  }
  for (const NumberColumn& column : metric_columns) line += "," + number_text(record.*column.value);
  line += "," + std::to_string(record.epochs) + "," + ligase::csv_field(record.status);
  for (const NumberColumn& column : extra_columns) line += "," + number_text(record.*column.value);
  return line;
}

std::vector<RunRecord> read_runs(const std::filesystem::path& file) {
  const std::string text = ligase::read_file(file);
  return RunsReader(file.string()).read(whole_lines(text));
}

void append_run(const std::filesystem::path& file, const RunRecord& record) {
  const std::string line = runs_line(record) + "\n";
  const ligase::detail::Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  const auto fail = [&](const char* what) { ligase::detail::throw_errno(ErrorKind::io, what, file, errno); };
  if (fd.get() < 0) fail("cannot open the file");
  // Waits for other writers. Some network file systems know no locks; O_APPEND is as much as there is then.
  while (::flock(fd.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  const std::string before = ligase::read_file(file);
  const std::string_view whole = whole_lines(before);
  std::string_view header = whole.substr(0, whole.find('\n'));
  if (header.ends_with('\r')) header.remove_suffix(1);
  if (!whole.empty() && header != runs_header())
    throw Error{{.kind = ErrorKind::input,
                 .what = "another header",
                 .where = file.string() + ":1",
                 .expected = runs_header(),
                 .found = "'" + std::string(header.substr(0, 200)) + "'"}};
  if (whole.empty() && !runs_header().starts_with(before))
    throw Error{{.kind = ErrorKind::input,
                 .what = "not a runs.csv",
                 .where = file.string(),
                 .expected = runs_header(),
                 .found = "other text"}};
  if (whole.size() != before.size() && ::ftruncate(fd.get(), static_cast<off_t>(whole.size())) != 0)
    fail("cannot cut a half-written line");
  const std::string text = whole.empty() ? runs_header() + "\n" + line : line;
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    const int code = written < 0 ? errno : ENOSPC;
    if (::ftruncate(fd.get(), static_cast<off_t>(whole.size())) != 0) fail("cannot undo a half-written line");
    ligase::detail::throw_errno(ErrorKind::io, "cannot write the file", file, code);
  }
  if (::fsync(fd.get()) != 0) fail("cannot sync the file");
  if (before.empty()) ligase::sync_folder(file.parent_path());
}

}  // namespace ligase_cli

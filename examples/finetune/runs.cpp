#include <finetune/runs.hpp>

#include <ligase/core/random.hpp>
#include <ligase/data/csv.hpp>
#include <ligase/io/file.hpp>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <iterator>
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

constexpr const char* text_columns[] = {"task", "model", "tokenizer", "protocol", "seed", "hyperparameters"};

[[noreturn]] void refuse(const std::string& where, std::string what, std::string expected, std::string_view found) {
  throw Error{{.kind = ErrorKind::input,
               .what = std::move(what),
               .where = where,
               .expected = std::move(expected),
               .found = "'" + std::string(found.substr(0, 200)) + "'"}};
}

std::string joined(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) line += ligase::csv_field(field) + ",";
  line.pop_back();
  return line;
}

/// Rows of a text without a half-written last line.
class RunsReader {
 public:
  explicit RunsReader(std::string file) : file_(std::move(file)) {}

  std::vector<RunRecord> read(std::string_view text) {
    ligase::CsvReader reader(file_);
    const auto row = [&](const ligase::CsvRow& r) {
      if (header_.empty())
        read_header(r);
      else
        read_row(r);
    };
    reader.feed(text, row);
    reader.finish(row);
    return std::move(records_);
  }

  /// The names of the first row, which alone is read; none where there is no row.
  std::vector<std::string> read_columns(std::string_view text) {
    ligase::CsvReader reader(file_);
    while (header_.empty() && !text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
      reader.feed(text.substr(0, end), [&](const ligase::CsvRow& r) { read_header(r); });
      text.remove_prefix(end);
    }
    return std::move(header_);
  }

 private:
  void read_header(const ligase::CsvRow& row) {
    header_.assign(row.fields.begin(), row.fields.end());
    for (std::size_t i = 0; i < header_.size(); ++i)
      if (!columns_.emplace(header_[i], i).second)
        refuse(place(row), "column '" + header_[i] + "' stands twice", "one column of each name", joined(header_));
    const auto need = [&](const std::string& name) {
      if (!columns_.contains(name)) refuse(place(row), "missing column '" + name + "'", runs_header(), joined(header_));
    };
    for (const char* name : text_columns) need(name);
    for (const char* name : {"epochs", "status"}) need(name);
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
    if (!read_whole(field("seed"), record.run.seed)) refuse(place(row), "bad seed", "a whole number", field("seed"));
    if (!read_whole(field("epochs"), record.epochs) || record.epochs < 0)
      refuse(place(row), "bad number of epochs", "a whole number", field("epochs"));
    if (record.status != "ok" && record.status != "diverged" && record.status != "failed")
      refuse(place(row), "bad status", "ok, diverged or failed", record.status);
    for (const NumberColumn& column : metric_columns) record.*column.value = real(row, column.name);
    for (const NumberColumn& column : extra_columns)
      if (columns_.contains(column.name)) record.*column.value = real(row, column.name);
    records_.push_back(std::move(record));
  }

  double real(const ligase::CsvRow& row, const std::string& name) const {
    const std::string_view text = row.fields[columns_.at(name)];
    double x = RunRecord::nan;
    if (text.empty() || text == "nan" || text == "null" || text == "NaN") return x;
    if (!read_whole(text, x)) refuse(place(row), "bad value of " + name, "a number or nan", text);
    return x;
  }

  std::string place(const ligase::CsvRow& row) const { return file_ + ":" + std::to_string(row.line); }

  std::string file_;
  std::vector<std::string> header_;
  std::map<std::string, std::size_t> columns_;
  std::vector<RunRecord> records_;
};

/// The text without a line that a kill cut short. Text that never was a runs.csv may not be cut.
std::string_view whole_lines(const std::filesystem::path& file, std::string_view text) {
  const std::string_view whole = text.substr(0, text.rfind('\n') + 1);
  const std::string header = runs_header();
  if (whole.empty() && !header.starts_with(text)) refuse(file.string(), "not a runs.csv", header, text);
  return whole;
}

/// Opens the file, which is made where it is missing, under a lock. Some network file systems know no locks; O_APPEND is as
/// much as there is then.
ligase::detail::Descriptor open_locked(const std::filesystem::path& file) {
  for (;;) {
    ligase::detail::Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (fd.get() < 0) ligase::detail::throw_errno(ErrorKind::io, "cannot open the file", file, errno);
    while (::flock(fd.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    // Another writer that finds the disk full takes its new file away again.
    struct stat opened = {}, named = {};
    if (::fstat(fd.get(), &opened) == 0 && ::stat(file.c_str(), &named) == 0 && opened.st_ino == named.st_ino)
      return fd;
  }
}

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

const std::vector<std::string>& run_columns() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list(std::begin(text_columns), std::end(text_columns));
    for (const NumberColumn& column : metric_columns) list.emplace_back(column.name);
    list.insert(list.end(), {"epochs", "status"});
    for (const NumberColumn& column : extra_columns) list.emplace_back(column.name);
    return list;
  }();
  return names;
}

std::string runs_header() { return joined(run_columns()); }

std::string runs_line(const RunRecord& record, const std::vector<std::string>& columns) {
  const RunIdentity& run = record.run;
  std::map<std::string, std::string> texts{{"task", run.task},
                                           {"model", run.model},
                                           {"tokenizer", run.tokenizer},
                                           {"protocol", run.protocol},
                                           {"seed", std::to_string(run.seed)},
                                           {"hyperparameters", run.hyperparameters},
                                           {"epochs", std::to_string(record.epochs)},
                                           {"status", record.status}};
  for (const NumberColumn& column : metric_columns) texts[column.name] = number_text(record.*column.value);
  for (const NumberColumn& column : extra_columns) texts[column.name] = number_text(record.*column.value);
  std::vector<std::string> fields;
  for (const std::string& column : columns) {
    // A line end inside a field could not be told from a line that was cut short.
    if (texts[column].find_first_of("\r\n") != std::string::npos)
      throw Error{{.kind = ErrorKind::usage, .what = "line end in a field of runs.csv", .where = run.task}};
    fields.push_back(texts[column]);
  }
  return joined(fields);
}

std::vector<RunRecord> read_runs(const std::filesystem::path& file) {
  const std::string text = ligase::read_file(file);
  return RunsReader(file.string()).read(whole_lines(file, text));
}

std::vector<RunRecord> runs_to_continue(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  std::vector<RunRecord> records = read_runs(file);
  if (::access(file.c_str(), W_OK) != 0)
    ligase::detail::throw_errno(ErrorKind::input, "cannot be appended to", file, errno);
  return records;
}

void append_run(const std::filesystem::path& file, const RunRecord& record) {
  const ligase::detail::Descriptor fd = open_locked(file);
  const auto fail = [&](const char* what) { ligase::detail::throw_errno(ErrorKind::io, what, file, errno); };
  const std::string before = ligase::read_file(file);
  const std::string_view whole = whole_lines(file, before);
  const std::vector<std::string> columns = RunsReader(file.string()).read_columns(whole);
  const std::string text =
      columns.empty() ? runs_header() + "\n" + runs_line(record) + "\n" : runs_line(record, columns) + "\n";
  if (whole.size() != before.size() && ::ftruncate(fd.get(), static_cast<off_t>(whole.size())) != 0)
    fail("cannot cut a half-written line");
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    const int code = written < 0 ? errno : ENOSPC;
    if (::ftruncate(fd.get(), static_cast<off_t>(whole.size())) != 0) fail("cannot undo a half-written line");
    if (whole.empty()) ::unlink(file.c_str());
    ligase::detail::throw_errno(ErrorKind::io, "cannot write the file", file, code);
  }
  if (::fsync(fd.get()) != 0) fail("cannot sync the file");
  if (before.empty()) ligase::sync_folder(file.parent_path());
}

}  // namespace ligase_cli

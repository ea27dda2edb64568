#pragma once

#include <ligase/core/error.hpp>
#include <ligase/data/csv.hpp>
#include <ligase/data/task_rows.hpp>
#include <ligase/genome/fasta_scan.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// The content of a plain or gzip file to sink, piece by piece; a file that is missing, no file, or empty is an error of
/// kind input.
template <class Sink>
void read_text_pieces(const std::filesystem::path& path, Sink&& sink) {
  bool any = false;
  read_decompressed(path, [&](std::string_view piece) {
    any = any || !piece.empty();
    sink(piece);
  });
  if (!any) throw Error{{.kind = ErrorKind::input, .what = "the file is empty", .where = path.string()}};
}

/// Calls sink(row) for the rows of a CSV file, header included.
template <class Sink>
void read_csv(const std::filesystem::path& path, Sink&& sink) {
  CsvReader reader(path.string());
  read_text_pieces(path, [&](std::string_view piece) { reader.feed(piece, sink); });
  reader.finish(sink);
}

/// Where the columns of a task's CSV are.
struct TaskColumns {
  std::size_t sequence = 0, label = 0;
  std::optional<std::size_t> task;

  TaskColumns() = default;
  TaskColumns(const CsvRow& header, const std::string& file) {
    sequence = *find(header, "sequence", file, true);
    label = *find(header, "label", file, true);
    task = find(header, "task", file, false);
  }

 private:
  static std::optional<std::size_t> find(const CsvRow& header, std::string_view name, const std::string& file,
                                         bool needed) {
    const auto& fields = header.fields;
    const auto found = std::find(fields.begin(), fields.end(), name);
    const RowPlace place{&file, header.line};
    if (found == fields.end()) {
      std::string line;
      for (const std::string_view field : fields) (line += line.empty() ? "" : ",") += field;
      if (needed)
        refuse_row(place, "missing column '" + std::string(name) + "'", "a header with the columns sequence and label",
                   show_text(line));
      return std::nullopt;
    }
    if (std::find(found + 1, fields.end(), name) != fields.end())
      refuse_row(place, "two columns '" + std::string(name) + "'", "one", "two");
    return static_cast<std::size_t>(found - fields.begin());
  }
};

/// The values of the column `task` of a CSV file, where it has that column and more than one value there; else nothing.
/// Nothing as well where the file is broken: reading the task says how, if it is asked for.
inline std::set<std::string> tasks_in_csv(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::optional<TaskColumns> columns;
  std::set<std::string> values;
  const auto row = [&](const CsvRow& r) {
    if (!columns)
      columns = TaskColumns(r, file);
    else if (columns->task && !values.contains(std::string(r.fields[*columns->task])))
      values.emplace(r.fields[*columns->task]);
  };
  CsvReader reader(file);
  struct Stop {};
  try {
    read_text_pieces(path, [&](std::string_view piece) {
      reader.feed(piece, row);
      if (columns && !columns->task) throw Stop{};
    });
    reader.finish(row);
  } catch (const Stop&) {
    // Most tables have no such column: their first piece tells.
  } catch (const Error&) {
    values.clear();
  }
  if (values.size() < 2) values.clear();
  return values;
}

/// Rows of a CSV with the columns `sequence` and `label` (others are not looked at); of those only the ones whose column
/// `task` is `value`, where that is not empty.
inline void read_csv_split(const std::filesystem::path& path, const std::string& value, SplitBuilder& split) {
  std::optional<TaskColumns> columns;
  read_csv(path, [&](const CsvRow& row) {
    if (!columns) {
      columns = TaskColumns(row, split.file());
      if (!value.empty() && !columns->task)
        refuse_row({&split.file(), row.line}, "missing column 'task'", "the column that train has", "none");
    } else if (value.empty() || row.fields[*columns->task] == value) {
      split.add(row.fields[columns->sequence], row.fields[columns->label], row.line);
    }
  });
}

/// Records '>name|label' of a FASTA file, the form of InstaDeepAI/nucleotide_transformer_downstream_tasks (its loader
/// takes the label from behind the last '|'). Names may stand twice, lines may have any width.
class LabelledFasta {
 public:
  explicit LabelledFasta(SplitBuilder& split) : split_(split) {}

  void feed(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t end = piece.find('\n');
      line_.append(piece.substr(0, end));
      if (end == std::string_view::npos) return;
      finish_line();
      piece.remove_prefix(end + 1);
    }
  }
  void finish() {
    if (!line_.empty()) finish_line();
    if (header_line_ > 0) finish_record();
  }

 private:
  void finish_line() {
    ++lines_;
    std::string_view text = line_;
    text.remove_suffix(text.size() - (text.find_last_not_of(" \t\r") + 1));
    if (text.starts_with('>')) {
      if (header_line_ > 0) finish_record();
      const std::size_t bar = text.rfind('|');
      header_line_ = lines_;
      if (bar == std::string_view::npos)
        refuse_row({&split_.file(), lines_}, "FASTA header without label", "'>name|label'", show_text(text));
      label_ = text.substr(bar + 1);
    } else if (header_line_ > 0) {
      sequence_.append(text);
    } else if (!text.empty()) {
      refuse_row({&split_.file(), lines_}, "FASTA without header", "'>name|label'", show_text(text));
    }
    line_.clear();
  }
  void finish_record() {
    split_.add(sequence_, label_, header_line_);
    sequence_.clear();
  }

  SplitBuilder& split_;
  std::string line_, sequence_, label_;
  Index lines_ = 0, header_line_ = 0;
};

/// One split from a table file: FASTA by its name (.fna, .fa, .fasta), else CSV.
inline SplitBuilder read_table_split(const std::filesystem::path& path, const std::string& value) {
  SplitBuilder split(path.string());
  std::filesystem::path name = path.filename();
  if (name.extension() == ".gz") name = name.stem();
  if (name.extension() == ".csv") {
    read_csv_split(path, value, split);
  } else {
    LabelledFasta records(split);
    read_text_pieces(path, [&](std::string_view piece) { records.feed(piece); });
    records.finish();
  }
  if (split.empty())
    throw Error{{.kind = ErrorKind::input,
                 .what = value.empty() ? "no rows" : "no rows of the task '" + value + "'",
                 .where = path.string(),
                 .expected = "at least one labelled sequence"}};
  return split;
}

}  // namespace ligase::inline LIGASE_ISA::detail

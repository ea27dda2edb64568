#pragma once

#include <ligase/core/error.hpp>
#include <ligase/data/task.hpp>
#include <ligase/data/task_rows.hpp>
#include <ligase/genome/fasta_scan.hpp>
#include <ligase/genome/tar.hpp>
#include <ligase/io/file.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Folders and files that belong to nobody's data: `.git`, `._name` of macOS archives.
inline bool is_hidden(const std::filesystem::path& name) { return name.string().starts_with('.'); }

inline bool is_sequence_file(const std::string& name, bool in_archive) {
  return !is_hidden(name) && (name.ends_with(".txt") || (!in_archive && name.ends_with(".txt.gz")));
}

/// One sequence of a GenomicBenchmarks folder. Letters are empty until the file is read.
struct FolderRow {
  std::string class_name, file;
  std::string where;  ///< for messages
  std::string text;
};

/// Rows of {train,test,dev}, still unsorted.
using FolderRows = std::map<std::string, std::vector<FolderRow>>;

/// Classes are the class folders of train, sorted by name (byte order); rows are sorted by class, then by file name. So
/// neither the order of a listing nor that of an archive matters; the originals number the classes in listing order.
/// `read` fetches the text of a row. White space around a sequence is cut off.
template <class Read>
Task task_of_folders(const std::string& where, FolderRows rows, Read&& read) {
  Task task;
  for (const FolderRow& row : rows["train"]) task.classes.push_back(row.class_name);
  std::sort(task.classes.begin(), task.classes.end());
  task.classes.erase(std::unique(task.classes.begin(), task.classes.end()), task.classes.end());
  if (task.classes.size() < 2)
    throw Error{{.kind = ErrorKind::input,
                 .what = "training set with fewer than two classes",
                 .where = where,
                 .expected = "at least two folders train/<class> with .txt files",
                 .found = std::to_string(task.classes.size())}};
  for (auto& [split_name, split_rows] : rows) {
    std::sort(split_rows.begin(), split_rows.end(), [](const FolderRow& a, const FolderRow& b) {
      return std::tie(a.class_name, a.file) < std::tie(b.class_name, b.file);
    });
    TaskSplit split;
    split.rows.reserve(split_rows.size());
    const FolderRow* before = nullptr;
    for (FolderRow& row : split_rows) {
      const RowPlace place{&row.where, 0};
      if (before != nullptr && before->class_name == row.class_name && before->file == row.file)
        refuse_row(place, "the same file stands twice in the archive", "different files", "two of one name");
      before = &row;
      const auto found = std::lower_bound(task.classes.begin(), task.classes.end(), row.class_name);
      if (found == task.classes.end() || *found != row.class_name)
        refuse_row(place, "the class '" + row.class_name + "' is missing in train",
                   "the classes of train, " + task.classes.front() + " to " + task.classes.back(), row.class_name);
      const std::string content = read(row);
      std::string_view text = content;
      text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
      text.remove_suffix(text.size() - (text.find_last_not_of(" \t\r\n") + 1));
      split.rows.push_back({checked_letters(text, place), found - task.classes.begin()});
    }
    if (split_name == "train") task.train = std::move(split);
    else if (split_name == "test") task.test = std::move(split);
    else task.dev = std::move(split);
  }
  return task;
}

/// The class folders below `folder` (itself train, test or dev) with their sequence files. A class folder without one is
/// an error.
inline std::vector<FolderRow> list_class_folders(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<FolderRow> rows;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory() || is_hidden(entry.path().filename())) continue;
    const std::size_t before = rows.size();
    for (const fs::directory_entry& file : fs::directory_iterator(entry.path()))
      if (const std::string name = file.path().filename().string(); is_sequence_file(name, false))
        rows.push_back({entry.path().filename().string(), name, file.path().string(), {}});
    if (rows.size() == before)
      throw Error{{.kind = ErrorKind::input,
                   .what = "class without sequences",
                   .where = entry.path().string(),
                   .expected = "at least one .txt file"}};
  }
  return rows;
}

/// True where the folder has a class folder with a sequence file in it.
inline bool holds_class_folders(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory() || is_hidden(entry.path().filename())) continue;
    for (const fs::directory_entry& file : fs::directory_iterator(entry.path()))
      if (is_sequence_file(file.path().filename().string(), false)) return true;
  }
  return false;
}

inline std::string read_sequence_file(const FolderRow& row) {
  if (!row.where.ends_with(".gz")) return read_file(row.where);
  std::string text;
  read_decompressed(row.where, [&](std::string_view piece) { text.append(piece); });
  return text;
}

inline bool is_split_name(const std::string& name) { return name == "train" || name == "test" || name == "dev"; }

/// True for task.../{train,test,dev}/class/name.txt.
inline bool is_archived_row(const std::vector<std::string>& path) {
  const std::size_t n = path.size();
  return n >= 3 && is_split_name(path[n - 3]) && !is_hidden(path[n - 2]) && is_sequence_file(path[n - 1], true);
}

/// The tasks of an archive: path inside the archive to the splits that it has. One pass; contents are not kept.
inline std::map<std::vector<std::string>, std::vector<std::string>> list_archive(const std::filesystem::path& archive) {
  std::map<std::vector<std::string>, std::vector<std::string>> tasks;
  TarReader tar(archive.string());
  const auto look = [&](const std::vector<std::string>& path) {
    if (!is_archived_row(path)) return false;
    auto& splits = tasks[{path.begin(), path.end() - 3}];
    const std::string& split = path[path.size() - 3];
    if (std::find(splits.begin(), splits.end(), split) == splits.end()) splits.push_back(split);
    return false;
  };
  read_decompressed(archive, [&](std::string_view piece) {
    tar.feed(piece, look, [](const auto&, std::string_view) {});
  });
  tar.finish();
  return tasks;
}

/// One task of an archive.
inline Task read_archived_task(const std::filesystem::path& archive, const std::vector<std::string>& inside) {
  FolderRows rows;
  TarReader tar(archive.string());
  const auto wanted = [&](const std::vector<std::string>& path) {
    return is_archived_row(path) && path.size() == inside.size() + 3 &&
           std::equal(inside.begin(), inside.end(), path.begin());
  };
  const auto keep = [&](const std::vector<std::string>& path, std::string_view content) {
    const std::size_t n = path.size();
    std::string where = archive.string() + ": ";
    for (std::size_t i = 0; i < n; ++i) where += (i == 0 ? "" : "/") + path[i];
    rows[path[n - 3]].push_back({path[n - 2], path[n - 1], std::move(where), std::string(content)});
  };
  read_decompressed(archive, [&](std::string_view piece) { tar.feed(piece, wanted, keep); });
  tar.finish();
  return task_of_folders(archive.string(), std::move(rows), [](FolderRow& row) { return std::move(row.text); });
}

}  // namespace ligase::inline LIGASE_ISA::detail

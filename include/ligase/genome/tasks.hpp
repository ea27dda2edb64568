#pragma once

#include <ligase/core/error.hpp>
#include <ligase/data/task.hpp>
#include <ligase/data/task_rows.hpp>
#include <ligase/genome/task_files.hpp>
#include <ligase/genome/task_folders.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Where one task lies. A split that is not there has an empty path.
struct TaskPlace {
  std::string name;                        ///< the folder's path below the data folder
  std::filesystem::path train, test, dev;  ///< files, folders of class folders, or the archive
  bool archived = false;
  std::vector<std::string> inside;  ///< path of the task in the archive
  std::string value;                ///< rows of the tables with this text in the column `task`; empty: all

  std::filesystem::path& split(const std::string& split_name) {
    return split_name == "train" ? train : split_name == "test" ? test : dev;
  }
};

namespace detail {

/// The split that a table's file name stands for, as `train` for train.csv.gz; empty where it stands for none.
inline std::string split_of_table(std::filesystem::path name) {
  if (name.extension() == ".gz") name = name.stem();
  const std::string ending = name.extension().string(), stem = name.stem().string();
  const bool table = ending == ".csv" || ending == ".fna" || ending == ".fa" || ending == ".fasta";
  return table && is_split_name(stem) ? stem : "";
}

/// The name without .tar.gz, .tgz or .tar; empty where it is no archive's.
inline std::string archive_stem(const std::string& name) {
  for (const char* ending : {".tar.gz", ".tgz", ".tar"})
    if (name.ends_with(ending)) return name.substr(0, name.size() - std::string(ending).size());
  return "";
}

inline std::string join_name(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

/// Walks a data folder.
class TaskFinder {
 public:
  explicit TaskFinder(std::filesystem::path root) : root_(std::move(root)) {}

  std::vector<TaskPlace> find() {
    namespace fs = std::filesystem;
    std::error_code failed;
    const fs::file_status status = fs::status(root_, failed);
    if (!fs::exists(status))
      throw Error{{.kind = ErrorKind::input, .what = "the data folder does not exist", .where = root_.string()}};
    if (fs::is_directory(status)) {
      walk(root_, "", 0);
    } else if (!archive_stem(root_.filename().string()).empty()) {
      archives_.push_back({root_, ""});
    } else {
      throw Error{{.kind = ErrorKind::input,
                   .what = "not a data folder",
                   .where = root_.string(),
                   .expected = "a folder, or an archive .tar.gz of GenomicBenchmarks folders",
                   .found = "a file"}};
    }
    add_archives();
    std::vector<TaskPlace> places;
    for (auto& [name, place] : places_) places.push_back(std::move(place));
    if (places.empty())
      throw Error{{.kind = ErrorKind::input,
                   .what = "no task found",
                   .where = root_.string(),
                   .expected = "folders with train.csv and test.csv, train.fna and test.fna, or "
                               "{train,test}/<class>/*.txt (.gz and .tar.gz as well)"}};
    return places;
  }

 private:
  static constexpr int deepest = 16;

  void walk(const std::filesystem::path& folder, const std::string& name, int depth) {
    namespace fs = std::filesystem;
    std::error_code failed;
    if (!seen_.insert(fs::canonical(folder, failed)).second || depth > deepest) return;
    std::vector<fs::path> entries;
    fs::directory_iterator listing(folder, failed);
    if (failed)
      throw Error{{.kind = ErrorKind::input,
                   .what = "cannot list the folder",
                   .where = folder.string(),
                   .found = failed.message()}};
    for (const fs::directory_entry& entry : listing)
      if (!is_hidden(entry.path().filename())) entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());

    TaskPlace place;
    // A folder that is itself the data folder has no path below it; its own name serves.
    place.name = name.empty() ? fs::canonical(folder, failed).filename().string() : name;
    for (const fs::path& entry : entries) {
      const std::string file = entry.filename().string();
      const bool is_folder = fs::is_directory(entry, failed);
      const bool classes = is_folder && is_split_name(file) && holds_class_folders(entry);
      const std::string split = classes ? file : is_folder ? "" : split_of_table(file);
      if (!split.empty()) {
        if (!place.split(split).empty())
          throw Error{{.kind = ErrorKind::input,
                       .what = "the split '" + split + "' is there twice",
                       .where = folder.string(),
                       .expected = "one file or folder for each split",
                       .found = place.split(split).filename().string() + " and " + file}};
        place.split(split) = entry;
      } else if (is_folder) {
        walk(entry, join_name(name, file), depth + 1);
      } else if (!archive_stem(file).empty()) {
        archives_.push_back({entry, name});
      }
    }
    if (!place.train.empty() || !place.test.empty() || !place.dev.empty()) add(std::move(place), name);
  }

  void add(TaskPlace place, const std::string& folder) {
    std::filesystem::path name = place.train.filename();
    if (name.extension() == ".gz") name = name.stem();
    const auto values = name.extension() == ".csv" ? tasks_in_csv(place.train) : std::set<std::string>{};
    if (values.empty()) places_.emplace(place.name, std::move(place));
    for (const std::string& value : values) {
      TaskPlace part = place;
      part.value = value;
      part.name = join_name(folder, value);
      places_.emplace(part.name, std::move(part));
    }
  }

  /// An archive stands for what it would unpack beside itself. Where that is there already, the folders count.
  void add_archives() {
    std::map<std::string, std::filesystem::path> origin;
    for (const auto& [archive, folder] : archives_)
      for (const auto& [inside, splits] : list_archive(archive)) {
        TaskPlace place;
        place.archived = true;
        place.inside = inside;
        for (const std::string& part : inside) place.name = join_name(place.name, part);
        if (inside.empty()) place.name = archive_stem(archive.filename().string());
        place.name = join_name(folder, place.name);
        for (const std::string& split : splits) place.split(split) = archive;
        const auto [other, first] = origin.emplace(place.name, archive);
        if (!first)
          throw Error{{.kind = ErrorKind::input,
                       .what = "two archives hold the task '" + place.name + "'",
                       .where = archive.string(),
                       .expected = "one",
                       .found = other->second.string()}};
        places_.emplace(place.name, std::move(place));
      }
  }

  std::filesystem::path root_;
  std::set<std::filesystem::path> seen_;
  std::map<std::string, TaskPlace> places_;
  std::vector<std::pair<std::filesystem::path, std::string>> archives_;
};

}  // namespace detail

/// The tasks below a data folder, sorted by name; the layout is found out from the files:
///   FOLDER/{train,test,dev}.csv         columns sequence and label (GUE and others); with a column `task` of several
///                                       values, each of these is a task FOLDER/VALUE
///   FOLDER/{train,test,dev}.{fna,fa,fasta}  records '>name|label' (Nucleotide Transformer tasks)
///   FOLDER/{train,test}/`<class>`/*.txt   one sequence per file (GenomicBenchmarks), also as .tar.gz, .tgz or .tar
/// Tables and text files may be gzipped. A task's name is FOLDER's path below `data`; `data` may itself be a task (then
/// its own name counts) or an archive. Hidden files are not looked at, links are followed. Tasks without train are listed
/// too. Errors of kind input: nothing there, a split that stands twice, a damaged archive.
inline std::vector<TaskPlace> find_tasks(const std::filesystem::path& data) { return detail::TaskFinder(data).find(); }

/// Reads a task. Sequences come in upper case. Errors of kind input, each one sentence with file and line: no training or
/// no test set, missing column, broken row, byte that is no letter, empty sequence, label that is no number, class missing
/// in train, damaged or truncated compression. Linear; tables are streamed, only the sequences are kept.
inline Task read_task(const TaskPlace& place) {
  for (const auto& [path, split] : {std::pair(&place.train, "train"), std::pair(&place.test, "test")})
    if (path->empty())
      throw Error{{.kind = ErrorKind::input,
                   .what = std::string("task without ") + (path == &place.train ? "training" : "test") + " set",
                   .where = place.name,
                   .expected = std::string(split) + ".csv, " + split + ".fna or " + split +
                               "/<class>/*.txt (.gz as well) beside the other splits"}};
  Task task;
  if (place.archived) {
    task = detail::read_archived_task(place.train, place.inside);
  } else if (std::filesystem::is_directory(place.train) && std::filesystem::is_directory(place.test)) {
    detail::FolderRows rows;
    rows["train"] = detail::list_class_folders(place.train);
    rows["test"] = detail::list_class_folders(place.test);
    if (!place.dev.empty()) rows["dev"] = detail::list_class_folders(place.dev);
    task = detail::task_of_folders(place.train.parent_path().string(), std::move(rows), detail::read_sequence_file);
  } else {
    SplitBuilder train = detail::read_table_split(place.train, place.value);
    const Index classes = count_classes(train);
    for (Index label = 0; label < classes; ++label) task.classes.push_back(std::to_string(label));
    SplitBuilder test = detail::read_table_split(place.test, place.value);
    test.check_known(classes);
    task.train = train.take();
    task.test = test.take();
    if (!place.dev.empty()) {
      SplitBuilder dev = detail::read_table_split(place.dev, place.value);
      dev.check_known(classes);
      task.dev = dev.take();
    }
  }
  task.name = place.name;
  return task;
}

}  // namespace ligase::inline LIGASE_ISA

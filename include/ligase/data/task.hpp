#pragma once

#include <ligase/core/platform.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One row of a classification set.
struct LabelledSequence {
  std::string letters;  ///< as the file has them, upper case
  Index label = 0;      ///< index into Task::classes
};

/// Rows in the file's order.
struct TaskSplit {
  std::vector<LabelledSequence> rows;
};

/// One task of a benchmark suite. Every class occurs in train; no sequence is empty.
struct Task {
  std::string name;                  ///< the folder's path below the data folder, as `mouse/2`
  std::vector<std::string> classes;  ///< names, sorted; numeric labels are their own names, 0 .. classes - 1
  TaskSplit train, test;
  std::optional<TaskSplit> dev;      ///< where the set brings one (GUE)
};

}  // namespace ligase::inline LIGASE_ISA

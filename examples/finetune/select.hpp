#pragma once

#include <ligase/genome/tasks.hpp>

#include <string>
#include <vector>

namespace ligase_cli {

/// The named tasks, in the order of the names; `all` takes every task that has a training set and puts the names of the
/// others into left_out. An unknown name is an error of kind usage with the nearest one; so is a name that stands twice.
/// `where` says where the names come from.
std::vector<ligase::TaskPlace> select_tasks(const std::vector<ligase::TaskPlace>& places,
                                            const std::vector<std::string>& names, const std::string& where,
                                            std::vector<std::string>& left_out);

}  // namespace ligase_cli

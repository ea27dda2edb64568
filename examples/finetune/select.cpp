#include <finetune/select.hpp>

#include <common/arguments.hpp>

#include <algorithm>

namespace ligase_cli {

std::vector<ligase::TaskPlace> select_tasks(const std::vector<ligase::TaskPlace>& places,
                                            const std::vector<std::string>& names, const std::string& where,
                                            std::vector<std::string>& left_out) {
  std::vector<ligase::TaskPlace> chosen;
  left_out.clear();
  if (names == std::vector<std::string>{"all"}) {
    for (const ligase::TaskPlace& place : places)
      if (place.train.empty())
        left_out.push_back(place.name);
      else
        chosen.push_back(place);
    if (chosen.empty())
      throw ligase::Error{{.kind = ligase::ErrorKind::input,
                           .what = "no task with a training set",
                           .where = "--data",
                           .expected = "at least one train.csv, train.fna or train/<class>/*.txt",
                           .found = std::to_string(places.size()) + " tasks without"}};
    return chosen;
  }
  std::vector<std::string> known{"all"};
  for (const ligase::TaskPlace& place : places) known.push_back(place.name);
  for (const std::string& name : names) {
    const auto found =
        std::find_if(places.begin(), places.end(), [&](const ligase::TaskPlace& p) { return p.name == name; });
    std::string list;
    for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
    if (found == places.end())
      throw ligase::Error{
          {.kind = ligase::ErrorKind::usage,
           .what = name == "all" ? "'all' stands beside other tasks" : "unknown task" + did_you_mean(name, known),
           .where = where,
           .expected = "one of " + list,
           .found = "'" + name + "'"}};
    if (std::any_of(chosen.begin(), chosen.end(), [&](const ligase::TaskPlace& p) { return p.name == name; }))
      throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                           .what = "the same task is named twice",
                           .where = where,
                           .found = "'" + name + "'"}};
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace ligase_cli

#include <finetune/sweep.hpp>

#include <common/arguments.hpp>
#include <ligase/core/error.hpp>
#include <ligase/io/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Error;
using ligase::ErrorKind;
using ligase::Index;
using ligase::Json;

[[noreturn]] void refuse(const std::string& where, std::string what, std::string expected = {}, std::string found = {}) {
  throw Error{{.kind = ErrorKind::input,
               .what = std::move(what),
               .where = where,
               .expected = std::move(expected),
               .found = std::move(found)}};
}

void check_name(const std::string& name, const std::vector<std::string>& known, const std::string& kind,
                const std::string& where) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
  refuse(where, "unknown " + kind + " '" + name + "'" + did_you_mean(name, known), "one of " + list);
}

template <class T>
void check_list(const std::vector<T>& items, const std::string& where) {
  if (items.empty()) refuse(where, "empty list", "at least one item");
  if (std::set<T>(items.begin(), items.end()).size() != items.size()) refuse(where, "the same item stands twice");
}

std::vector<std::string> words(const Json& object, const std::string& field, const std::string& where) {
  auto items = ligase::require<std::vector<std::string>>(object, field, where);
  check_list(items, where + ": field \"" + field + "\"");
  for (const std::string& item : items)
    if (item.empty() || item.find_first_of("\r\n") != item.npos)
      refuse(where + ": field \"" + field + "\"", "empty name or line end in a name");
  return items;
}

using Grid = std::map<std::string, std::vector<std::string>>;

/// Lays the field `hyperparameters` of `object` over `grid`.
void read_grid(const Json& object, const SweepNames& names, const std::string& where, Grid& grid) {
  const auto found = object.find("hyperparameters");
  if (found == object.end()) return;
  const std::string field = where + ": field \"hyperparameters\"";
  if (!found->is_object()) refuse(field, "wrong type", "an object");
  for (auto item = found->begin(); item != found->end(); ++item) {
    const std::string place = field + ", \"" + item.key() + "\"";
    check_name(item.key(), names.hyperparameters, "hyperparameter", field);
    std::vector<std::string> values;
    const auto add = [&](const Json& value) {
      if (!value.is_number() && !value.is_string() && !value.is_boolean())
        refuse(place, "wrong type", "a number, a string, true or false, or an array of these", value.type_name());
      values.push_back(ligase::dump_json(value, -1));
    };
    if (item.value().is_array())
      for (const Json& value : item.value()) add(value);
    else
      add(item.value());
    check_list(values, place);
    grid[item.key()] = std::move(values);
  }
}

void check_fields(const Json& object, const std::vector<std::string>& known, const std::string& where) {
  if (!object.is_object()) refuse(where, "wrong type", "an object", object.type_name());
  for (auto item = object.begin(); item != object.end(); ++item) check_name(item.key(), known, "field", where);
}

}  // namespace

Sweep read_sweep(const std::filesystem::path& file, const SweepNames& names) {
  const std::string where = file.string();
  const Json json = ligase::parse_json_file(file);
  check_fields(json, {"tasks", "models", "tokenizers", "hyperparameters", "seeds", "protocol"}, where);
  Sweep sweep;
  if (const auto tasks = json.find("tasks"); tasks != json.end() && tasks->is_string() && *tasks == "all")
    sweep.tasks = {"all"};
  else
    sweep.tasks = words(json, "tasks", where);
  if (sweep.tasks.size() > 1 && std::find(sweep.tasks.begin(), sweep.tasks.end(), "all") != sweep.tasks.end())
    refuse(where + ": field \"tasks\"", "'all' stands beside other tasks", "all, or names");
  sweep.seeds = ligase::require<std::vector<std::uint64_t>>(json, "seeds", where);
  check_list(sweep.seeds, where + ": field \"seeds\"");
  sweep.protocol = ligase::field_or<std::string>(json, "protocol", "strict", where);
  check_name(sweep.protocol, {"original", "strict"}, "protocol", where);
  const std::vector<std::string> tokenizers =
      json.contains("tokenizers") ? words(json, "tokenizers", where) : std::vector<std::string>{"char"};
  Grid common;
  read_grid(json, names, where, common);

  const auto models = json.find("models");
  if (models == json.end() || !models->is_array() || models->empty())
    refuse(where + ": field \"models\"", "missing or empty", "an array of names or objects with a name");
  for (std::size_t i = 0; i < models->size(); ++i) {
    const Json& entry = (*models)[i];
    const std::string place = where + ": models[" + std::to_string(i) + "]";
    SweepModel model{.name = {}, .checkpoint = {}, .tokenizers = tokenizers, .grid = common};
    if (entry.is_string()) {
      model.name = entry.get<std::string>();
    } else {
      check_fields(entry, {"name", "checkpoint", "tokenizers", "hyperparameters"}, place);
      model.name = ligase::require<std::string>(entry, "name", place);
      model.checkpoint = ligase::field_or<std::string>(entry, "checkpoint", "", place);
      if (entry.contains("tokenizers")) model.tokenizers = words(entry, "tokenizers", place);
      read_grid(entry, names, place, model.grid);
    }
    check_name(model.name, names.models, "model", place);
    sweep.models.push_back(std::move(model));
  }
  return sweep;
}

std::vector<SweepRun> expand_sweep(const Sweep& sweep, const std::vector<std::string>& all_tasks) {
  constexpr std::size_t most = 1'000'000;
  const std::vector<std::string>& tasks = sweep.tasks == std::vector<std::string>{"all"} ? all_tasks : sweep.tasks;
  std::vector<SweepRun> runs;
  std::set<std::string> keys;
  const auto add = [&](const std::string& task, const SweepModel& model, const std::string& tokenizer,
                       const std::string& hyperparameters, std::uint64_t seed) {
    SweepRun run{{task, model.name, tokenizer, sweep.protocol, seed, hyperparameters}, model.checkpoint};
    if (!keys.insert(run_key(run.run)).second)
      refuse("sweep", "a run stands twice in the grid", "different runs",
             task + ", " + model.name + ", " + tokenizer + ", " + hyperparameters + ", seed " + std::to_string(seed));
    if (runs.size() == most) refuse("sweep", "grid is too large", "at most " + std::to_string(most) + " runs");
    runs.push_back(std::move(run));
  };
  for (const std::string& task : tasks)
    for (const SweepModel& model : sweep.models)
      for (const std::string& tokenizer : model.tokenizers) {
        // Digits of a number with mixed bases, the last hyperparameter the lowest.
        std::map<std::string, std::size_t> digit;
        for (bool more = true; more;) {
          Json chosen = Json::object();
          for (const auto& [name, values] : model.grid)
            chosen[name] = ligase::parse_json(values[digit[name]], "sweep");
          if (!model.checkpoint.empty()) chosen["checkpoint"] = model.checkpoint;
          const std::string text = ligase::dump_json(chosen, -1);
          for (const std::uint64_t seed : sweep.seeds) add(task, model, tokenizer, text, seed);
          more = false;
          for (auto it = model.grid.rbegin(); it != model.grid.rend() && !more; ++it) {
            more = ++digit[it->first] < it->second.size();
            if (!more) digit[it->first] = 0;
          }
        }
      }
  return runs;
}

std::vector<SweepRun> pending_runs(const std::vector<SweepRun>& runs, const std::vector<RunRecord>& records) {
  std::set<std::string> done;
  for (const RunRecord& record : records)
    if (record.status != "failed") done.insert(run_key(record.run));
  std::vector<SweepRun> pending;
  for (const SweepRun& run : runs)
    if (!done.contains(run_key(run.run))) pending.push_back(run);
  return pending;
}

Shard read_shard(const std::string& flag, const std::string& text) {
  Shard shard;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto number = [&](std::size_t begin, std::size_t end, Index& x) {
    const auto [stop, code] = std::from_chars(text.data() + begin, text.data() + end, x);
    return code == std::errc{} && stop == text.data() + end;
  };
  if (slash == text.size() || !number(0, slash, shard.part) || !number(slash + 1, text.size(), shard.parts) ||
      shard.part < 0 || shard.part >= shard.parts)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "bad part of a sweep",
                 .where = flag,
                 .expected = "PART/PARTS with 0 <= PART < PARTS, as 0/8",
                 .found = "'" + text + "'"}};
  return shard;
}

std::vector<SweepRun> take_shard(const std::vector<SweepRun>& runs, Shard shard) {
  std::vector<SweepRun> mine;
  for (auto i = static_cast<std::size_t>(shard.part); i < runs.size(); i += static_cast<std::size_t>(shard.parts))
    mine.push_back(runs[i]);
  return mine;
}

}  // namespace ligase_cli

#include <finetune/slurm.hpp>

#include <ligase/core/error.hpp>

#include <string_view>
#include <utility>

namespace ligase_cli {
namespace {

[[noreturn]] void refuse(const std::string& what, std::string expected, std::string found) {
  throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                       .what = what,
                       .where = "Slurm script",
                       .expected = std::move(expected),
                       .found = std::move(found)}};
}

bool consists_of(std::string_view text, std::string_view others) {
  for (const char c : text) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word && others.find(c) == others.npos) return false;
  }
  return !text.empty();
}

std::string shell_word(const std::string& word) {
  if (consists_of(word, "-_./:=,+@%")) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string slurm_script(const SlurmJob& job) {
  if (job.command.empty()) refuse("no command", "a program and its flags", "none");
  if (job.runs < 1 || job.jobs < 1 || job.jobs > job.runs || job.at_once < 0 || job.cpus < 1 || job.memory_gib < 1 ||
      job.gpus < 0)
    refuse("sizes that make no sense", "1 <= jobs <= runs, at least one CPU and 1 GiB",
           std::to_string(job.jobs) + " jobs, " + std::to_string(job.runs) + " runs, " + std::to_string(job.cpus) +
               " CPUs, " + std::to_string(job.memory_gib) + " GiB");
  if (!consists_of(job.name, "-_.")) refuse("bad job name", "letters, digits, '-', '_' and '.'", "'" + job.name + "'");
  if (!consists_of(job.time, "-:")) refuse("bad time limit", "a time such as 04:00:00 or 1-00:00:00", "'" + job.time + "'");

  const std::string jobs = std::to_string(job.jobs);
  std::string text = "#!/bin/bash\n";
  const auto option = [&](const std::string& line) { text += "#SBATCH --" + line + "\n"; };
  option("job-name=" + job.name);
  option("array=0-" + std::to_string(job.jobs - 1) + (job.at_once > 0 ? "%" + std::to_string(job.at_once) : ""));
  option("cpus-per-task=" + std::to_string(job.cpus));
  option("mem=" + std::to_string(job.memory_gib) + "G");
  if (job.gpus > 0) option("gres=gpu:" + std::to_string(job.gpus));
  option("time=" + job.time);
  option("output=" + job.name + "-%A_%a.log");
  option("requeue");
  option("open-mode=append");
  text += "# " + std::to_string(job.runs) + " runs in " + jobs +
          " jobs. Finished runs are left out: submit the same file again to continue.\n";
  text += "set -euo pipefail\nexec";
  for (const std::string& word : job.command) text += " " + shell_word(word);
  text += " \\\n  --threads \"${SLURM_CPUS_PER_TASK:-1}\" --shard \"${SLURM_ARRAY_TASK_ID}/" + jobs + "\"\n";
  return text;
}

}  // namespace ligase_cli

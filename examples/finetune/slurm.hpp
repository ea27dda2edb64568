#pragma once

#include <ligase/core/platform.hpp>

#include <string>
#include <vector>

namespace ligase_cli {

/// A Slurm array that works through a sweep.
struct SlurmJob {
  std::string name;
  std::vector<std::string> command;  ///< program and flags; --threads and --shard are added
  ligase::Index runs = 1;            ///< size of the grid
  ligase::Index jobs = 1;            ///< size of the array, at most `runs`
  ligase::Index at_once = 0;         ///< jobs that run at the same time; 0: as many as there is room for
  ligase::Index cpus = 2;
  ligase::Index memory_gib = 4;
  ligase::Index gpus = 0;  ///< of a job
  std::string time = "04:00:00";
};

/// The text of an sbatch script. Job i takes the runs i, i + jobs, ...; all append to one runs.csv and leave out what
/// stands there, so the same script is submitted again after a kill. Words are quoted for the shell. Throws kind usage for
/// sizes that make no sense and for a name or time that sbatch would not take.
std::string slurm_script(const SlurmJob& job);

}  // namespace ligase_cli

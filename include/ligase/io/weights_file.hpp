#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/safetensors.hpp>
#include <ligase/io/state_dict.hpp>

#include <filesystem>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Opens what is no safetensors file; set where <ligase/io/checkpoint_file.hpp> is included, in any file of the program.
inline StateDict (*open_other_container)(const std::filesystem::path& path) = nullptr;

}  // namespace detail

/// The tensors of a checkpoint: a safetensors file, and in a program that includes <ligase/checkpoints.hpp> every
/// container that open_state_dict reads. Kept apart because most programs need the first alone, and the others take as long
/// to compile as a model.
inline StateDict open_weights(const std::filesystem::path& path) {
  if (detail::open_other_container) return detail::open_other_container(path);
  if (path.extension() != ".safetensors")
    throw Error{{.kind = ErrorKind::usage,
                 .what = "this program was compiled without a reader for the container",
                 .where = path.string(),
                 .expected = "a .safetensors file, or #include <ligase/checkpoints.hpp> in the program"}};
  return Safetensors(path);
}

}  // namespace ligase::inline LIGASE_ISA

#pragma once

#include <ligase/core/platform.hpp>
#include <ligase/io/json.hpp>

#include <functional>
#include <string>

namespace ligase_benchmark {

struct GpuOpRow {
  ligase::OrderedJson json;
  std::string text;  ///< a line for people
};

/// Copies of 1 GiB as measured; products and exponentials of an H200 as assumed.
ligase::OrderedJson gpu_limits();

/// Times every operation whose name holds `only`, forward and backward, in the precision's activations, and hands each row on.
/// Returns how many cases there were. Compiled by nvcc for each precision.
template <class P>
ligase::Index time_gpu_ops(const std::string& only, bool quick, const std::function<void(const GpuOpRow&)>& add);

}  // namespace ligase_benchmark

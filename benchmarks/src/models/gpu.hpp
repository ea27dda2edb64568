#pragma once

#include "../timing.hpp"

#include <ligase/core/precision.hpp>

#include <string>
#include <vector>

namespace ligase_benchmark {

struct Options;

/// A model on the GPU, a shape, and what is done with it.
struct GpuCase {
  std::string model, precision;
  Index d_model, n_layer, length, batch;
  bool training = false;
  Index recompute = 0;  ///< training: keep the input of every so many layers; 0: everything; -4: as 4, then layer by layer

  Index tokens() const { return length * batch; }
  std::string recompute_text() const {
    if (recompute < 0) return "layer," + std::to_string(-recompute);
    return recompute == 0 ? "none" : recompute == 1 ? "layer" : std::to_string(recompute);
  }
  std::string name() const {
    return model + " d" + std::to_string(d_model) + " n" + std::to_string(n_layer) + " L" + std::to_string(length) +
           " B" + std::to_string(batch) + " " + precision +
           (training ? recompute != 0 ? " training, recompute " + recompute_text() : " training" : " inference");
  }
};

/// What was measured of one.
struct GpuTiming {
  Timing time;
  Index parameters = 0, tensor_peak_bytes = 0;
  double loss = 0;  ///< of the last step; training only
};

/// Optimiser steps as the trainer makes them: copy of a batch that was made beforehand, forward, backward, clipping, AdamW.
/// Compiled by nvcc for each backbone and precision.
template <class Backbone, class P>
GpuTiming time_gpu_training(const GpuCase& c, double budget);

/// The program `models --device cuda`; throws where it was built without CUDA.
int run_gpu_models(const char* program, const Options& options);

}  // namespace ligase_benchmark

#pragma once

#include "../timing.hpp"

#include <ligase/core/precision.hpp>

#include <pretrain/options.hpp>

#include <string>
#include <vector>

namespace ligase_benchmark {

struct Options;

/// A model on the GPU, a shape, and what is done with it.
struct GpuCase {
  std::string model, precision;
  Index d_model, n_layer, length, batch;
  bool training = false;
  pretrain::Recompute recompute = {};  ///< training

  Index tokens() const { return length * batch; }
  /// How often a layer runs again in the backward pass.
  int runs_again() const { return (recompute.layers ? 1 : 0) + (recompute.group > 0 ? 1 : 0); }
  std::string name() const {
    return model + " d" + std::to_string(d_model) + " n" + std::to_string(n_layer) + " L" + std::to_string(length) +
           " B" + std::to_string(batch) + " " + precision +
           (training ? runs_again() > 0 ? " training, recompute " + recompute.text() : " training" : " inference");
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

#pragma once

/// ligase.hpp and the kernels of `ligase::cuda`; for files that nvcc compiles.
#include <ligase/core/cuda/memory.cuh>
#include <ligase/ops/cuda/add_norm.cuh>
#include <ligase/ops/cuda/conv1d.cuh>
#include <ligase/ops/cuda/copies.cuh>
#include <ligase/ops/cuda/cross_entropy.cuh>
#include <ligase/ops/cuda/elementwise.cuh>
#include <ligase/ops/cuda/embedding.cuh>
#include <ligase/ops/cuda/gemm.cuh>
#include <ligase/ops/cuda/mixer.cuh>
#include <ligase/ops/cuda/pooling.cuh>
#include <ligase/ops/cuda/primitives.cuh>
#include <ligase/ops/cuda/scan.cuh>
#include <ligase/ops/cuda/sums.cuh>
#include <ligase/train/cuda/captured_step.cuh>
#include <ligase/train/cuda/optimizer.cuh>

#include <ligase/ligase.hpp>

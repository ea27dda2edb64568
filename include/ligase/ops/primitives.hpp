#pragma once

#include <ligase/ops/cpu/gemm.hpp>
#include <ligase/ops/cpu/primitives.hpp>
#include <ligase/ops/generic/primitives.hpp>
#include <ligase/ops/meta/primitives.hpp>

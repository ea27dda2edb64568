#pragma once

#include <ligase/ops/cpu/scan_backward.hpp>
#include <ligase/ops/cpu/scan_forward.hpp>

#pragma once

#include <ligase/ops/generic/conv1d.hpp>

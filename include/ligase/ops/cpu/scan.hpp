#pragma once

#include <ligase/ops/generic/scan.hpp>

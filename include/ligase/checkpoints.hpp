#pragma once

#include <ligase/io/checkpoint_file.hpp>
#include <ligase/registry.hpp>

#pragma once

// Stands in for the toolkit's header of this name where kernels run on the host.
#include <simt/language.hpp>
#include <simt/runtime_api.hpp>

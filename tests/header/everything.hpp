#pragma once

#include <ligase/ligase.hpp>
#if __has_include(<ligase/genome.hpp>) && __has_include(<htslib/faidx.h>)
#include <ligase/genome.hpp>
#endif

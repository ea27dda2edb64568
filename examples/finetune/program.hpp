#pragma once

#include <finetune/protocol.hpp>

namespace ligase_cli {

/// The program of a suite: reads tasks, trains and scores what runs.csv does not hold yet, prints a table. Returns the exit
/// code where it is not an exception's.
int finetune_program(Suite suite, int argc, char** argv);

}  // namespace ligase_cli

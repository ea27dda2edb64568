#include <common/program.hpp>
#include <finetune/program.hpp>

int main(int argc, char** argv) {
  return ligase_cli::run_program(argc, argv, [](int count, char** words) {
    return ligase_cli::finetune_program(ligase_cli::Suite::gue, count, words);
  });
}

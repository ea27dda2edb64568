#include "training_step.hpp"

std::vector<float> avx2_step(std::string& name);
std::vector<float> avx2_step(std::string& name) {
  name = ligase::instruction_set;
  return training_step();
}

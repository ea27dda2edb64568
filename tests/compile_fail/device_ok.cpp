#include <ligase/core/tensor.hpp>

struct custom {
  static constexpr bool holds_data = false;
  static constexpr bool on_host = false;
  static constexpr const char* name = "custom";
};
static_assert(ligase::Device<custom> && ligase::Device<ligase::cpu> && ligase::Device<ligase::meta> &&
              ligase::Device<ligase::cuda>);
static_assert(!ligase::Device<int>);
ligase::Tensor<float, ligase::meta> t({2, 3});

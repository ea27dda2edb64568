// expect: Device
// expect: D::holds_data
#include <ligase/core/tensor.hpp>

struct gpu {};
ligase::Tensor<float, gpu> t;

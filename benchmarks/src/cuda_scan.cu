// Times the selective scan of the Mamba mixer on a GPU, forward and backward, beside the rate of its exponential units measured in
// the same run: E 512, N 16, R 16, two strands, both directions. Prints one JSON object. Arguments: --quick leaves out the long
// sequences.
#include <ligase/core/cuda/memory.cuh>
#include <ligase/io/json.hpp>
#include <ligase/ops/cuda/gemm.cuh>
#include <ligase/ops/cuda/primitives.cuh>
#include <ligase/ops/cuda/scan_windows.cuh>

#include <cstdio>
#include <limits>
#include <string_view>

namespace {

using namespace ligase;
using Gpu = device::cuda;

/// `chains` independent exponentials after each other in every thread.
__global__ void exponentials(int steps, float* out) {
  constexpr int chains = 8;
  float x[chains];
#pragma unroll
  for (int k = 0; k < chains; ++k) x[k] = -static_cast<float>(threadIdx.x + static_cast<unsigned>(k)) * 0.01f;
  for (int i = 0; i < steps; ++i)
#pragma unroll
    for (int k = 0; k < chains; ++k) x[k] = kernels::exp2_approx(x[k]);
  float sum = 0;
#pragma unroll
  for (int k = 0; k < chains; ++k) sum += x[k];
  out[static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x] = sum;
}

/// Numbers in [low, high) that depend on the index alone.
template <class T>
struct Fill {
  float low, high;
  T* x;
  LIGASE_HD void operator()(Index i) const {
    const auto h = static_cast<std::uint32_t>(i) * 2654435761u;
    x[i] = static_cast<T>(low + (high - low) * static_cast<float>(h >> 8) * (1.0f / 16777216.0f));
  }
};

/// Seconds of the fastest of five runs after two.
template <class F>
double seconds(F&& f) {
  cudaEvent_t begin, end;
  device::check_cuda(cudaEventCreate(&begin), "cudaEventCreate");
  device::check_cuda(cudaEventCreate(&end), "cudaEventCreate");
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 7; ++i) {
    device::check_cuda(cudaEventRecord(begin, device::stream()), "cudaEventRecord");
    f();
    device::check_cuda(cudaEventRecord(end, device::stream()), "cudaEventRecord");
    device::check_cuda(cudaEventSynchronize(end), "cudaEventSynchronize");
    float ms = 0;
    device::check_cuda(cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
    if (i >= 2) best = std::min(best, static_cast<double>(ms) / 1e3);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return best;
}

double exponentials_per_second() {
  constexpr int threads = 256, steps = 20000;
  const Index blocks = 8 * device::multiprocessors();
  Tensor<float, Gpu> out({blocks * threads});
  const double s =
      seconds([&] { device::launch({.blocks = blocks, .threads = threads}, exponentials, steps, out.data()); });
  return static_cast<double>(blocks) * threads * steps * 8 / s;
}

template <class T>
Tensor<T, Gpu> filled(Context<Gpu>& context, const Shape& shape, float low, float high) {
  Tensor<T, Gpu> x(shape);
  device::for_each(context, x.count(), Fill<T>{low, high, x.data()});
  return x;
}

template <class T>
OrderedJson measure(const char* type, Index batch, Index length, double limit) {
  constexpr Index channels = 512, states = 16, rank = 16, width = rank + 2 * states;
  using W = wide_t<T>;
  Context<Gpu> context;
  const Index rows = 2 * batch;  // two strands
  const Shape inner{rows, length, channels};
  kernels::ScanForwardArguments<T> forward{};
  kernels::ScanBackwardArguments<T> backward{};
  forward.sizes = {.sequences = {.listed = nullptr, .count = rows, .length = length},
                   .channels = channels,
                   .states = states,
                   .rank = rank,
                   .softplus = true,
                   .runs = 2,
                   .access = 1,
                   .dbc_access = 1};
  backward.sizes = forward.sizes;
  const auto A = filled<W>(context, {channels, states}, -16, -1), D = filled<W>(context, {channels}, 0.5f, 1.5f),
             bias = filled<W>(context, {channels}, -7, -2),
             dt_proj = filled<W>(context, {channels, rank}, -0.25f, 0.25f);
  const auto dy = filled<T>(context, inner, -1, 1);
  Tensor<T, Gpu> u[2], y[2], ddelta[2], dbc[2], out_dbc[2];
  Tensor<W, Gpu> kept[2], adjoint[2];
  device::scan_cuda::GradientTargets<T> to[2];
  for (int i = 0; i < 2; ++i) {
    u[i] = filled<T>(context, inner, -1, 1);
    dbc[i] = filled<T>(context, {rows, length, width}, -1, 1);
    y[i] = Tensor<T, Gpu>(inner);
    ddelta[i] = Tensor<T, Gpu>(inner);
    out_dbc[i] = Tensor<T, Gpu>(dbc[i].shape());
    kept[i] = Tensor<W, Gpu>(scan_detail::kept_shape(inner, states));
    adjoint[i] = Tensor<W, Gpu>::zeros({rows, channels, states});
    forward.run[i] = {i == 0 ? Direction::forward : Direction::reverse,
                      u[i].data(),
                      nullptr,
                      dbc[i].data(),
                      dt_proj.data(),
                      A.data(),
                      D.data(),
                      bias.data(),
                      nullptr,
                      nullptr,
                      kept[i].data(),
                      y[i].data()};
    backward.run[i] = forward.run[i];
    backward.run[i].y = nullptr;
    backward.gradient[i] = {dy.data(), y[i].data(), ddelta[i].data(), adjoint[i].data(), nullptr, nullptr, nullptr};
    to[i] = {out_dbc[i].data(), Tensor<W, Gpu>::zeros(A.shape()), Tensor<W, Gpu>::zeros(D.shape()),
             Tensor<W, Gpu>::zeros(D.shape())};
  }
  const double elements = static_cast<double>(rows) * 2 * static_cast<double>(length * channels * states);
  const double f = seconds([&] { device::scan_cuda::scan_forward(forward); });
  const double b = seconds([&] { device::scan_cuda::scan_backward(context, backward, length, width, rank, to); });
  OrderedJson row;
  row["type"] = type;
  row["batch"] = batch;
  row["length"] = length;
  row["forward_seconds"] = f;
  row["forward_share_of_exp_limit"] = elements / f / limit;
  row["forward_tokens_per_second"] = static_cast<double>(batch * length) / f;
  row["backward_seconds"] = b;
  row["backward_elements_per_second_over_exp_limit"] = elements / b / limit;
  return row;
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  try {
    OrderedJson report;
    const double limit = exponentials_per_second();
    report["benchmark"] = "cuda_scan";
    report["multiprocessors"] = device::multiprocessors();
    report["exps_per_second"] = limit;
    report["rows"] = OrderedJson::array();
    for (const Index length : {4096, 131072}) {
      if (quick && length > 4096) continue;
      for (const Index batch : {1, 8}) {
        report["rows"].push_back(measure<bfloat16>("bf16", batch, length, limit));
        report["rows"].push_back(measure<float>("float", batch, length, limit));
      }
    }
    std::printf("%s\n", report.dump(1).c_str());
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}

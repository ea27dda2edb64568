#include <ligase/ops/cuda/launch.cuh>

#include "emulator/poison.hpp"

#include <simt/control.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <string>
#include <vector>

using ligase::device::check_cuda;
using ligase::device::launch;

namespace {

/// n elements on the device.
template <class T>
struct Buffer {
  T* data = nullptr;
  std::size_t count;

  explicit Buffer(std::size_t n) : count(n) { check_cuda(cudaMalloc(&data, n * sizeof(T)), "cudaMalloc"); }
  explicit Buffer(std::span<const T> values) : Buffer(values.size()) {
    cudaMemcpy(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice);
  }
  ~Buffer() { cudaFree(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::vector<T> read() const {
    std::vector<T> values(count);
    check_cuda(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }
};

std::vector<int> numbers(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 1);
  return v;
}

/// What a violation says, or nothing.
template <class F>
std::string violation(F f) {
  try {
    f();
  } catch (const simt::Violation& e) {
    return e.what();
  }
  return {};
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Runs `f` in every order of threads.
template <class F>
void in_every_order(F f) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto order = seed == 0 ? simt::Order::forward : seed == 1 ? simt::Order::reverse : simt::Order::shuffled;
    simt::set_order(order, seed);
    f(order);
  }
  simt::set_order(simt::Order::forward);
}

constexpr unsigned full = 0xFFFFFFFFu;

__global__ void indices(int* out) {
  out[blockIdx.x * blockDim.x + threadIdx.x] = static_cast<int>(1000 * blockIdx.x + threadIdx.x);
  if (gridDim.x != 3 || blockDim.x != 40) out[0] = -1;
}

template <class T>
__global__ void __launch_bounds__(64) warp_sums(const T* in, T* out) {
  T sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(full, sum, step);
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

struct Shuffles {
  int index, index8, up, up8, down, down8, exclusive_or, ballot, any, none;
};
__global__ void shuffles(Shuffles* out) {
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = {.index = __shfl_sync(full, lane, 5),
               .index8 = __shfl_sync(full, lane, 9, 8),
               .up = __shfl_up_sync(full, lane, 3),
               .up8 = __shfl_up_sync(full, lane, 3, 8),
               .down = __shfl_down_sync(full, lane, 3),
               .down8 = __shfl_down_sync(full, lane, 3, 8),
               .exclusive_or = __shfl_xor_sync(full, lane, 9, 8),
               .ballot = static_cast<int>(__ballot_sync(full, lane % 3 == 0)),
               .any = __any_sync(full, lane == 31),
               .none = __any_sync(full, lane == 32)};
}

template <int Threads>
struct Sums {
  int part[Threads];
};
template <int Threads, bool Barrier>
__global__ void __launch_bounds__(Threads) block_sum(const int* in, int* out) {
  auto& s = ligase::device::block_shared<Sums<Threads>>();
  const int i = static_cast<int>(threadIdx.x);
  s.part[i] = in[static_cast<int>(blockIdx.x) * Threads + i];
  __syncthreads();
#pragma unroll
  for (int step = Threads / 2; step > 0; step /= 2) {
    if (i < step) s.part[i] += s.part[i + step];
    if constexpr (Barrier) __syncthreads();
  }
  if (i == 0) out[blockIdx.x] = s.part[0];
}

__global__ void early_exit_before_barrier(int n) {
  if (static_cast<int>(threadIdx.x) >= n) return;
  __syncthreads();
}
__global__ void early_exit_before_shuffle(int n, int* out) {
  if (static_cast<int>(threadIdx.x) >= n) return;
  out[threadIdx.x] = __shfl_xor_sync(full, 1, 1);
}
__global__ void two_barriers() {
  if (threadIdx.x % 2 == 0)
    __syncthreads();
  else
    __syncthreads();
}
__global__ void two_shuffles(int* out) {
  if (threadIdx.x % 2 == 0)
    out[threadIdx.x] = __shfl_xor_sync(full, 1, 1);
  else
    out[threadIdx.x] = __shfl_xor_sync(full, 2, 1);
}
__global__ void shuffle_against_barrier(int* out) {
  if (threadIdx.x == 3) __syncthreads();
  out[threadIdx.x] = __shfl_sync(full, 1, 1);
  if (threadIdx.x != 3) __syncthreads();
}
__global__ void half_a_mask(int* out) { out[threadIdx.x] = __shfl_xor_sync(0xFFFFu, 1, 1); }
__global__ void write_at(int* out, int i, int value) { out[i] = value; }
__global__ void write_shared(std::int64_t i) { (&ligase::device::block_shared<unsigned char>())[i] = 1; }
__global__ void read_shared(float* out) {
  out[blockIdx.x] = ligase::device::block_shared<float>();
  ligase::device::block_shared<float>() = 1;
}
__global__ void add(const int* in, int* out, int addend) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = in[i] + addend;
}

}  // namespace

TEST_CASE("threads know their place") {
  in_every_order([](simt::Order) {
    Buffer<int> out(120);
    launch({.blocks = 3, .threads = 40}, indices, out.data);
    const auto values = out.read();
    for (int i = 0; i < 120; ++i) CHECK(values[static_cast<std::size_t>(i)] == i / 40 * 1000 + i % 40);
  });
}

TEST_CASE_TEMPLATE("a warp sums by shuffles", T, int, unsigned, long long, float, double) {
  std::vector<T> values(128);
  std::iota(values.begin(), values.end(), T(1));
  const Buffer<T> in{std::span<const T>(values)};
  in_every_order([&](simt::Order) {
    Buffer<T> out(128);
    launch({.blocks = 2, .threads = 64}, warp_sums<T>, in.data, out.data);
    const auto sums = out.read();
    for (std::size_t i = 0; i < 128; ++i)
      CHECK(sums[i] == std::accumulate(values.begin() + static_cast<long>(i / 32 * 32),
                                       values.begin() + static_cast<long>(i / 32 * 32 + 32), T(0)));
  });
}

TEST_CASE("shuffles choose the lanes that the PTX manual names") {
  in_every_order([](simt::Order) {
    Buffer<Shuffles> out(32);
    launch({.blocks = 1, .threads = 32}, shuffles, out.data);
    const auto found = out.read();
    for (int i = 0; i < 32; ++i) {
      const Shuffles& s = found[static_cast<std::size_t>(i)];
      CHECK(s.index == 5);
      CHECK(s.index8 == i / 8 * 8 + 1);
      CHECK(s.up == (i >= 3 ? i - 3 : i));
      CHECK(s.up8 == (i % 8 >= 3 ? i - 3 : i));
      CHECK(s.down == (i + 3 < 32 ? i + 3 : i));
      CHECK(s.down8 == (i % 8 + 3 < 8 ? i + 3 : i));
      // A lane of an earlier group may be read, one of a later group may not.
      CHECK(s.exclusive_or == ((i ^ 9) / 8 <= i / 8 ? i ^ 9 : i));
      CHECK(s.ballot == 0x49249249);
      CHECK(s.any == 1);
      CHECK(s.none == 0);
    }
  });
}

TEST_CASE("a block sums in shared memory; without its barriers the order of threads shows") {
  const auto values = numbers(3 * 256);
  const Buffer<int> in{std::span<const int>(values)};
  bool differs = false;
  in_every_order([&](simt::Order) {
    Buffer<int> out(3), wrong(3);
    launch({.blocks = 3, .threads = 256, .shared_bytes = sizeof(Sums<256>)}, block_sum<256, true>, in.data, out.data);
    launch({.blocks = 3, .threads = 256, .shared_bytes = sizeof(Sums<256>)}, block_sum<256, false>, in.data, wrong.data);
    const auto sums = out.read();
    for (std::size_t b = 0; b < 3; ++b)
      CHECK(sums[b] == std::accumulate(values.begin() + static_cast<long>(256 * b),
                                       values.begin() + static_cast<long>(256 * (b + 1)), 0));
    differs = differs || wrong.read() != sums;
  });
  CHECK(differs);
}

TEST_CASE("threads that do not meet are reported, with their place") {
  Buffer<int> out(64);
  in_every_order([&](simt::Order order) {
    const auto barrier = violation([&] { launch({.blocks = 2, .threads = 64}, early_exit_before_barrier, 33); });
    CHECK(contains(barrier, order == simt::Order::reverse ? "block 1, thread " : "block "));
    CHECK(contains(barrier, "barrier"));
    CHECK(contains(barrier, "emulator_test.cpp:"));
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 64}, early_exit_before_shuffle, 40, out.data); }),
                   "left the kernel"));
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 64}, two_barriers); }), "at another"));
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 32}, two_shuffles, out.data); }), "waits at"));
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 32}, shuffle_against_barrier, out.data); }), "waits at"));
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 32}, half_a_mask, out.data); }), "full warp"));
  });
  CHECK(violation([&] { launch({.blocks = 1, .threads = 64}, early_exit_before_shuffle, 32, out.data); }).empty());
  CHECK(contains(violation([] { __syncthreads(); }), "outside"));
}

TEST_CASE("shared memory has the size of the launch, and is not what it was") {
  constexpr std::int64_t large = 200 * 1024;
  launch({.blocks = 1, .threads = 1, .shared_bytes = large}, write_shared, large - 1);
  if (!simt::address_sanitizer) {  // which ends the process
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 1, .shared_bytes = large}, write_shared, large); }),
                   "behind its 204800 bytes"));
    CHECK(contains(violation([&] { launch({.blocks = 1, .threads = 1}, write_shared, 0); }), "behind its 0 bytes"));
  }
  CHECK_THROWS_AS(launch({.blocks = 1, .threads = 1, .shared_bytes = 228 * 1024}, write_shared, 0), ligase::Error);
  Buffer<float> out(2);
  launch({.blocks = 2, .threads = 1, .shared_bytes = 4}, read_shared, out.data);
  const auto values = out.read();
  CHECK(std::isnan(values[0]));
  CHECK(std::isnan(values[1]));

  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  config.dynamicSmemBytes = 64 * 1024;
  CHECK(cudaLaunchKernelEx(&config, early_exit_before_barrier, 1) == cudaErrorInvalidValue);
  config.dynamicSmemBytes = 0;
  config.blockDim = dim3(1025);
  CHECK(cudaLaunchKernelEx(&config, early_exit_before_barrier, 1) == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("device memory: not a number at first, writes behind it are found") {
  const auto before = simt::allocated_bytes();
  {
    const Buffer<float> fresh(100);
    for (float v : fresh.read()) CHECK(std::isnan(v));
    const Buffer<int> out(10);
    CHECK(simt::allocated_bytes() == before + 440);
    launch({.blocks = 1, .threads = 1}, write_at, out.data, 9, 7);
    CHECK(out.read()[9] == 7);
    if (!simt::address_sanitizer)
      CHECK(
          contains(violation([&] { launch({.blocks = 1, .threads = 1}, write_at, out.data, 10, 7); }), "wrote behind 40"));
    int host[10] = {};
    CHECK(cudaMemcpy(host, host + 5, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    CHECK(cudaMemcpy(host, out.data, 44, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    CHECK(cudaMemset(out.data + 1, 0, 36) == cudaSuccess);
    CHECK(cudaFree(out.data + 1) == cudaErrorInvalidValue);
    cudaGetLastError();
  }
  CHECK(simt::allocated_bytes() == before);
}

TEST_CASE("a recorded graph replays launches and copies with their arguments") {
  const cudaStream_t stream = ligase::device::stream();
  std::vector<int> values = numbers(64);
  const Buffer<int> in(64), middle(64), out(64);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
  CHECK(ligase::device::is_capturing());
  int addend = 10;
  launch({.blocks = 2, .threads = 32}, add, in.data, middle.data, addend);
  addend = 20;
  launch({.blocks = 2, .threads = 32}, add, middle.data, out.data, addend);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(!ligase::device::is_capturing());
  REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(out.read()[0] == -1);
  for (int round = 0; round < 3; ++round) {
    for (int& v : values) v += round;
    cudaMemcpy(in.data, values.data(), 64 * sizeof(int), cudaMemcpyHostToDevice);
    REQUIRE(cudaGraphLaunch(executable, stream) == cudaSuccess);
    const auto found = out.read();
    for (std::size_t i = 0; i < 64; ++i) CHECK(found[i] == values[i] + 30);
  }
  cudaGraphExecDestroy(executable);

  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  cudaGetLastError();
}

TEST_CASE("deferred work is done when somebody waits") {
  simt::set_deferred(true);
  const cudaStream_t stream = ligase::device::stream();
  std::vector<int> values = numbers(32);
  int* pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 32 * sizeof(int)) == cudaSuccess);
  const Buffer<int> in(32), out(32);
  cudaMemcpyAsync(in.data, values.data(), 32 * sizeof(int), cudaMemcpyHostToDevice, stream);
  values.assign(32, 0);
  launch({.blocks = 1, .threads = 32}, add, in.data, out.data, 1);
  cudaMemcpyAsync(pinned, out.data, 32 * sizeof(int), cudaMemcpyDeviceToHost, stream);
  CHECK(pinned[0] == -1);
  CHECK(cudaStreamQuery(stream) == cudaErrorNotReady);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(pinned[0] == 2);
  CHECK(pinned[31] == 33);

  // Who waits for an event sees what was given before it, and nothing behind it.
  cudaEvent_t events[2];
  for (cudaEvent_t& event : events) {
    REQUIRE(cudaEventCreate(&event) == cudaSuccess);
    launch({.blocks = 1, .threads = 32}, add, out.data, out.data, 1);
    cudaMemcpyAsync(pinned, out.data, 32 * sizeof(int), cudaMemcpyDeviceToHost, stream);
    CHECK(cudaEventRecord(event, stream) == cudaSuccess);
  }
  const simt::Waits before = simt::waits();
  CHECK(cudaEventSynchronize(events[0]) == cudaSuccess);
  CHECK(pinned[0] == 3);
  CHECK(cudaEventQuery(events[0]) == cudaSuccess);
  CHECK(cudaEventQuery(events[1]) == cudaErrorNotReady);
  CHECK(simt::waits().waited == before.waited + 1);
  CHECK(simt::waits().idle == before.idle);
  CHECK(cudaEventSynchronize(events[1]) == cudaSuccess);
  CHECK(pinned[0] == 4);
  CHECK(simt::waits().idle == before.idle + 1);
  for (const cudaEvent_t event : events) cudaEventDestroy(event);
  cudaFreeHost(pinned);
  simt::set_deferred(false);
}

TEST_CASE("many threads cost little") {
  const Buffer<int> in{std::span<const int>(numbers(1 << 16))}, out(1 << 16);
  const auto before = simt::counts();
  for (int i = 0; i < 4; ++i) launch({.blocks = 256, .threads = 256}, add, in.data, out.data, i);
  const auto after = simt::counts();
  CHECK(after.threads - before.threads == 4 << 16);
  CHECK(after.switches - before.switches == 4 << 16);
}

#include <ligase/cuda.cuh>

#include <device/cuda/large.hpp>

#include <cstring>

using namespace ligase;

namespace {

using Gpu = device::cuda;
using T = bfloat16;

/// Numbers that depend on the index alone, also beyond 2^32.
struct Fill {
  T* x;
  LIGASE_HD void operator()(Index i) const {
    const auto bits = splitmix64(static_cast<std::uint64_t>(i));
    x[i] = static_cast<T>(static_cast<float>(bits >> 40) * 0x1p-23f - 1.0f);
  }
};
struct FillIds {
  Index below;
  std::int32_t* x;
  LIGASE_HD void operator()(Index i) const {
    x[i] = static_cast<std::int32_t>(splitmix64(static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(below));
  }
};

Tensor<T, Gpu> filled(Context<Gpu>& context, const Shape& shape) {
  Tensor<T, Gpu> x(shape);
  for_each(context, x.count(), Fill{x.data()});
  return x;
}
template <class X>
bool equal(const Tensor<X, Gpu>& a, const Tensor<X, Gpu>& b) {
  const auto x = to_host(a), y = to_host(b);
  return a.shape() == b.shape() && std::memcmp(x.data(), y.data(), static_cast<std::size_t>(x.bytes())) == 0;
}
/// The last rows of a tensor, as a tensor of their own.
template <class X>
Tensor<X, Gpu> tail(const Tensor<X, Gpu>& x, Index rows) {
  return x.slice(x.size(0) - rows, x.size(0)).clone();
}

}  // namespace

bool ligase_test::has_device_memory(Index bytes) {
  std::size_t free = 0, total = 0;
  return cudaMemGetInfo(&free, &total) == cudaSuccess && static_cast<Index>(free) >= bytes;
}

std::vector<std::string> ligase_test::wrong_beyond_32_bits() {
  Context<Gpu> context;
  std::vector<std::string> wrong;
  const auto check = [&](const char* what, bool same) {
    if (!same) wrong.push_back(what);
  };
  constexpr Index width = 1000, rows = (Index{1} << 31) / width + 5, few = 3;  // more than 2^31 numbers
  const auto x = filled(context, {rows, 1, width});
  const auto last = tail(x, few);
  {
    check("add", equal(tail(ops::add(context, x, x), few), ops::add(context, last, last)));
    check("silu", equal(tail(ops::silu(context, x), few), ops::silu(context, last)));
  }
  {
    auto weight = Tensor<float, Gpu>::from({width}, std::vector<float>(width, 0.5f));
    check("rms_norm", equal(tail(ops::rms_norm(context, x, weight, 1e-5), few), ops::rms_norm(context, last, weight, 1e-5)));
  }
  {
    Tensor<std::int32_t, Gpu> ids({rows, 1});
    for_each(context, ids.count(), FillIds{7, ids.data()});
    Tensor<float, Gpu> table({7, width});
    table.set_zero();
    table.assign(std::vector<float>(7 * width, 0.25f));
    check("embedding", equal(tail(ops::embedding<T>(context, ids, table), few), ops::embedding<T>(context, tail(ids, few), table)));
  }
  {
    std::vector<float> values(width * 16);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 13) * 0.01f;
    const auto weight = Tensor<float, Gpu>::from({16, width}, values);
    check("linear", equal(tail(ops::linear(context, x, weight, {}), few), ops::linear(context, last, weight, {})));
  }
  {  // One sequence in two halves: the second goes on where the first ended.
    constexpr Index length = Index{1} << 21, channels = 1040, states = 4;
    ScanWeights<T, Gpu> weights;
    weights.A = Tensor<float, Gpu>::from({channels, states}, std::vector<float>(channels * states, -0.01f));
    ScanInput<T, Gpu> in;
    in.u = filled(context, {1, length, channels});
    in.delta = in.u;
    in.bc = filled(context, {1, length, 2 * states});
    const auto half = [&](const Tensor<T, Gpu>& t, Index begin, Index end) {
      return t.reshaped({t.size(1), t.size(2)}).slice(begin, end).reshaped({1, end - begin, t.size(2)});
    };
    Tensor<float, Gpu> state;
    const Tensor<T, Gpu> y = ops::selective_scan<Direction::forward>(context, in, weights);
    constexpr Index cut = length - 64;
    ScanInput<T, Gpu> part = in;
    part.u = part.delta = half(in.u, 0, cut);
    part.bc = half(in.bc, 0, cut);
    ops::selective_scan<Direction::forward>(context, part, weights, nullptr, &state);
    part.u = part.delta = half(in.u, cut, length);
    part.bc = half(in.bc, cut, length);
    part.initial_state = state;
    check("selective_scan", equal(half(y, cut, length).clone(), ops::selective_scan<Direction::forward>(context, part, weights)));
  }
  return wrong;
}

#include <ligase/core/cuda/graph.cuh>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/cuda/primitives.cuh>

#include <doctest/doctest.h>

#include <numeric>

using namespace ligase;
using Gpu = device::cuda;

namespace {

template <class T>
Tensor<T> counting(Shape shape) {
  Tensor<T> x(shape);
  std::iota(x.data(), x.data() + x.count(), T(1));
  return x;
}

struct AddOne {
  float* x;
  LIGASE_HD void operator()(Index i) const { x[i] += 1; }
};

}  // namespace

TEST_CASE("tensors go to the device and back, in small and in large pieces") {
  for (const Index n : {Index{1}, Index{1000}, Index{3} << 20}) {
    const Tensor<float> x = counting<float>({n});
    auto on_device = to_device<Gpu>(x);
    const auto copy = on_device.clone();
    on_device.set_zero();
    const auto zeros = to_host(on_device), back = to_host(copy);
    CHECK(std::equal(x.data(), x.data() + n, back.data()));
    CHECK(std::all_of(zeros.data(), zeros.data() + n, [](float v) { return v == 0; }));
  }
  CHECK(to_host(Tensor<float, Gpu>()).empty());
}

TEST_CASE("a slice of a device tensor is copied alone") {
  const auto x = to_device<Gpu>(counting<float>({5, 3}));
  const auto part = to_host(x.slice(1, 3));
  CHECK(part.shape() == Shape{2, 3});
  CHECK(part.data()[0] == 4);
  CHECK(part.data()[5] == 9);
}

TEST_CASE("many copies through the pinned pages keep their values") {
  std::vector<Tensor<Index, Gpu>> tensors;
  for (Index i = 0; i < 200; ++i) {
    Tensor<Index> x({1 << 14});
    std::fill(x.data(), x.data() + x.count(), i);
    tensors.push_back(to_device<Gpu>(x));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto x = to_host(tensors[i]);
    CHECK(std::all_of(x.data(), x.data() + x.count(), [&](Index v) { return v == static_cast<Index>(i); }));
  }
}

TEST_CASE("memory is used again, and given back to the device when asked") {
  const void* first = nullptr;
  {
    const Tensor<float, Gpu> x({1000});
    first = x.data();
  }
  CHECK(Tensor<float, Gpu>({900}).data() == first);
  device::cuda_arena().trim();
  CHECK(device::reserve(Gpu{}, Index{1} << 26));
  CHECK_THROWS_WITH_AS((Tensor<float, Gpu>({Index{1} << 50})), doctest::Contains("the GPU is out of memory"), Error);
}

TEST_CASE("ids out of range are found where they first are") {
  Context<Gpu> context;
  Tensor<std::int32_t> ids({2, 700});
  std::fill(ids.data(), ids.data() + ids.count(), 7);
  generic::check_ids(context, "here", to_device<Gpu>(ids), 8);
  ids.data()[1300] = -1;
  ids.data()[902] = 8;
  CHECK_THROWS_WITH_AS(generic::check_ids(context, "here", to_device<Gpu>(ids), 8),
                       "here: id out of range at [1, 202]; expected 0 to 7, found 8", Error);
  ids.data()[902] = -100;
  CHECK_THROWS_WITH_AS(generic::check_ids(context, "here", to_device<Gpu>(ids), 8, -100),
                       "here: id out of range at [1, 600]; expected 0 to 7, found -1", Error);
}

TEST_CASE("a recorded graph runs at every launch, in memory of its own") {
  Context<Gpu> context;
  auto x = Tensor<float, Gpu>::zeros({100});
  device::Graph graph;
  Tensor<float, Gpu> out;  // in the graph's memory: gone before it
  const auto work = [&] {
    for_each(context, 100, AddOne{x.data()});
    auto y = x.clone();
    for_each(context, 100, AddOne{y.data()});
    return y;
  };
  graph.rehearse(work);
  CHECK_FALSE(graph.recorded());
  out = graph.record(work);
  CHECK(graph.recorded());
  CHECK(to_host(x).data()[0] == 1);
  for (int i = 0; i < 3; ++i) {
    const auto other = Tensor<float, Gpu>::zeros({100});
    graph.launch();
    CHECK(to_host(other).data()[50] == 0);
  }
  CHECK(to_host(x).data()[99] == 4);
  CHECK(to_host(out).data()[99] == 5);
}

TEST_CASE("what fails while a graph is recorded leaves the device usable") {
  Context<Gpu> context;
  device::Graph graph;
  CHECK_THROWS_AS(graph.record([&] { return to_device<Gpu>(counting<float>({4})); }), Error);
  CHECK_FALSE(graph.recorded());
  CHECK(to_host(to_device<Gpu>(counting<float>({4}))).data()[3] == 4);
}

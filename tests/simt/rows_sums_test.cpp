#include <ligase/ops/cuda/embedding.cuh>
#include <ligase/ops/cuda/sums.cuh>

#include <doctest/doctest.h>

#include "twins.hpp"

using namespace ligase_test;
namespace generic = ligase::generic;
namespace device = ligase::device;

namespace {

template <class T>
void check_sum(Index rows, Index width, Index shift = 0) {
  CAPTURE(rows);
  CAPTURE(width);
  using W = wide_t<T>;
  Context<> host;
  Context<Cuda> context;
  const auto x = random_tensor<T>({rows, width}, 1), before = random_tensor<double>({width}, 2);
  Cpu<W> start({width});
  for (Index j = 0; j < width; ++j) start.data()[j] = static_cast<W>(before.data()[j]);
  auto twin = start.clone();
  generic::sum_rows_add(host, x, twin);
  auto mine = on_device(start);
  device::sum_rows_add(context, on_device(x, shift), mine);
  CHECK(distance(mine, twin) < 10 * sum_bound<T>);
}

template <class T>
void check_embedding(Shape shape, Index vocabulary, Index width, Index shift = 0) {
  CAPTURE(shape.text());
  CAPTURE(vocabulary);
  CAPTURE(width);
  using W = wide_t<T>;
  Context<> host;
  Context<Cuda> context;
  const auto ids = random_ids(shape, 1, vocabulary);
  const auto weight = random_tensor<W>({vocabulary, width}, 2);
  Shape out = shape;
  out.push_back(width);
  Cpu<T> y(out);
  generic::embedding_forward(host, ids, weight, y);
  Gpu<T> z(out);
  device::embedding_forward(context, on_device(ids), on_device(weight, shift), z);
  CHECK(equal(to_host(z), y));

  const auto dy = random_tensor<T>(out, 3);
  const auto before = random_tensor<W>(weight.shape(), 4);
  auto twin = before.clone();
  generic::embedding_backward(host, dy, ids, twin);
  auto mine = on_device(before);
  device::embedding_backward(context, on_device(dy, shift), on_device(ids), mine);
  CHECK(distance(mine, twin) < sum_bound<T>);
}

}  // namespace

TEST_CASE("sums over rows agree with their twins") {
  for (const Index width : {1, 16, 31, 33, 118, 256}) {
    check_sum<float>(1, width);
    check_sum<float>(259, width);
    check_sum<double>(600, width);
    check_sum<bfloat16>(255, width);
  }
  check_sum<float>(70'000, 3);  // three stages
  check_sum<bfloat16>(5, 1000);
  check_sum<float>(3, 5000);
  check_sum<float>(300, 17, 1);
}

TEST_CASE("nothing to sum leaves the result alone") {
  Context<Cuda> context;
  const auto start = random_tensor<float>({7}, 1);
  auto sum = on_device(start);
  device::sum_rows_add(context, Gpu<float>({0, 7}), sum);
  CHECK(equal(to_host(sum), start));
}

TEST_CASE("embedding agrees with its twin") {
  for (const Index width : {1, 31, 33, 118, 256, 300}) check_embedding<float>({3, 150}, 16, width);
  check_embedding<float>({1, 1}, 16, 118);
  check_embedding<float>({2, 700}, 4096, 33);
  check_embedding<float>({2, 9}, 4096, 64);
  check_embedding<float>({1, 257}, 1, 5);
  check_embedding<float>({1, 300}, 33, 1000);
  check_embedding<double>({2, 333}, 100, 118);
  check_embedding<bfloat16>({2, 333}, 16, 118);
  check_embedding<bfloat16>({2, 40}, 512, 257);
  for (const Index shift : {1, 2, 3}) check_embedding<float>({2, 40}, 16, 256, shift);
}

TEST_CASE("sums: same bits in whatever order blocks and threads run") {
  const auto x = on_device(random_tensor<float>({900, 118}, 1));
  const auto ids = on_device(random_ids({3, 300}, 2, 40));
  CHECK(same_in_every_order([&] {
    Context<Cuda> context;
    auto sum = Gpu<float>::zeros({118}), table = Gpu<float>::zeros({40, 118});
    device::sum_rows_add(context, x, sum);
    device::embedding_backward(context, x, ids, table);
    return bytes_of(sum) + bytes_of(table);
  }));
}

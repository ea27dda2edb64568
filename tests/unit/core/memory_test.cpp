#include <doctest/doctest.h>
#include <ligase/core/tensor.hpp>

using namespace ligase;

TEST_CASE("the pool gives freed blocks out again and never keeps more than was once in use") {
  device::CpuPool pool;
  void* first = pool.take(1024);
  pool.give(first, 1024);
  CHECK(pool.kept() == 1024);
  void* again = pool.take(1024);
  CHECK(again == first);
  CHECK(pool.kept() == 0);
  pool.give(again, 1024);
  for (Index size = 64; size < 1024; size += 64) pool.give(pool.take(size), size);
  CHECK(pool.kept() <= 1024);
  pool.trim();
  CHECK(pool.kept() == 0);
}

TEST_CASE("memory of tensors is counted, on meta too, where nothing is allocated") {
  MemoryCounter& counter = memory_counter<meta>();
  const Index before = counter.live;
  counter.reset_peak();
  {
    const Tensor<float, meta> a({1 << 20, 1 << 20}), b = a;
    CHECK(counter.live - before == Index{4} << 40);
    CHECK(a.data() == nullptr);
  }
  CHECK(counter.live == before);
  CHECK(counter.peak - before == Index{4} << 40);
}

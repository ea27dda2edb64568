#include "grid.hpp"

#include "fiber.hpp"
#include "poison.hpp"
#include "shared_memory.hpp"

#include <simt/language.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace simt {
namespace {

constexpr int warp_size = 32;
constexpr unsigned char zone_byte = 0xA5;

enum class State { ready, at_warp, at_block, done };

struct Thread {
  State state = State::ready;
  Stack* stack = nullptr;
  uint3 index{};
  std::uint64_t value = 0;  ///< brought to the warp, then taken from it
  int parameter = 0;
};

struct Warp {
  int begin = 0, end = 0;             ///< its threads
  int ready = 0, arrived = 0, at_block = 0, done = 0;
  Exchange kind = Exchange::join;
  int width = 0;
  Place where;
};

/// The block that runs.
struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  int at_block = 0, done = 0;
  Place where;
  const Launch* launch = nullptr;
  int running = -1;
  std::exception_ptr failure;
};
Block block;

struct Settings {
  Order order = Order::forward;
  std::mt19937_64 random;
  bool poison = true;
  Counts counts;

  Settings() {
    const char* text = std::getenv("LIGASE_SIMT_ORDER");
    const std::string name = text == nullptr ? "forward" : text;
    if (name == "reverse") order = Order::reverse;
    if (name == "reverse" || name == "forward") return;
    order = Order::shuffled;
    random.seed(std::strtoull(name.c_str(), nullptr, 10));
  }
};
Settings& settings() {
  static Settings instance;
  return instance;
}

/// 0 .. n-1 in the order that is asked for.
void arrange(std::vector<std::uint64_t>& order, std::uint64_t n) {
  order.resize(n);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  if (settings().order == Order::reverse) std::reverse(order.begin(), order.end());
  if (settings().order == Order::shuffled) std::shuffle(order.begin(), order.end(), settings().random);
}

std::string text(const Place& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}
std::string text(const uint3& index) {
  std::string s = std::to_string(index.x);
  if (index.y + index.z > 0) s += "," + std::to_string(index.y) + "," + std::to_string(index.z);
  return s;
}

[[noreturn]] void violate(const std::string& what) {
  if (block.running < 0) throw Violation(what + ", outside of any kernel");
  throw Violation("block " + text(blockIdx) + ", thread " + text(threadIdx) + ": " + what);
}

void give_way(Thread& t, Warp& warp, State state) {
  t.state = state;
  --warp.ready;
  leave(t.stack, false);
}

/// All lanes are there: hands out what each asked for.
void complete(Warp& warp) {
  const int lanes = warp.end - warp.begin;
  Thread* const lane = block.threads.data() + warp.begin;
  std::uint64_t brought[warp_size] = {}, ballot = 0;
  for (int i = 0; i < lanes; ++i) {
    brought[i] = lane[i].value;
    if (lane[i].parameter != 0) ballot |= std::uint64_t{1} << i;
  }
  for (int i = 0; i < lanes; ++i) {
    const int first = i & ~(warp.width - 1), last = first + warp.width - 1, p = lane[i].parameter;
    int source = i;
    if (warp.kind == Exchange::index) source = first + (p & (warp.width - 1));
    if (warp.kind == Exchange::up && i - p >= first) source = i - p;
    if (warp.kind == Exchange::down && i + p <= last) source = i + p;
    if (warp.kind == Exchange::exclusive_or && (i ^ p) <= last) source = i ^ p;
    // A lane that the block does not have holds anything.
    lane[i].value = warp.kind == Exchange::ballot ? ballot : source < lanes ? brought[source] : ~std::uint64_t{0};
    lane[i].state = State::ready;
  }
  warp.arrived = 0;
  warp.ready = lanes;
}

void release_block() {
  for (Thread& t : block.threads) t.state = State::ready;
  for (Warp& w : block.warps) w.at_block = 0, w.ready = w.end - w.begin;
  block.at_block = 0;
}

void end_thread(Thread& t) {
  Warp& warp = block.warps[static_cast<std::size_t>(block.running / warp_size)];
  t.state = State::done;
  --warp.ready;
  ++warp.done;
  ++block.done;
  if (warp.arrived > 0) violate("left the kernel while lanes of its warp wait at " + text(warp.where));
  if (block.at_block > 0) violate("left the kernel while threads wait at the barrier " + text(block.where));
}

void thread_body() {
  try {
    block.launch->thread();
    end_thread(block.threads[static_cast<std::size_t>(block.running)]);
  } catch (...) {
    block.failure = std::current_exception();
  }
  leave(block.threads[static_cast<std::size_t>(block.running)].stack, true);
}

/// Runs a thread until it waits or ends.
void step(int i) {
  Thread& t = block.threads[static_cast<std::size_t>(i)];
  if (t.stack == nullptr) {
    t.stack = take_stack();
    prepare(t.stack, thread_body);
  }
  block.running = i;
  threadIdx = t.index;
  ++settings().counts.switches;
  enter(t.stack);
  block.running = -1;
  if (t.state == State::done) {
    give_stack(t.stack);
    t.stack = nullptr;
  }
}

void prepare_shared(std::size_t bytes) {
  unsigned char* const shared = shared_memory();
  allow(shared, bytes + shared_zone);
  if (poison()) std::memset(shared, 0xFF, bytes);
  std::memset(shared + bytes, zone_byte, shared_zone);
  forbid(shared + bytes, shared_zone);
}
bool shared_is_sound(std::size_t bytes) {
  const unsigned char* const zone = shared_memory() + bytes;
  allow(zone, shared_zone);
  return std::all_of(zone, zone + shared_zone, [](unsigned char c) { return c == zone_byte; });
}

void run_block(const Launch& launch) {
  const int count = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  block.launch = &launch;
  block.at_block = block.done = 0;
  block.threads.resize(static_cast<std::size_t>(count));
  block.warps.assign(static_cast<std::size_t>((count + warp_size - 1) / warp_size), {});
  for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
    const unsigned x = launch.block.x, y = launch.block.y;
    block.threads[i] = {.index = {i % x, i / x % y, i / (x * y)}};
  }
  for (int w = 0; Warp& warp : block.warps) {
    warp.begin = w++ * warp_size;
    warp.end = std::min(count, warp.begin + warp_size);
    warp.ready = warp.end - warp.begin;
  }
  prepare_shared(launch.shared_bytes);

  static std::vector<std::uint64_t> warps, lanes;
  while (block.done < count) {
    arrange(warps, block.warps.size());
    for (std::uint64_t w : warps) {
      Warp& warp = block.warps[w];
      while (warp.ready > 0) {
        arrange(lanes, static_cast<std::uint64_t>(warp.end - warp.begin));
        for (std::uint64_t lane : lanes) {
          const int i = warp.begin + static_cast<int>(lane);
          if (block.threads[static_cast<std::size_t>(i)].state != State::ready) continue;
          step(i);
          if (block.failure) return;
        }
      }
    }
  }
  if (!shared_is_sound(launch.shared_bytes))
    throw Violation("block " + text(blockIdx) + " wrote behind its " + std::to_string(launch.shared_bytes) +
                    " bytes of shared memory");
}

/// Throws what went wrong in the block, after making ready for the next kernel.
void check_block() {
  if (!block.failure) return;
  for (Thread& t : block.threads)
    if (t.stack != nullptr) abandon_stack(t.stack);
  block.threads.clear();
  std::rethrow_exception(std::exchange(block.failure, nullptr));
}

}  // namespace

void join_block(const Place& where) {
  if (block.running < 0) violate("__syncthreads at " + text(where));
  Thread& t = block.threads[static_cast<std::size_t>(block.running)];
  Warp& warp = block.warps[static_cast<std::size_t>(block.running / warp_size)];
  if (warp.arrived > 0)
    violate("waits at the barrier " + text(where) + " while lanes of its warp wait at " + text(warp.where));
  if (block.done > 0) violate("waits at the barrier " + text(where) + " after threads left the kernel");
  if (block.at_block > 0 && (where.line() != block.where.line() || where.column() != block.where.column() ||
                             std::strcmp(where.file_name(), block.where.file_name()) != 0))
    violate("waits at the barrier " + text(where) + " while threads wait at another, " + text(block.where));
  block.where = where;
  ++warp.at_block;
  if (++block.at_block == static_cast<int>(block.threads.size())) {
    release_block();
    return;
  }
  give_way(t, warp, State::at_block);
}

std::uint64_t join_warp(Exchange kind, unsigned mask, int width, int parameter, std::uint64_t value,
                        const Place& where) {
  if (block.running < 0) violate("warp function at " + text(where));
  Thread& t = block.threads[static_cast<std::size_t>(block.running)];
  Warp& warp = block.warps[static_cast<std::size_t>(block.running / warp_size)];
  if (mask != 0xFFFFFFFFu) violate("mask of " + text(where) + " is not that of a full warp");
  if (width < 1 || width > warp_size || !std::has_single_bit(static_cast<unsigned>(width)))
    violate("width of " + text(where) + " is not a power of two up to 32");
  if (warp.done > 0) violate("waits at " + text(where) + " after lanes of its warp left the kernel");
  if (warp.at_block > 0)
    violate("waits at " + text(where) + " while lanes of its warp wait at the barrier " + text(block.where));
  if (warp.arrived > 0 && (kind != warp.kind || width != warp.width || where.line() != warp.where.line() ||
                           where.column() != warp.where.column() ||
                           std::strcmp(where.file_name(), warp.where.file_name()) != 0))
    violate("waits at " + text(where) + " while lanes of its warp wait at " + text(warp.where));
  warp.kind = kind;
  warp.width = width;
  warp.where = where;
  t.value = value;
  t.parameter = parameter;
  if (++warp.arrived == warp.end - warp.begin)
    complete(warp);
  else
    give_way(t, warp, State::at_warp);
  return t.value;
}

void run(const Launch& launch) {
  const std::uint64_t x = launch.grid.x, y = launch.grid.y, blocks = x * y * launch.grid.z;
  gridDim = launch.grid;
  blockDim = launch.block;
  Counts& counts = settings().counts;
  ++counts.launches;
  std::vector<std::uint64_t> order;
  arrange(order, blocks);
  for (std::uint64_t b : order) {
    blockIdx = {static_cast<unsigned>(b % x), static_cast<unsigned>(b / x % y), static_cast<unsigned>(b / (x * y))};
    run_block(launch);
    ++counts.blocks;
    counts.threads += static_cast<std::int64_t>(block.threads.size());
    check_block();
  }
}

bool poison() { return settings().poison; }
void set_poison(bool on) { settings().poison = on; }
void set_order(Order order, std::uint64_t seed) {
  settings().order = order;
  settings().random.seed(seed);
}
Counts counts() { return settings().counts; }

}  // namespace simt

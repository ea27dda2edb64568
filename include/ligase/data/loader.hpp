#pragma once

#include <ligase/core/error.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Makes items first, first + 1, ... end - 1 on background threads and hands them out in this order, at most `queue`
/// items ahead of the consumer. An exception of make(k) is rethrown by the next() that would have returned item k; no
/// item follows it. Which thread makes an item never changes it, provided that make is a pure function of k. The
/// destructor waits for items under way, not for the rest.
///
///     Loader loader(maker, first_batch, last_batch + 1);
///     while (auto batch = loader.next()) train(*batch);
template <class Make>
class Loader {
 public:
  using Item = std::invoke_result_t<const Make&, Index>;

  struct Options {
    int threads = 1;
    Index queue = 4;
  };

  /// No upper end.
  static constexpr Index endless = INT64_MAX;

  Loader(Make make, Index first, Index end = endless) : Loader(std::move(make), first, end, Options{}) {}
  Loader(Make make, Index first, Index end, Options options)
      : make_(std::move(make)),
        end_(end),
        next_to_make_(first),
        next_to_give_(first),
        slots_(static_cast<std::size_t>(std::max<Index>(1, options.queue))) {
    try {
      for (int i = 0; i < std::max(1, options.threads); ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Loader() { stop(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next item, or nothing after the last. For one consumer thread.
  std::optional<Item> next() {
    std::unique_lock lock(mutex_);
    if (next_to_give_ >= end_) return std::nullopt;
    Slot& slot = slot_of(next_to_give_);
    made_.wait(lock, [&] { return slot.item.has_value() || slot.failure != nullptr; });
    if (slot.failure != nullptr) {
      end_ = next_to_give_;
      std::exception_ptr failure = std::exchange(slot.failure, nullptr);
      lock.unlock();
      space_.notify_all();
      std::rethrow_exception(std::move(failure));
    }
    std::optional<Item> item = std::exchange(slot.item, std::nullopt);
    ++next_to_give_;
    lock.unlock();
    space_.notify_one();
    return item;
  }

 private:
  struct Slot {
    std::optional<Item> item;
    std::exception_ptr failure;
  };

  Slot& slot_of(Index k) { return slots_[static_cast<std::size_t>(k) % slots_.size()]; }

  void work() {
    for (;;) {
      Index k = 0;
      {
        std::unique_lock lock(mutex_);
        space_.wait(lock, [&] {
          return stopped_ || next_to_make_ >= end_ || next_to_make_ - next_to_give_ < static_cast<Index>(slots_.size());
        });
        if (stopped_ || next_to_make_ >= end_) return;
        k = next_to_make_++;
      }
      Slot made;
      try {
        made.item.emplace(make_(k));
      } catch (...) {
        made.failure = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        slot_of(k) = std::move(made);
      }
      made_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    space_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  const Make make_;
  std::mutex mutex_;
  std::condition_variable made_;
  std::condition_variable space_;
  Index end_;
  Index next_to_make_;
  Index next_to_give_;
  bool stopped_ = false;
  std::vector<Slot> slots_;
  std::vector<std::thread> workers_;
};

}  // namespace ligase::inline LIGASE_ISA

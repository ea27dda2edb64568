#include <device/cuda/finetune.hpp>
#include <device/cuda/runs.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

using namespace ligase_test;

namespace {

constexpr Tuned all_kinds[] = {Tuned::cnn, Tuned::ps, Tuned::ph, Tuned::ps_head, Tuned::ph_head};

bool skipped() {
  if (has_cuda_device()) return false;
  MESSAGE("no GPU: skipped");
  return true;
}

double farthest(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}
double farthest_loss(const Finetuned& a, const Finetuned& b) {
  REQUIRE(!a.result.diverged);
  REQUIRE(!b.result.diverged);
  REQUIRE(a.result.epochs.size() == 2);
  REQUIRE(b.result.epochs.size() == 2);
  double worst = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto &x = a.result.epochs[i], &y = b.result.epochs[i];
    worst = std::max({worst, std::abs(x.training_loss - y.training_loss), std::abs(x.validation_loss - y.validation_loss)});
  }
  return worst;
}
bool same(const Finetuned& a, const Finetuned& b) {
  return farthest_loss(a, b) == 0 && a.probabilities == b.probabilities && a.weights == b.weights;
}
/// A row's scores do not depend on its batch; the weights that are left are those of the best epoch.
void check_scores(const Finetuned& run) {
  CHECK(run.probabilities == run.in_batches);
  const auto best = static_cast<std::size_t>(run.result.best_epoch - 1);
  CHECK(run.loss_after == doctest::Approx(run.result.epochs[best].validation_loss).epsilon(1e-12));
}

}  // namespace

TEST_CASE("fine-tuning on cuda in float agrees with the host, and ends with the same bits in every run") {
  if (skipped()) return;
  for (const Tuned kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    const Finetuned host = finetuned<ligase::cpu>(kind), gpu = finetuned_on_cuda(kind);
    // Adam turns the rounding of a gradient that vanishes, as that of the CNN's biases before a batch norm, into a step.
    const double bound = kind == Tuned::cnn ? 1e-4 : 1e-5;
    CHECK(farthest_loss(host, gpu) < bound);
    CHECK(farthest(host.probabilities, gpu.probabilities) < 10 * bound);
    CHECK(host.weights.size() == gpu.weights.size());
    CHECK(same(gpu, finetuned_on_cuda(kind)));
    check_scores(gpu);
  }
}

TEST_CASE("fine-tuning on cuda in bfloat16 is near float, and ends with the same bits in every run") {
  if (skipped()) return;
  for (const Tuned kind : {Tuned::ps, Tuned::ps_head}) {
    CAPTURE(static_cast<int>(kind));
    const Finetuned host = finetuned<ligase::cpu>(kind), gpu = finetuned_on_cuda_in_bfloat16(kind);
    CHECK(farthest_loss(host, gpu) < 0.003);
    CHECK(farthest(host.probabilities, gpu.probabilities) < 0.01);
    CHECK(same(gpu, finetuned_on_cuda_in_bfloat16(kind)));
    check_scores(gpu);
  }
}

TEST_CASE("a snapshot brings weights on cuda back") {
  if (!skipped()) CHECK(snapshot_restores_on_cuda());
}

TEST_CASE("runs at the same time on one GPU do not change each other") {
  if (skipped()) return;
  if (!runs_on_gpu()) {
    MESSAGE("the emulated GPU runs in one thread: skipped");
    return;
  }
  for (const Tuned kind : {Tuned::cnn, Tuned::ps}) {
    const Finetuned alone = finetuned_on_cuda(kind);
    std::vector<Finetuned> together(3);
    std::vector<std::thread> threads;
    for (Finetuned& run : together) threads.emplace_back([&run, kind] { run = finetuned_on_cuda(kind); });
    for (std::thread& thread : threads) thread.join();
    for (const Finetuned& run : together) CHECK(same(alone, run));
  }
}

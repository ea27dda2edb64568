#pragma once

#include <ligase/core/cuda/arrival.cuh>
#include <ligase/ops/cuda/primitives.cuh>
#include <ligase/train/loop.hpp>

#include <array>

namespace ligase::inline LIGASE_ISA {

namespace kernels {

/// Numbers of a step on the device, each a double. `refused` is 0 as long as every loss and norm was finite, then NaN for good:
/// no step after a bad one changes the weights either.
enum StepNumber : int { step_loss, step_guard, step_norm, step_refused, step_numbers };

/// loss = sum of the micro-batches' means, after the last one their mean. sums: [3], as ops::LossSums.
struct AddLoss {
  const double* sums;
  Index batch, batches;
  double* step;
  LIGASE_HD void operator()(Index) const {
    double loss = (batch == 0 ? 0.0 : step[step_loss]) + (sums[1] != 0 ? sums[0] / sums[1] : 0.0);
    if (batch + 1 == batches) {
      loss /= static_cast<double>(batches);
      step[step_guard] = loss + step[step_refused];
    }
    step[step_loss] = loss;
  }
};

/// norm: [2], as AdamW::norm.
struct CloseStep {
  const double* norm;
  double* step;
  LIGASE_HD void operator()(Index) const {
    step[step_norm] = norm[1];
    step[step_refused] = (step[step_guard] - step[step_guard]) + (norm[1] - norm[1]);
  }
};

}  // namespace kernels

/// Loss and gradient norm of steps on `cuda`: computed there, and sent to the host when the step is done.
template <>
class StepFigures<device::cuda> {
  using Numbers = Tensor<double, device::cuda>;

 public:
  static constexpr std::size_t most_given = 2;

  /// After micro-batch `batch` of `batches`.
  void add(Context<device::cuda>& context, const PendingBatch<device::cuda>& result, Index batch, Index batches) {
    for_each(context, 1, kernels::AddLoss{result.sums.data(), batch, batches, numbers_.data()});
  }
  /// [1] For AdamW::apply: the mean loss; not finite where that is not, or a number of a step before was not.
  Numbers guard() const { return numbers_.slice(kernels::step_guard, kernels::step_guard + 1); }
  /// Ends the step. norm: as AdamW::norm.
  void send(Context<device::cuda>& context, const Numbers& norm) {
    for_each(context, 1, kernels::CloseStep{norm.data(), numbers_.data()});
    arrivals_[sent_++ % most_given].send(numbers_.data());
  }

  /// Waits for the oldest step that was sent and not read: its mean loss and gradient norm.
  std::pair<double, double> read() {
    const auto& step = arrivals_[read_++ % most_given].read();
    return {step[kernels::step_loss], step[kernels::step_norm]};
  }

 private:
  Numbers numbers_ = Numbers::zeros({kernels::step_numbers});
  std::array<device::Arrival<std::array<double, kernels::step_numbers>>, most_given> arrivals_;
  std::size_t sent_ = 0, read_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA

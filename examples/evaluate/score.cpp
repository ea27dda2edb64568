#include <evaluate/score.hpp>

#include <common/models.hpp>
#include <common/progress.hpp>
#include <common/tokenizers.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace evaluation {

using namespace ligase_cli;

namespace {

template <class Backbone, class D, class P>
std::vector<WindowScore> score_with(const Options& o, const Sample& sample, const Measure& measure) {
  const auto model = AnyModel<Backbone, D, P>::load(o.checkpoint.string(), o.tokenizer);
  auto context = context_of<D>(o.common);
  Progress progress("evaluate", "windows", static_cast<Index>(sample.windows.size()), o.common.quiet);
  auto scores = score_windows(
      measure, sample.windows, tokens_per_call,
      [&](const Tensor<TokenId>& ids, std::shared_ptr<const std::vector<Index>> offsets) {
        context.offsets = std::move(offsets);
        return to_host_wide(model.network().logits(context, to_device<D>(ids)));
      },
      [&](Index passes) { progress.update(passes / measure.passes()); });
  progress.finish();
  return scores;
}

}  // namespace

std::vector<WindowScore> score_model(const Options& o, const Sample& sample, const Measure& measure) {
  auto scores = with_model(o.model, o.common, [&]<class Backbone, class D, class P>() {
    return score_with<Backbone, D, P>(o, sample, measure);
  });
  const auto has_target = [](const WindowScore& score) { return score.letters.targets > 0; };
  if (std::none_of(scores.begin(), scores.end(), has_target))
    throw Error{{.kind = ErrorKind::input,
                 .what = "no base of the " + o.split + " windows can be predicted",
                 .where = o.bed.string(),
                 .expected = "windows with A, C, G or T, long enough (--length) for a masked one",
                 .found = std::to_string(scores.size()) + " windows of " + std::to_string(o.length) + " bp"}};
  return scores;
}

}  // namespace evaluation

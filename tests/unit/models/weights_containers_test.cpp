#include <doctest/doctest.h>

#include <ligase/instantiate.hpp>
#include <ligase/io/checkpoint_file.hpp>
#include <ligase/model.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/io/temporary_folder.hpp>

using namespace ligase;
using namespace ligase_test;
namespace fs = std::filesystem;

namespace {

using Caduceus = Model<BiMamba<None>, CharTokenizer>;

std::vector<std::vector<float>> bits(const Caduceus& model) {
  std::vector<std::vector<float>> all;
  visit_tensors(model.network(), [&](const std::string&, const auto& x, bool) {
    if constexpr (std::is_same_v<typename std::remove_cvref_t<decltype(x.value)>::Element, float>)
      all.emplace_back(x.value.span().begin(), x.value.span().end());
  });
  return all;
}

}  // namespace

TEST_CASE("every container of one checkpoint gives the same model") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("no reference material: containers not loaded");
    return;
  }
  const fs::path golden = *shared / "reference" / "golden" / "caduceus_ph";
  const auto expected = bits(Caduceus::load(golden.string()));
  CHECK(expected.size() > 30);
  for (const char* container : {"model.safetensors", "pytorch_model.bin", "last.ckpt"}) {
    CAPTURE(container);
    TemporaryFolder folder;
    fs::copy_file(golden / container, folder / container);
    fs::copy_file(golden / "config.json", folder / "config.json");
    CHECK(bits(Caduceus::load(folder.path().string())) == expected);
    CHECK(bits(Caduceus::load((folder / container).string())) == expected);
  }
  // The training repository's names of the configuration and of the checkpoint.
  TemporaryFolder folder;
  fs::copy_file(golden / "last.ckpt", folder / "epoch=1.ckpt");
  fs::copy_file(golden / "config.json", folder / "model_config.json");
  CHECK(bits(Caduceus::load(folder.path().string())) == expected);
  const auto fresh = bits(Caduceus({.d_model = 32, .n_layer = 2}));
  CHECK(fresh != expected);
}

#include <support/shared.hpp>
#include <unit/io/temporary_folder.hpp>

#include <ligase/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace ligase;
namespace fs = std::filesystem;

namespace {

const fs::path data = fs::path(LIGASE_SOURCE_DIR) / "tests" / "golden" / "data";

struct Outcome {
  int exit_code = -1;
  std::string text;         ///< stdout and stderr
  std::vector<Json> cases;  ///< a line each
  Json totals;              ///< the last line

  const Json& of(const std::string& name) const {
    const auto found = std::find_if(cases.begin(), cases.end(), [&](const Json& one) { return one["case"] == name; });
    REQUIRE_MESSAGE(found != cases.end(), name << " is not in:\n" << text);
    return *found;
  }
};

Outcome verify(const fs::path& folder, const std::string& flags = "") {
  const std::string command =
      std::string("'") + LIGASE_VERIFY + "' --threads 2 " + flags + " '" + folder.string() + "' 2>&1";
  Outcome outcome;
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) outcome.text.append(buffer, n);
  const int status = ::pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  for (std::size_t begin = 0; begin < outcome.text.size();) {
    const std::size_t end = std::min(outcome.text.find('\n', begin), outcome.text.size());
    const Json line = Json::parse(outcome.text.substr(begin, end - begin), nullptr, false);
    if (line.is_object() && line.contains("case")) outcome.cases.push_back(line);
    if (line.is_object() && line.contains("passed")) outcome.totals = line;
    begin = end + 1;
  }
  return outcome;
}

void check_all(const Outcome& outcome, const std::vector<std::string>& names) {
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.text);
  for (const std::string& name : names) {
    const Json& one = outcome.of(name);
    CHECK_MESSAGE(one["status"] == "pass", one.dump());
    CHECK(one["tensors"].get<Index>() > 0);
  }
  Index passed = 0;
  for (const Json& one : outcome.cases) {
    passed += one["status"] == "pass";
    for (const char* field :
         {"case", "status", "reason", "tensors", "worst_tensor", "worst_relative_l2", "worst_max_abs"})
      CHECK_MESSAGE(one.contains(field), one.dump());
  }
  CHECK(outcome.totals["passed"] == passed);
  CHECK(outcome.totals["failed"] == 0);
}

const std::vector<std::string> committed{"caduceus_ps_3layer", "causal_conv1d_norms", "char_tokenizer",
                                         "gb_cnn",             "hg38_intervals",      "lr_schedule",
                                         "selective_scan_L37"};

const std::vector<std::string> shared_cases{"caduceus_ph",
                                            "caduceus_ph_cls",
                                            "caduceus_ph_cls_conjoin",
                                            "caduceus_ph_untied_mul_layernorm",
                                            "caduceus_ps",
                                            "caduceus_ps_3layer",
                                            "caduceus_ps_cls",
                                            "caduceus_ps_unfused",
                                            "causal_conv1d_norms",
                                            "char_tokenizer",
                                            "finetune_ph_decoder_conjoin_test",
                                            "finetune_ps_decoder",
                                            "gb_cnn",
                                            "hg38_intervals",
                                            "lr_schedule",
                                            "mamba_lm",
                                            "selective_scan_L300",
                                            "selective_scan_L37",
                                            "train_adamw_ph"};

void check_shared(const char* flags) {
  const auto folder = ligase_test::shared();
  if (!folder) {
    MESSAGE("no reference material beside the checkout");
    return;
  }
  const Outcome outcome = verify(*folder / "reference" / "golden", flags);
  check_all(outcome, shared_cases);
  for (const Json& one : outcome.cases)
    if (one["status"] == "skipped")
      CHECK_MESSAGE(one["reason"].get<std::string>().starts_with("not built yet: "), one.dump());
}

/// A tensor file in memory, to be changed and written.
class Editable {
 public:
  explicit Editable(const fs::path& path) : path_(path) {
    const Safetensors file(path);
    for (const TensorView& view : file.tensors())
      tensors_.push_back({view.name, view.dtype, view.shape, {view.bytes.begin(), view.bytes.end()}});
  }
  struct Entry {
    std::string name;
    DType dtype;
    Shape shape;
    std::vector<std::byte> bytes;
  };
  Entry& at(const std::string& name) {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const Entry& e) { return e.name == name; });
    REQUIRE(found != tensors_.end());
    return *found;
  }
  void remove(const std::string& name) {
    std::erase_if(tensors_, [&](const Entry& e) { return e.name == name; });
  }
  template <class T>
  void add(const std::string& name, std::size_t element, T difference) {
    T value;
    std::byte* p = at(name).bytes.data() + element * sizeof(T);
    std::memcpy(&value, p, sizeof value);
    value += difference;
    std::memcpy(p, &value, sizeof value);
  }
  void keep_only(const std::set<std::string>& names) {
    std::erase_if(tensors_, [&](const Entry& e) { return !names.contains(e.name); });
  }
  void write() const {
    std::vector<TensorRecord> records;
    for (const Entry& e : tensors_) records.push_back({e.name, e.dtype, e.shape, e.bytes.data()});
    write_safetensors(path_, records);
  }

 private:
  fs::path path_;
  std::vector<Entry> tensors_;
};

void edit_tensors(const fs::path& file, const std::function<void(Editable&)>& change) {
  Editable tensors(file);
  change(tensors);
  tensors.write();
}
void edit_json(const fs::path& file, const std::function<void(Json&)>& change) {
  Json json = parse_json_file(file);
  change(json);
  write_json_file(file, json);
}

/// A copy of the committed case, changed; it has to fail, with `reason` in its reason.
void expect_failure(const std::string& name, const std::string& reason,
                    const std::function<void(const fs::path&)>& change) {
  const ligase_test::TemporaryFolder folder;
  fs::copy(data / name, folder / "case", fs::copy_options::recursive);
  change(folder / "case");
  const Outcome outcome = verify(folder / "case", "--precision fp64");
  CHECK_MESSAGE(outcome.exit_code == 1, outcome.text);
  REQUIRE(outcome.cases.size() == 1);
  CHECK(outcome.cases[0]["status"] == "fail");
  CHECK_MESSAGE(outcome.cases[0]["reason"].get<std::string>().find(reason) != std::string::npos, outcome.text);
  CHECK(outcome.totals["failed"] == 1);
}

}  // namespace

TEST_CASE("golden_fp32: the shared golden vectors") { check_shared("--precision fp32"); }
TEST_CASE("golden_fp64: the shared golden vectors") { check_shared("--precision fp64"); }

TEST_CASE("the committed golden vectors, in float and double") {
  check_all(verify(data), committed);
  check_all(verify(data, "--precision fp64"), committed);
}

TEST_CASE("verify fails a language model whose results are not those of the file") {
  const std::string name = "caduceus_ps_3layer";
  const auto results = [&](const std::string& reason, const std::function<void(Editable&)>& change) {
    expect_failure(name, reason, [&](const fs::path& folder) { edit_tensors(folder / "cases.safetensors", change); });
  };
  results("logits_f64", [](Editable& t) { t.add("logits_f64", 100, 1e-3); });
  results("logits:", [](Editable& t) { t.add("logits", 100, 1e-3F); });
  results("grad.caduceus.backbone.norm_f.weight",
          [](Editable& t) { t.add("grad.caduceus.backbone.norm_f.weight", 3, 1e-5F); });
  results("hidden.layers.1.residual", [](Editable& t) { t.add("hidden.layers.1.residual", 7, 1e-4F); });
  results("rc.", [](Editable& t) { t.add<std::int64_t>("rc.input_ids", 5, 1); });
  results("NaN", [](Editable& t) { t.add("logits", 0, std::numeric_limits<float>::quiet_NaN()); });
  results("verify does not understand this tensor",
          [](Editable& t) { t.at("hidden.final_norm").name = "hidden.final_nrom"; });
  results("grad.extra", [](Editable& t) { t.at("grad.caduceus.backbone.norm_f.weight").name = "grad.extra"; });
  results("shape", [](Editable& t) { t.at("logits").shape = {48, 2, 16}; });
  results("input_ids", [](Editable& t) { t.remove("input_ids"); });
  results("\"labels\"", [](Editable& t) { t.remove("labels"); });
  results("\"rc.input_ids\"", [](Editable& t) { t.remove("rc.input_ids"); });
  results("holds no result", [](Editable& t) { t.keep_only({"input_ids", "labels"}); });
}

TEST_CASE("verify fails a language model whose weights or configuration were changed") {
  const std::string name = "caduceus_ps_3layer";
  const auto config = [&](const std::string& reason, const std::function<void(Json&)>& change) {
    expect_failure(name, reason, [&](const fs::path& folder) { edit_json(folder / "config.json", change); });
  };
  // The names of the norms go with the flag: with both changed, only the numbers can tell.
  config("norm.submodule.weight", [](Json& c) { c["fused_add_norm"] = false; });
  expect_failure(name, "times the bound", [](const fs::path& folder) {
    edit_json(folder / "config.json", [](Json& c) { c["fused_add_norm"] = false; });
    edit_tensors(folder / "model.safetensors", [](Editable& t) {
      for (const std::string place : {"layers.0.norm", "layers.1.norm", "layers.2.norm", "norm_f"})
        t.at("caduceus.backbone." + place + ".weight").name = "caduceus.backbone." + place + ".submodule.weight";
    });
    edit_tensors(folder / "cases.safetensors", [](Editable& t) { t.keep_only({"input_ids", "logits"}); });
  });
  config("complement", [](Json& c) { c["complement_map"]["7"] = 8; });
  config("times the bound", [](Json& c) { c["norm_epsilon"] = 1e-3; });
  config("n_layer", [](Json& c) { c["n_layer"] = 1000000000; });
  config("wrong type", [](Json& c) { c["d_model"] = "16"; });
  config("shape", [](Json& c) { c["d_model"] = 17; });
  config("times the bound", [](Json& c) { c["bidirectional_strategy"] = "ew_multiply"; });
  const auto weights = [&](const std::string& reason, const std::function<void(Editable&)>& change) {
    expect_failure(name, reason, [&](const fs::path& folder) { edit_tensors(folder / "model.safetensors", change); });
  };
  weights("times the bound", [](Editable& t) { t.add("caduceus.backbone.norm_f.weight", 2, 0.01F); });
  weights("missing tensors", [](Editable& t) { t.remove("caduceus.backbone.norm_f.weight"); });
  weights("unexpected tensors",
          [](Editable& t) { t.at("caduceus.backbone.norm_f.weight").name = "caduceus.backbone.norm_g.weight"; });
}

TEST_CASE("verify fails cases with missing, empty and truncated files") {
  const std::string name = "caduceus_ps_3layer";
  for (const char* file : {"cases.safetensors", "model.safetensors", "config.json"}) {
    expect_failure(name, file, [&](const fs::path& folder) { fs::remove(folder / file); });
    expect_failure(name, file, [&](const fs::path& folder) { fs::resize_file(folder / file, 0); });
    expect_failure(name, file,
                   [&](const fs::path& folder) { fs::resize_file(folder / file, fs::file_size(folder / file) - 10); });
  }
  expect_failure(name, "nothing tells",
                 [](const fs::path& folder) { write_file(folder / "config.json", "{\"a\": 1}"); });
}

TEST_CASE("verify fails changed operations, schedules, intervals and tokenizers") {
  expect_failure("selective_scan_L37", "rev.last_state", [](const fs::path& folder) {
    edit_tensors(folder / "cases.safetensors", [](Editable& t) { t.add("rev.last_state", 9, 1e-3F); });
  });
  expect_failure("selective_scan_L37", "sideways.out", [](const fs::path& folder) {
    edit_tensors(folder / "cases.safetensors", [](Editable& t) { t.at("fwd.out").name = "sideways.out"; });
  });
  expect_failure("selective_scan_L37", "unknown operation", [](const fs::path& folder) {
    edit_json(folder / "config.json", [](Json& c) { c["op"] = "selective_scam"; });
  });
  expect_failure("causal_conv1d_norms", "layernorm.res.grad.bias", [](const fs::path& folder) {
    edit_tensors(folder / "cases.safetensors", [](Editable& t) { t.add("layernorm.res.grad.bias", 1, 1e-3F); });
  });
  expect_failure("gb_cnn", "after.cnn_model.1.running_mean",
                 [](const fs::path& folder) { edit_json(folder / "config.json", [](Json& c) { c["bn_momentum"] = 0.2; }); });
  expect_failure("gb_cnn", "train.logits",
                 [](const fs::path& folder) { edit_json(folder / "config.json", [](Json& c) { c["bn_eps"] = 1e-3; }); });
  expect_failure("lr_schedule", "times the bound", [](const fs::path& folder) {
    edit_json(folder / "cases.json", [](Json& c) { c[0]["points"][3][1] = 0.007992002; });
  });
  expect_failure("hg38_intervals", "[4]", [](const fs::path& folder) {
    edit_json(folder / "cases.json", [](Json& c) { c[4]["result"][0] = 7; });
  });
  expect_failure("char_tokenizer", "cases[2]", [](const fs::path& folder) {
    edit_json(folder / "cases.json", [](Json& c) { c["cases"][2]["ids"][0] = 5; });
  });
  expect_failure("char_tokenizer", "surprise",
                 [](const fs::path& folder) { edit_json(folder / "cases.json", [](Json& c) { c["surprise"] = 1; }); });
}

TEST_CASE("systems that are not built are skipped, never passed") {
  const ligase_test::TemporaryFolder folder;
  fs::create_directories(folder / "evo2");
  write_file(folder / "evo2/config.json", "{\"hcl_layer_idxs\": [1]}");
  const Outcome outcome = verify(folder.path());
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.of("evo2")["status"] == "skipped");
  CHECK(outcome.of("evo2")["reason"] == "not built yet: Evo 2");
  CHECK(outcome.totals == Json({{"passed", 0}, {"failed", 0}, {"skipped", 1}}));
}

TEST_CASE("verify refuses folders that are not there or hold nothing, and bad flags") {
  const ligase_test::TemporaryFolder folder;
  const auto refused = [](const fs::path& path, const std::string& flags, const char* text) {
    const Outcome outcome = verify(path, flags);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.cases.empty());
    CHECK_MESSAGE(outcome.text.find(text) != std::string::npos, outcome.text);
  };
  refused(folder / "nowhere", "", "no such folder");
  refused(folder.path(), "", "no case lies in this folder");
  refused(data / "README.md", "", "not a folder");
  refused(data, "--precision fp16", "one of fp32, fp64, bf16");
  refused(data, "--device cuda", "built without CUDA");
  refused(data, "--presicion fp64", "did you mean '--precision'");
  refused(data, "--data /nowhere/at/all", "no such folder");
}

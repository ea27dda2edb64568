#include "verify/cases.hpp"

#include <common/models.hpp>
#include <common/outputs.hpp>
#include <common/program.hpp>

#include <ligase/io/json.hpp>

#include <cstdio>
#include <exception>
#include <new>

namespace {

using namespace ligase_verify;
using ligase::Error;
using ligase::ErrorKind;
using ligase::OrderedJson;

void run(const CaseFolder& folder, Kind kind, Tally& tally) {
  switch (kind) {
    case Kind::selective_scan:
    case Kind::conv_and_norms:
    case Kind::cnn: return verify_operation(folder, kind, tally);
    case Kind::mamba:
    case Kind::caduceus:
    case Kind::training: return verify_language_model(folder, kind, tally);
    case Kind::caduceus_classifier:
    case Kind::caduceus_finetuning: return verify_classifier(folder, kind, tally);
    case Kind::schedules: return verify_schedules(folder, tally);
    case Kind::intervals: return verify_intervals(folder, tally);
    case Kind::char_tokenizer: return verify_char_tokenizer(folder, tally);
    case Kind::tokenizers: return verify_tokenizers(folder, tally);
    case Kind::not_built: return;
  }
}

struct Totals {
  Index passed = 0, failed = 0, skipped = 0;
  OrderedJson json() const { return {{"passed", passed}, {"failed", failed}, {"skipped", skipped}}; }
};

/// Runs one case and reports it; what its files are to blame for is a failed case, not an error of the program.
OrderedJson report(const CaseFolder& folder, Arithmetic arithmetic, Totals& totals) {
  Tally tally(arithmetic);
  std::string not_built;
  try {
    const Recognised recognised = recognise(folder.path);
    if (recognised.kind == Kind::not_built)
      not_built = "not built yet: " + recognised.system;
    else if (recognised.kind == Kind::intervals && verify_intervals == nullptr)
      not_built = "this program was built without HTSlib";
    else if (recognised.kind == Kind::cnn && arithmetic == Arithmetic::bf16)
      not_built = "the CNN does not compute in bf16";
    else
      run(folder, recognised.kind, tally);
  } catch (const std::bad_alloc&) {
    tally.failure("out of memory");
  } catch (const std::exception& error) {
    tally.failure(error.what());
  }
  const bool skipped = !not_built.empty();
  ++(skipped ? totals.skipped : tally.failed() ? totals.failed : totals.passed);
  return {{"case", folder.name},
          {"status", skipped          ? "skipped"
                     : tally.failed() ? "fail"
                                      : "pass"},
          {"reason", skipped ? not_built : tally.reason()},
          {"tensors", tally.compared()},
          {"worst_tensor", tally.worst_name()},
          {"worst_relative_l2", tally.worst().relative_l2},
          {"worst_max_abs", tally.worst().max_abs}};
}

/// Names of files may be any bytes.
void print_line(const OrderedJson& json) {
  std::puts(json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

std::vector<CaseFolder> cases_below(const std::vector<std::string>& folders) {
  if (folders.empty())
    throw Error{{.kind = ErrorKind::usage, .what = "no folder is given", .expected = "verify DIR..."}};
  std::vector<CaseFolder> cases;
  for (const std::string& folder : folders) {
    if (!std::filesystem::is_directory(folder))
      throw Error{{.kind = ErrorKind::input,
                   .what = std::filesystem::exists(folder) ? "not a folder" : "no such folder",
                   .where = folder,
                   .expected = "a folder that holds golden cases"}};
    const std::vector<CaseFolder> below = find_cases(folder);
    if (below.empty())
      throw Error{{.kind = ErrorKind::input,
                   .what = "no case lies in this folder or below it",
                   .where = folder,
                   .expected = "cases.safetensors, cases.json or config.json"}};
    cases.insert(cases.end(), below.begin(), below.end());
  }
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  return ligase_cli::run_program(argc, argv, [](int count, char** words) {
    ligase_cli::Arguments arguments(
        "verify", "Runs golden cases of the reference implementations and compares every result that they hold.",
        "verify --precision fp64 reference/golden/caduceus_ps\nverify reference/golden");
    arguments.positional("DIR...", "folders that hold cases, or folders of them")
        .option("data", "DIR", "",
                "vocabulary files (default: the first data/tokenizers above the case, then $LIGASE_DATA)")
        .common_flags();
    if (!arguments.parse(count, words)) return 0;
    const ligase_cli::CommonFlags flags = arguments.common();
    ligase_cli::check_device(flags);
    const Arithmetic arithmetic = flags.precision == "fp64"   ? Arithmetic::fp64
                                  : flags.precision == "bf16" ? Arithmetic::bf16
                                                              : Arithmetic::fp32;
    if (arguments.given("data") && !std::filesystem::is_directory(arguments.path("data")))
      throw Error{
          {.kind = ErrorKind::input, .what = "no such folder", .where = "--data", .found = arguments.text("data")}};

    std::vector<CaseFolder> cases = cases_below(arguments.rest());
    std::vector<std::filesystem::path> folders;
    for (const CaseFolder& folder : cases) folders.push_back(folder.path);
    ligase_cli::check_output("--json", flags.json, folders);

    Totals totals;
    OrderedJson lines = OrderedJson::array();
    for (CaseFolder& folder : cases) {
      folder.threads = flags.threads;
      folder.on_gpu = flags.device == "cuda";
      if (arguments.given("data")) folder.data = arguments.path("data");
      lines.push_back(report(folder, arithmetic, totals));
      print_line(lines.back());
    }
    print_line(totals.json());
    if (!flags.json.empty()) {
      OrderedJson all = totals.json();
      all["cases"] = lines;
      ligase::write_file(flags.json, all.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
    }
    return totals.failed == 0 ? 0 : 1;
  });
}

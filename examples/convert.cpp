#include <common/checkpoint_files.hpp>
#include <common/models.hpp>
#include <common/outputs.hpp>
#include <common/program.hpp>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/char_files.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace ligase;
using namespace ligase_cli;
namespace fs = std::filesystem;

constexpr const char* purpose =
    R"(Writes a checkpoint as a folder in the Hugging Face layout: config.json, model.safetensors, tokenizer files.

Reads model.safetensors, pytorch_model.bin, sharded files with an index and Lightning's .ckpt; runs nothing that stands
in them. Tensors are checked against the configuration, tied ones are written once, names sorted, without a word about
the source: equal tensors give equal bytes. Fields of config.json that ligase does not know are kept. Weights are written
as float32, with --precision fp64 as float64.
)";

struct Options {
  CommonFlags common;
  CheckpointFiles files;
  fs::path source, out;  ///< folders
  std::string model;
  bool overwrite = false;
};

void check_out(const Options& o) {
  std::error_code ignored;
  check_output_folder("--out", o.out);
  if (fs::equivalent(o.source, o.out, ignored))
    throw Error{{.kind = ErrorKind::usage,
                 .what = "is the folder of the checkpoint",
                 .where = "--out",
                 .expected = "another folder",
                 .found = "'" + o.out.string() + "'"}};
  if (!o.overwrite && fs::is_directory(o.out, ignored) && !fs::is_empty(o.out, ignored))
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the folder is not empty",
                 .where = "--out",
                 .expected = "a new folder, or --overwrite",
                 .found = "'" + o.out.string() + "'"}};
}

/// Makes a folder next to the one that is wanted, which it becomes when everything lies in it, or inside one that exists; else
/// nothing of it is left.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& wanted)
      : wanted_((fs::absolute(wanted) / "").lexically_normal().parent_path()), is_there_(fs::is_directory(wanted_)) {
    const fs::path around = is_there_ ? wanted_ : wanted_.parent_path();
    for (fs::path missing = around; !fs::exists(missing); missing = missing.parent_path()) made_.push_back(missing);
    fs::create_directories(around);
    temporary_ = around / (".convert." + std::to_string(::getpid()) + ".tmp");
    fs::create_directory(temporary_);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
    for (const fs::path& folder : made_) fs::remove(folder, ignored);  // where it is empty
  }
  const fs::path& path() const { return temporary_; }

  /// The error with the name that the file would have had in the end.
  Error with_final_name(const Error& e) const {
    Error::Fields fields = e.fields();
    if (fields.where.starts_with(temporary_.string()))
      fields.where.replace(0, temporary_.native().size(), wanted_.string());
    return Error(std::move(fields));
  }

  /// A folder that is there already takes the files one by one, each whole.
  void move_into_place() {
    if (is_there_) {
      for (const auto& file : fs::directory_iterator(temporary_)) fs::rename(file.path(), wanted_ / file.path().filename());
    } else {
      fs::rename(temporary_, wanted_);
      temporary_.clear();
    }
    sync_folder(wanted_);
    sync_folder(wanted_.parent_path());
  }

 private:
  fs::path wanted_, temporary_;
  bool is_there_ = false;
  std::vector<fs::path> made_;  ///< the innermost first
};

/// Everything that makes the checkpoint, into a folder.
template <class Backbone, class Network>
void write_checkpoint(const Options& o, const typename Backbone::Config& config, const Network& network,
                      const fs::path& folder) {
  save_weights(network, folder / "model.safetensors");
  write_json_file(folder / "config.json", Backbone::write_config(config));
  bool has_tokenizer = false;
  for (const char* name : tokenizer_files)
    if (fs::is_regular_file(o.source / name)) {
      write_file(folder / name, read_file(o.source / name));
      has_tokenizer = true;
    }
  if constexpr (requires { config.complement_map; })
    if (const CharTokenizer characters;
        !has_tokenizer && config.padded_vocab_size() == 16 &&
        (config.complement_map.empty() || config.complement_map == characters.complement_map(16)))
      save_tokenizer(characters, folder);
}

template <class Backbone, class P>
void convert(const Options& o) {
  const std::string config_file = o.files.config.string();
  const auto config = Backbone::read_config(parse_json_file<Json>(config_file), config_file);
  const StateDict weights = open_weights(o.files.weights);
  Backbone::check_against_weights(config, config_file, weights.data_bytes());
  LanguageModel<Backbone, cpu, P> network(config);
  load_weights(network, weights);

  NewFolder folder(o.out);
  try {
    write_checkpoint<Backbone>(o, config, network, folder.path());
  } catch (const Error& e) {
    throw folder.with_final_name(e);
  }
  folder.move_into_place();

  const Index parameters = parameter_count(network);
  if (!o.common.quiet)
    std::printf("%s %s: %lld parameters written to %s\n", o.model.c_str(), o.files.weights.c_str(),
                static_cast<long long>(parameters), o.out.c_str());
  if (!o.common.json.empty())
    write_json_file(o.common.json, OrderedJson{{"model", o.model},
                                               {"weights", o.files.weights.string()},
                                               {"out", o.out.string()},
                                               {"parameters", parameters}});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("convert", purpose, "convert --checkpoint outputs/last.ckpt --out caduceus-ph");
    a.required("checkpoint", "DIR", "folder with a configuration and weights, a file of weights, or a pretrain --out folder")
        .required("out", "DIR", "folder to write, which must not hold anything")
        .toggle("overwrite", "replace these files in a folder that holds some")
        .common_flags();
    if (!a.parse(count, words)) return;
    Options o;
    o.common = a.common();
    check_host(o.common, "checkpoints are read and written");
    o.overwrite = a.on("overwrite");
    o.out = a.path("out");
    o.model = model_of_checkpoint(a.text("checkpoint"));
    o.files = find_checkpoint_files(a.text("checkpoint"));
    o.source = o.files.config.parent_path();
    check_out(o);
    std::vector<fs::path> own = files_of_checkpoint(o.out);
    own.push_back(o.out);
    std::vector<fs::path> inputs = files_of_checkpoint(o.source);
    inputs.push_back(o.files.weights);
    check_output("--json", o.common.json, inputs);
    check_apart("--json", o.common.json, "--out", own);
    with_named_backbone(o.model, [&]<class Backbone>() {
      o.common.precision == "fp64" ? convert<Backbone, fp64>(o) : convert<Backbone, fp32>(o);
    });
  });
}

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

/// What goes along as it is: the names under which transformers keeps tokenizers.
constexpr const char* tokenizer_files[] = {"tokenizer.json",          "tokenizer_config.json", "special_tokens_map.json",
                                           "added_tokens.json",       "vocab.txt",             "vocab.json",
                                           "merges.txt"};

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

/// Makes a folder next to the one that is wanted, which it becomes when everything lies in it; else nothing of it is left.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& wanted) : wanted_((fs::absolute(wanted) / "").lexically_normal().parent_path()) {
    fs::create_directories(wanted_.parent_path());
    temporary_ = wanted_.parent_path() / ("." + wanted_.filename().string() + "." + std::to_string(::getpid()) + ".tmp");
    fs::create_directory(temporary_);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  }
  const fs::path& path() const { return temporary_; }

  /// A folder that is there already takes the files one by one, each whole.
  void move_into_place() {
    if (fs::is_directory(wanted_)) {
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
};

template <class Backbone, class P>
void convert(const Options& o) {
  const std::string config_file = o.files.config.string();
  const auto config = Backbone::read_config(parse_json_file<Json>(config_file), config_file);
  const StateDict weights = open_weights(o.files.weights);
  Backbone::check_against_weights(config, config_file, weights.data_bytes());
  LanguageModel<Backbone, cpu, P> network(config);
  load_weights(network, weights);

  NewFolder folder(o.out);
  save_weights(network, folder.path() / "model.safetensors");
  write_json_file(folder.path() / "config.json", Backbone::write_config(config));
  bool has_tokenizer = false;
  for (const char* name : tokenizer_files)
    if (fs::is_regular_file(o.source / name)) {
      write_file(folder.path() / name, read_file(o.source / name));
      has_tokenizer = true;
    }
  if constexpr (requires { config.complement_map; })
    if (const CharTokenizer characters; !has_tokenizer && config.padded_vocab_size() == 16 &&
                                        (config.complement_map.empty() || config.complement_map == characters.complement_map(16)))
      save_tokenizer(characters, folder.path());
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
    check_output("--json", o.common.json, {o.files.config, o.files.weights});
    with_named_backbone(o.model, [&]<class Backbone>() {
      o.common.precision == "fp64" ? convert<Backbone, fp64>(o) : convert<Backbone, fp32>(o);
    });
  });
}

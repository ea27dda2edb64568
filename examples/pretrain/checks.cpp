#include <pretrain/checks.hpp>

#include <common/checkpoint_files.hpp>
#include <common/outputs.hpp>
#include <common/tokenizers.hpp>

#include <ligase/io/json.hpp>
#include <ligase/train/log.hpp>

#include <string>
#include <system_error>
#include <vector>

namespace pretrain {

Json flags_of(const Options& o) {
  const auto place = [](const std::filesystem::path& p) { return p.empty() ? "" : ligase_cli::resolved(p).string(); };
  Json flags{{"model", o.model},
             {"objective", o.objective},
             {"fasta", place(o.fasta)},
             {"bed", place(o.bed)},
             {"intervals", o.intervals},
             {"tokenizer", o.tokenizer_name},
             {"fit", o.packed ? "packed" : "padded"},
             {"length", o.length},
             {"steps", o.steps},
             {"batch-size", o.batch_size},
             {"accumulate", o.accumulate},
             {"learning-rate", o.learning_rate},
             {"mlm-probability", o.mlm_probability},
             {"rc-augment", o.rc_augment},
             {"d-model", o.d_model},
             {"n-layer", o.n_layer},
             {"checkpoint", o.checkpoint.string()},
             {"recompute", o.recompute.text()},
             {"precision", o.common.precision},
             {"seed", o.common.seed},
             {"save-every", o.save_every},
             {"eval-every", o.eval_every}};
  if (!o.ids.empty()) flags["ids"] = place(o.ids);
  if (!o.valid_ids.empty()) flags["valid-ids"] = place(o.valid_ids);
  return flags;
}

void check_outputs(const Options& o) {
  const RunFolder run{o.out};
  ligase_cli::check_output_folder("--out", o.out);
  ligase_cli::check_output_folder("--out", run.checkpoint());
  const std::filesystem::path& json = o.common.json;
  if (json.empty()) return;
  bool is_of_run = ligase_cli::lies_in(json, run.checkpoint());
  for (const auto& own : {run.root, run.state(), run.log(), run.root / "intervals.bed"})
    is_of_run = is_of_run || ligase_cli::is_same_file(json, own);
  if (is_of_run)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "names a part of the run",
                 .where = "--json",
                 .expected = "another file name",
                 .found = "'" + json.string() + "'"}};
  std::vector<std::filesystem::path> inputs;
  if (!o.checkpoint.empty()) inputs = ligase_cli::files_of_checkpoint(o.checkpoint);
  inputs.insert(inputs.end(), {o.fasta, o.bed, o.ids, o.valid_ids, ligase_cli::file_of_tokenizer(o.tokenizer_name)});
  ligase_cli::check_output("--json", json, inputs, o.dry_run ? "" : o.out);
}

void check_vacant(const Options& o) {
  std::error_code ignored;
  const bool occupied = std::filesystem::exists(o.out, ignored) && !std::filesystem::is_empty(o.out, ignored);
  if (occupied && !o.resume && !o.overwrite)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the output folder is not empty",
                 .where = o.out.string(),
                 .expected = "--resume to go on, --overwrite to begin anew, or another folder"}};
}

void check_vocabulary(const Options& o) {
  if (o.objective == "mlm" && !o.tokenizer.mask())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "a masked model needs a token for what is masked, and this vocabulary has none",
                 .where = "--tokenizer",
                 .expected = "another tokenizer, or --objective causal with a causal model",
                 .found = o.tokenizer.name()}};
  if (!o.packed && !o.tokenizer.pad())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "windows cannot be padded: this vocabulary has no token for it",
                 .where = "--tokenizer",
                 .expected = "--fit packed",
                 .found = o.tokenizer.name()}};
}

void check_counts(const Options& o) {
  Index tokens = o.length;
  for (const Index factor : {o.batch_size, o.accumulate, o.steps})
    if (__builtin_mul_overflow(tokens, factor, &tokens))
      throw Error{{.kind = ErrorKind::usage,
                   .what = "the run would read 2^63 tokens or more",
                   .where = "--length, --batch-size, --accumulate, --steps",
                   .expected = "a smaller product"}};
}

void check_log(const RunFolder& folder, Index saved) {
  std::error_code missing;
  if (saved == 0 || std::filesystem::file_size(folder.log(), missing) == 0 || missing) return;
  Index last = 0;
  detail::for_each_step(read_file(folder.log()), folder.log().string(), [&](const StepReport& report, std::size_t) {
    last = report.step;
    return last < saved;
  });
  if (last < saved)
    throw Error{{.kind = ErrorKind::input,
                 .what = "the log lacks steps that are saved",
                 .where = folder.log().string(),
                 .expected = "step " + std::to_string(saved) + ", or no such file: then a log begins there",
                 .found = last == 0 ? "no complete line" : "step " + std::to_string(last) + " as the last one"}};
}

bool has_whole_checkpoint(const RunFolder& folder) {
  try {
    const std::string config = (folder.checkpoint() / "config.json").string();
    (void)parse_json_file<Json>(config);
    const Safetensors weights(folder.checkpoint() / "model.safetensors");
    return true;
  } catch (const Error&) {
    return false;
  }
}

Error with_advice(const Error& e) {
  if (e.kind() != ErrorKind::io && e.kind() != ErrorKind::numeric) return e;
  Error::Fields fields = e.fields();
  fields.what += e.kind() == ErrorKind::numeric
                     ? " (the same command would come to the same step: begin anew with a smaller --learning-rate)"
                     : " (once that is mended, the same command with --resume goes on)";
  return Error(std::move(fields));
}

}  // namespace pretrain

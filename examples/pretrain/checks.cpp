#include <pretrain/checks.hpp>

#include <common/outputs.hpp>

#include <ligase/io/json.hpp>

#include <sys/sysinfo.h>
#include <cstdio>
#include <string>
#include <system_error>

namespace pretrain {

Json flags_of(const Options& o) {
  const auto absolute = [](const std::filesystem::path& p) { return p.empty() ? "" : std::filesystem::absolute(p).string(); };
  Json flags{{"model", o.model},
             {"objective", o.objective},
             {"fasta", absolute(o.fasta)},
             {"bed", absolute(o.bed)},
             {"intervals", o.intervals},
             {"tokenizer", o.tokenizer_name},
             {"packed", o.packed},
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
  if (!o.ids.empty()) flags["ids"] = absolute(o.ids);
  if (!o.valid_ids.empty()) flags["valid-ids"] = absolute(o.valid_ids);
  return flags;
}

void check_outputs(const Options& o) {
  ligase_cli::check_output_folder("--out", o.out);
  if (o.common.json.empty()) return;
  const auto normal = [](const std::filesystem::path& p) { return std::filesystem::absolute(p).lexically_normal(); };
  const std::filesystem::path json = normal(o.common.json), out = (normal(o.out) / "").parent_path();
  const RunFolder folder{out};
  for (const auto& own : {out, folder.state(), folder.log(), folder.checkpoint(), out / "intervals.bed"})
    if (json == own)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "names a part of the run",
                   .where = "--json",
                   .expected = "another file name",
                   .found = "'" + o.common.json.string() + "'"}};
  std::error_code ignored;
  if (o.dry_run || json.parent_path() != out || std::filesystem::exists(out, ignored))
    ligase_cli::check_output("--json", o.common.json, {o.fasta, o.bed, o.ids, o.valid_ids});
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

void check_memory(double needed) {
  struct sysinfo machine = {};
  if (::sysinfo(&machine) != 0) return;
  const double there = (static_cast<double>(machine.totalram) + static_cast<double>(machine.totalswap)) *
                       static_cast<double>(machine.mem_unit);
  const auto gigabytes = [](double bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
    return std::string(text);
  };
  if (needed > there)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "training would need " + gigabytes(needed) + " of memory or more",
                 .where = "--d-model, --n-layer, --batch-size, --length",
                 .expected = "sizes that fit into " + gigabytes(there)}};
}

Error with_advice(const Error& e) {
  Error::Fields fields = e.fields();
  fields.what += e.kind() == ErrorKind::numeric
                     ? " (the same command would come to the same step: begin anew with a smaller --learning-rate)"
                     : " (once that is mended, the same command with --resume goes on)";
  return Error(std::move(fields));
}

}  // namespace pretrain

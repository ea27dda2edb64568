#include <embed/output.hpp>

#include <ligase/io/npy.hpp>
#include <ligase/io/safetensors_header.hpp>

#include <algorithm>
#include <map>
#include <system_error>

namespace embed {

using namespace ligase;

namespace {

std::string header_of(const std::filesystem::path& path, const std::vector<OutputArray>& arrays, Index width, DType dtype,
                      const std::vector<std::string>& names) {
  Index rows = 0;
  std::vector<SafetensorsEntry> entries;
  for (const OutputArray& a : arrays) {
    const Index begin = rows * width * dtype_bytes(dtype);
    rows += a.rows;
    entries.push_back({a.name, dtype, {a.rows, width}, begin, rows * width * dtype_bytes(dtype)});
  }
  if (OutputFile::is_npy(path)) return compose_npy_header(dtype, {rows, width});
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::map<std::string, std::string> metadata;
  if (!names.empty()) metadata["names"] = dump_json(Json(names), -1);
  return compose_safetensors_header(entries, metadata, path.string());
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path, const std::vector<OutputArray>& arrays, Index width, DType dtype,
                       const std::vector<std::string>& names)
    : file_(path) {
  for (const OutputArray& a : arrays) bytes_ += a.rows * width * dtype_bytes(dtype);
  const std::string header = header_of(path, arrays, width, dtype, names);
  std::error_code unknown;
  const auto room = std::filesystem::space(path.has_parent_path() ? path.parent_path() : ".", unknown);
  if (!unknown && static_cast<std::uintmax_t>(bytes_) + header.size() > room.available)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the disk has no room for the output",
                 .where = "--out",
                 .expected = "at most " + std::to_string(room.available) + " bytes",
                 .found = std::to_string(bytes_) + " bytes"}};
  file_.write(header);
}

void OutputFile::finish() {
  if (written_ != bytes_)
    throw Error{{.kind = ErrorKind::internal,
                 .what = "rows of the output are missing",
                 .where = file_.path().string(),
                 .expected = std::to_string(bytes_) + " bytes",
                 .found = std::to_string(written_)}};
  file_.commit();
}

}  // namespace embed

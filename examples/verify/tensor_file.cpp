#include "tensor_file.hpp"

#include <algorithm>

namespace ligase_verify {
namespace {

bool is_float(DType dtype) {
  return dtype == DType::F16 || dtype == DType::BF16 || dtype == DType::F32 || dtype == DType::F64;
}

std::vector<double> to_doubles(const Safetensors& file, const TensorView& view) {
  std::vector<double> values(static_cast<std::size_t>(view.shape.count()));
  if (is_float(view.dtype)) {
    file.copy_to<double>(view, values);
    return values;
  }
  std::vector<std::int64_t> whole(values.size());
  file.copy_to<std::int64_t>(view, whole);
  std::transform(whole.begin(), whole.end(), values.begin(), [](std::int64_t x) { return static_cast<double>(x); });
  return values;
}

bool is_scalar(const Shape& shape) { return shape.count() == 1 && shape.rank() <= 1; }

}  // namespace

TensorFile::TensorFile(const std::filesystem::path& path, Tally& tally, std::string label)
    : file_(path), tally_(tally), label_(std::move(label)) {}

bool TensorFile::expects_below(std::string_view prefix) const {
  return std::any_of(file_.tensors().begin(), file_.tensors().end(),
                     [&](const TensorView& view) { return view.name.starts_with(prefix); });
}

Tensor<std::int32_t, cpu> TensorFile::integers(const std::string& name, int rank) {
  const Shape& shape = view(name).shape;
  if (shape.rank() != rank || shape.count() == 0)
    throw Error{{.kind = ErrorKind::input,
                 .what = "tensor \"" + name + "\" has the wrong shape",
                 .where = file_.where(),
                 .expected = std::to_string(rank) + " dimensions, none of them 0",
                 .found = shape.text()}};
  return input<std::int32_t>(name);
}

void TensorFile::compare(const std::string& name, const Shape& shape, const std::vector<double>& found,
                         Quantity quantity) {
  for (const std::string& stored : {name, name + "_f64"})
    if (holds(stored)) compare_one(stored, shape, found, quantity);
}

void TensorFile::compare_one(const std::string& name, const Shape& shape, const std::vector<double>& found,
                             Quantity quantity) {
  if (!known_.insert(name).second) return;
  const TensorView& expected = view(name);
  if (!(expected.shape == shape) && !(is_scalar(expected.shape) && is_scalar(shape))) {
    tally_.agree(label_ + name, false, "shape " + expected.shape.text(), shape.text());
    return;
  }
  const bool full = name.ends_with("_f64") || expected.dtype == DType::F64;
  tally_.numbers(label_ + name, to_doubles(file_, expected), found, quantity, full ? Storage::full : Storage::rounded);
}

void TensorFile::finish() {
  for (const TensorView& view : file_.tensors())
    if (!known_.contains(view.name)) tally_.failure(label_ + view.name + ": verify does not understand this tensor");
}

}  // namespace ligase_verify

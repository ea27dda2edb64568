#include "property.hpp"

#include <ligase/io/torch_file.hpp>

/// Any bytes give either an Error of kind `input` or tensors inside the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ligase_fuzz;
  try {
    const StateDict file("fuzz", read_torch_tensors(bytes_of(data, size), "fuzz"), {});
    for (const TensorView& t : file.tensors()) {
      check(file.find(t.name) == &t);
      if (t.shape.count() > 0) check(t.bytes.data() >= bytes_of(data, size).data());
      check(t.bytes.empty() || t.bytes.data() + t.bytes.size() <= bytes_of(data, size).data() + size);
      read_all(file, t);
    }
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
  }
  return 0;
}

#include "property.hpp"

#include <ligase/io/pickle.hpp>

/// Any bytes give either an Error of kind `input` or values whose parts are values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ligase_fuzz;
  using namespace ligase::detail;
  try {
    const Pickle pickle = PickleReader(bytes_of(data, size), "fuzz", std::size_t{28} << 20).read();
    check(pickle.root < pickle.values.size());
    for (PickleId id = 0; id < pickle.values.size(); ++id) {
      check(!pickle.describe(id).empty());
      if (pickle.is(id, PickleKind::tuple))
        for (std::uint32_t i = 0; i < pickle[id].count; ++i) check(pickle.item(id, i) < pickle.values.size());
      if (pickle.is(id, PickleKind::dict))
        pickle.each_field(id, [&](std::string_view, PickleId value) { check(value < pickle.values.size()); });
    }
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
  }
  return 0;
}

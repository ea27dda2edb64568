#include "property.hpp"

#include <ligase/models/caduceus.hpp>
#include <ligase/models/mamba.hpp>

namespace {

/// Either an Error of kind `input`, or a configuration that is written and read back as the same.
template <class Backbone>
void read(const ligase::Json& json) {
  using namespace ligase_fuzz;
  try {
    const auto config = Backbone::read_config(json, "fuzz");
    check(config.d_model > 0 && config.n_layer > 0 && config.vocab_size > 0);
    const std::string text = dump_json(Backbone::write_config(config));
    check(dump_json(Backbone::write_config(Backbone::read_config(parse_json(text, "again"), "again"))) == text);
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ligase_fuzz;
  Json json;
  try {
    json = parse_json(text_of(data, size), "fuzz");
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
    return 0;
  }
  read<BiMamba<RCPS>>(json);
  read<BiMamba<None>>(json);
  read<Mamba>(json);
  return 0;
}

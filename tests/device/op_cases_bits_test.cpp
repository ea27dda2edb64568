#include <device/op_cases.hpp>
#include <device/op_runs.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;

std::vector<OpRun> ligase_test::cpu_float_runs() { return erase_all(op_cases<float, ligase::cpu>(test_sizes())); }

namespace {

/// The batch that holds the given sequences, in this order.
Array choose(const Array& a, Role role, const std::vector<Index>& sequences) {
  if (role == Role::whole) return a;
  const Index strands = role == Role::strands ? 2 : 1, batch = a.shape[0] / strands;
  const Index row = a.shape.count() / a.shape[0];
  Array chosen;
  chosen.shape.push_back(strands * static_cast<Index>(sequences.size()));
  for (int d = 1; d < a.shape.rank(); ++d) chosen.shape.push_back(a.shape[d]);
  for (Index strand = 0; strand < strands; ++strand)
    for (Index s : sequences) {
      const auto from = a.values.begin() + (strand * batch + s) * row;
      chosen.values.insert(chosen.values.end(), from, from + row);
    }
  return chosen;
}

void check_equal(const Arrays& found, const Arrays& expected) {
  for (const auto& [name, a] : expected) {
    const std::string& tensor = name;
    CAPTURE(tensor);
    CHECK(found.at(name).shape == a.shape);
    CHECK(found.at(name).values == a.values);
  }
}

}  // namespace

TEST_CASE("bits do not depend on threads") {
  for (const OpRun& run : cpu_float_runs()) {
    CAPTURE(run.title);
    const Arrays inputs = draw_inputs(run), gradients = draw_gradients(run.run(1, inputs, {}).first);
    const auto [out, din] = run.run(1, inputs, gradients);
    for (int threads : {2, 3}) {
      const auto [out_threads, din_threads] = run.run(threads, inputs, gradients);
      check_equal(out_threads, out);
      check_equal(din_threads, din);
    }
  }
}

TEST_CASE("bits of a sequence do not depend on its place in the batch, nor on its neighbours") {
  std::vector<Sizes> sizes = test_sizes();
  for (Sizes& s : sizes) s.batch = 3;
  for (const OpRun& run : erase_all(op_cases<float, ligase::cpu>(sizes))) {
    CAPTURE(run.title);
    const Arrays inputs = draw_inputs(run), gradients = draw_gradients(run.run(1, inputs, {}).first);
    const auto [out, din] = run.run(2, inputs, gradients);
    for (const std::vector<Index>& sequences : {std::vector<Index>{0}, {1}, {2}, {2, 0, 1}}) {
      std::map<std::string, Role> roles = run.outputs;
      Arrays part, part_gradients;
      for (const Input& input : run.inputs) part[input.name] = choose(inputs.at(input.name), input.role, sequences);
      for (const auto& [name, g] : gradients) part_gradients[name] = choose(g, roles.at(name), sequences);
      const auto [part_out, part_din] = run.run(2, part, part_gradients);
      for (const auto& [name, role] : roles)
        if (role != Role::whole)
          check_equal({{name, part_out.at(name)}}, {{name, choose(out.at(name), role, sequences)}});
      for (const Input& input : run.inputs)
        if (input.role != Role::whole && run.gradients != Role::whole && din.contains(input.name))
          check_equal({{input.name, part_din.at(input.name)}},
                      {{input.name, choose(din.at(input.name), input.role, sequences)}});
    }
  }
}

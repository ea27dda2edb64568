#include <doctest/doctest.h>

#include <ligase/io/npy.hpp>

#include <support/errors.hpp>
#include <unit/io/temporary_folder.hpp>

#include <cstring>
#include <string>

using namespace ligase;

namespace {

std::string file_of(const std::string& dictionary, std::size_t data, char version = 1) {
  std::string text = "\x93NUMPY";
  text += {version, '\0', static_cast<char>(dictionary.size()), '\0'};
  if (version > 1) text += std::string(2, '\0');
  return text + dictionary + std::string(data, 'x');
}

}  // namespace

TEST_CASE("a .npy header is NumPy's own, to the byte") {
  // numpy.save of np.zeros((3, 4), "<f4"): 128 bytes in front of the numbers.
  const std::string header = compose_npy_header(DType::F32, {3, 4});
  CHECK(header.size() == 128);
  CHECK(header.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(header.substr(10, 61) == "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  ");
  CHECK(header.back() == '\n');
  CHECK(compose_npy_header(DType::F64, {7}).find("'<f8', 'fortran_order': False, 'shape': (7,), }") != std::string::npos);
  CHECK(compose_npy_header(DType::I64, {}).find("'shape': (), }") != std::string::npos);
  CHECK(std::string(ligase_test::error_of([] { compose_npy_header(DType::BF16, {1}); }).what()) == "NumPy has no such element type; found BF16");
}

TEST_CASE("what is written is read") {
  const ligase_test::TemporaryFolder folder;
  const auto path = folder.path() / "x.npy";
  const float numbers[] = {1.5F, -2.0F, 3.0F, 4.0F, 5.0F, 6.0F};
  std::string text = compose_npy_header(DType::F32, {2, 3});
  text.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  write_file(path, text);
  const NpyFile file(path);
  CHECK(file.dtype() == DType::F32);
  CHECK(file.shape() == Shape{2, 3});
  CHECK(std::memcmp(file.bytes().data(), numbers, sizeof numbers) == 0);
}

TEST_CASE("a .npy file that lies is refused") {
  const ligase_test::TemporaryFolder folder;
  const auto path = folder.path() / "x.npy";
  const auto refused = [&](const std::string& text) {
    write_file(path, text);
    const std::string message = std::string(ligase_test::error_of([&] { NpyFile file(path); }).what());
    REQUIRE(message.starts_with(path.string() + ": "));
    return message.substr(path.string().size() + 2);
  };
  const std::string good = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n";
  write_file(path, file_of(good, 8, 2));
  CHECK(NpyFile(path).shape() == Shape{2});
  write_file(path, file_of("{'shape': (), 'fortran_order': False, 'descr': '|u1'}", 1));
  CHECK(NpyFile(path).shape().rank() == 0);

  CHECK(refused("").starts_with("no .npy file; expected a file that NumPy wrote, found an empty file"));
  CHECK(refused("PK\3\4 something else").starts_with("no .npy file"));
  CHECK(refused(file_of(good, 8, 4)).starts_with("unknown version of .npy; expected 1 to 3, found 4"));
  CHECK(refused(file_of(good, 8).substr(0, 40)).starts_with("header length does not fit the file; expected at most 30"));
  CHECK(refused(file_of(good, 7)) == "shape does not fit the file (truncated?); expected [2] of 4 bytes each, found 7 bytes of data");
  CHECK(refused(file_of(good, 9)).starts_with("shape does not fit the file"));
  CHECK(refused(file_of("{'descr': '>i4', 'fortran_order': False, 'shape': (2,)}", 8)).starts_with("element type that is not read"));
  CHECK(refused(file_of("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 8)).starts_with("element type that is not read"));
  CHECK(refused(file_of("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 1)}", 8)).starts_with("columns come first"));
  for (const char* header :
       {"", "{", "{}", "{'descr': '<i4'}", "{'descr': '<i4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), 'x': 1}", "{'descr': '<i4', 'fortran_order': No, 'shape': (2,)}",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (2,)} __import__('os')", "{'descr': '<i4"})
    CHECK(refused(file_of(header, 8)).starts_with("header of a .npy file that cannot be read"));
  CHECK(refused(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", 8)).starts_with("impossible shape"));
  CHECK(refused(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (4611686018427387904,)}", 8)).starts_with("shape does not fit"));
  CHECK(refused(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,2)}", 8)).starts_with("impossible shape"));
}

#include <doctest/doctest.h>

#include <ligase/io/safetensors.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/io/temporary_folder.hpp>

using namespace ligase;
using ligase_test::error_of;
using ligase_test::TemporaryFolder;

namespace {

std::span<const std::byte> as_file(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + rest;
}
/// A file of this header and data, its header length right.
std::string file_of(const std::string& header, const std::string& data = {}) {
  return with_length(header.size(), header + data);
}
/// The same with a single tensor "t".
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets, std::size_t data) {
  return file_of(R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
                 std::string(data, '\x01'));
}

std::string message_of(const std::string& file) {
  try {
    const Safetensors unused(as_file(file), "f");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::input);
    CHECK(std::string(e.what()).starts_with("f"));
    return e.what();
  }
  return "no error";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Two tensors, one of them without elements, and metadata.
std::string small_file() {
  return file_of(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"e":{"dtype":"U8","shape":[3,0],"data_offsets":[8,8]},"b":{"dtype":"I16","shape":[1,2],"data_offsets":[8,12]}} )",
      std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0\x01\x00\xff\xff", 12));
}

}  // namespace

TEST_CASE("tensors are found by name, with type, shape and bytes") {
  const std::string bytes = small_file();
  const Safetensors file(as_file(bytes), "f");
  REQUIRE(file.tensors().size() == 3);
  CHECK(file.tensors()[0].name == "a");
  CHECK(file.tensors()[1].name == "b");
  CHECK(file.tensors()[2].name == "e");
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  CHECK(file.at("b").dtype == DType::I16);
  CHECK(file.at("b").shape == Shape{1, 2});
  CHECK(static_cast<const void*>(file.at("b").bytes.data()) == bytes.data() + bytes.size() - 4);
  CHECK(file.at("e").bytes.empty());
  CHECK(file.find("c") == nullptr);
  CHECK(file.find("") == nullptr);
  const auto a = file.to_tensor<float>("a");
  CHECK(a.span()[0] == 1.0F);
  CHECK(a.span()[1] == -2.0F);
  const auto b = file.to_tensor<std::int64_t>("b");
  CHECK(b.span()[0] == 1);
  CHECK(b.span()[1] == -1);
  const Error e = error_of([&] { file.at("c"); });
  CHECK(std::string(e.what()) == "f: the tensor is missing; expected \"c\"");
}

TEST_CASE("every proper prefix of a file is refused") {
  const std::string whole = small_file();
  CHECK(message_of(whole) == "no error");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(message_of(whole.substr(0, n)) != "no error");
  }
  CHECK(contains(message_of(whole + "x"), "bytes after the last tensor; expected 12 bytes of data, found 13"));
  CHECK(contains(message_of(whole.substr(0, whole.size() - 1)), "tensor \"b\" ends beyond the end of the file"));
  CHECK(message_of("1234567") == "f: too short for a safetensors file; expected at least 8 bytes, found 7");
}

TEST_CASE("every change of one header byte is refused or gives tensors inside the file") {
  std::string bytes = small_file();
  const std::size_t header_end = bytes.size() - 12;
  int accepted = 0;
  for (std::size_t i = 0; i < header_end; ++i) {
    const char old = bytes[i];
    for (int value = 0; value < 256; ++value) {
      bytes[i] = static_cast<char>(value);
      try {
        const Safetensors file(as_file(bytes), "f");
        Index sum = 0;
        for (const TensorView& t : file.tensors()) {
          if (t.shape.count() * dtype_bytes(t.dtype) != static_cast<Index>(t.bytes.size())) FAIL("size");
          sum += static_cast<Index>(t.bytes.size());
        }
        if (sum != 12) FAIL("cover");
        ++accepted;
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::input) FAIL("kind of: " << e.what());
      }
    }
    bytes[i] = old;
  }
  CHECK(accepted > 1000);
}

TEST_CASE("lying header lengths") {
  const std::string header = "{}";
  CHECK(message_of(file_of(header)) == "no error");
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0},
        ~std::uint64_t{0} - 7, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())})
    CHECK(message_of(with_length(length, header)) ==
          "f: header length does not fit the file (truncated, or no safetensors file); expected at most 2, found " +
              std::to_string(length));
  CHECK(contains(message_of(with_length(0, "")), "must start with '{'; found nothing"));
  CHECK(contains(message_of(with_length(0, header)), "must start with '{'; found nothing"));
  CHECK(contains(message_of(with_length(1, header)), "not valid JSON"));
  const std::string huge = file_of("{" + std::string(100'000'000, ' ') + "}");
  CHECK(contains(message_of(huge), "expected at most 100000000, found 100000002"));
}

TEST_CASE("headers that are no JSON object of tensors") {
  CHECK(contains(message_of(file_of(" {}")), "must start with '{'; found byte 32"));
  CHECK(contains(message_of(file_of("[]")), "must start with '{'"));
  CHECK(contains(message_of(file_of("{]")), "f (header): not valid JSON"));
  CHECK(contains(message_of(file_of("{} x")), "not valid JSON"));
  CHECK(contains(message_of(file_of(std::string("{}\0", 3))), "not valid JSON"));
  CHECK(contains(message_of(file_of("{\"\xff\":1}")), "not valid JSON"));
  CHECK(message_of(file_of("{}    ")) == "no error");
  CHECK(contains(message_of(file_of(R"({"t":1})")), "tensor \"t\": wrong type or value; expected an object"));
  CHECK(contains(message_of(file_of(R"({"t":null})")), "found null"));
  CHECK(contains(message_of(file_of(R"({"t":{}})")), "f: tensor \"t\": the field \"dtype\" is missing"));
  CHECK(contains(message_of(file_of(R"({"t":{"dtype":"F32","shape":[]}})")), "the field \"data_offsets\" is missing"));
  CHECK(
      contains(message_of(file_of(R"({"t":{"dtype":"F32","data_offsets":[0,0]}})")), "the field \"shape\" is missing"));
  const std::string t = R"("t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(message_of(file_of("{" + t + "}")) == "no error");
  CHECK(contains(message_of(file_of("{" + t + "," + t + "}")),
                 "the same key stands twice in one JSON object; found \"t\""));
  CHECK(contains(message_of(file_of(R"({"t":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})")),
                 "stands twice"));
  for (const char* metadata : {"1", "[]", "null", R"({"a":1})", R"({"a":{}})", R"({"a":null})"})
    CHECK(contains(message_of(file_of(std::string(R"({"__metadata__":)") + metadata + "}")), "\"__metadata__\""));
}

TEST_CASE("lying types, shapes and offsets of a tensor") {
  CHECK(message_of(one(R"("F32")", "[2]", "[0,8]", 8)) == "no error");
  CHECK(message_of(one(R"("F64")", "[]", "[0,8]", 8)) == "no error");
  const std::string at = "f: tensor \"t\": ";
  CHECK(message_of(one(R"("F33")", "[2]", "[0,8]", 8)) == at + "unknown element type; found F33");
  CHECK(contains(message_of(one(R"("f32")", "[2]", "[0,8]", 8)), "unknown element type"));
  CHECK(contains(message_of(one("4", "[2]", "[0,8]", 8)),
                 "field \"dtype\": wrong type or value; expected a string, found 4"));
  CHECK(message_of(one(R"("F32")", "[2]", "[0,4]", 8)) ==
        at + "data_offsets do not fit the shape; expected 8 bytes for F32 [2], found 4");
  CHECK(contains(message_of(one(R"("F32")", "[3]", "[0,8]", 8)), "expected 12 bytes"));
  CHECK(contains(message_of(one(R"("F32")", "[]", "[0,8]", 8)), "expected 4 bytes"));
  for (const char* offsets : {"[8,0]", "[-8,0]", "[0,-8]", "[-8,-16]", "[]", "[0]", "[0,8,8]"})
    CHECK(contains(message_of(one(R"("F32")", "[2]", offsets, 8)), "expected two integers, 0 <= begin <= end"));
  for (const char* offsets : {"null", "8", R"("0,8")", R"(["0","8"])", "[0,8.0]", "[0,1e3]", "[0,18446744073709551615]",
                              "[0,9223372036854775808]", "[0,99999999999999999999]", "[[0],[8]]", "[0,true]", "{}"})
    CHECK(contains(message_of(one(R"("F32")", "[2]", offsets, 8)), "field \"data_offsets\""));
  for (const char* shape : {"[9223372036854775807]", "[-2]", "[4294967296,4294967296]", "[1,1,1,1,1,1,2]",
                            "[9223372036854775807,9223372036854775807,0]"})
    CHECK(contains(message_of(one(R"("F32")", shape, "[0,8]", 8)), "impossible shape"));
  for (const char* shape :
       {"2", "null", "[2.0]", R"(["2"])", "[[2]]", "[18446744073709551618]", "[9223372036854775808]"})
    CHECK(contains(message_of(one(R"("F32")", shape, "[0,8]", 8)), "field \"shape\""));
  CHECK(message_of(one(R"("F32")", "[2]", "[0,8]", 7)) ==
        "f: tensor \"t\" ends beyond the end of the file (truncated?); expected at most 7 bytes of data, found 8");
  CHECK(contains(message_of(one(R"("F32")", "[2]", "[9223372036854775799,9223372036854775807]", 8)), "ends beyond"));
  CHECK(contains(message_of(one(R"("U8")", "[4611686018427387904]", "[0,4611686018427387904]", 8)), "ends beyond"));
}

TEST_CASE("data must be covered once") {
  const auto two = [](const std::string& first, const std::string& second, std::size_t size_1, std::size_t size_2) {
    return file_of(R"({"s":{"dtype":"U8","shape":[)" + std::to_string(size_1) + R"(],"data_offsets":)" + first +
                       R"(},"t":{"dtype":"U8","shape":[)" + std::to_string(size_2) + R"(],"data_offsets":)" + second +
                       "}}",
                   "12345678");
  };
  CHECK(message_of(two("[0,4]", "[4,8]", 4, 4)) == "no error");
  CHECK(message_of(two("[4,8]", "[0,4]", 4, 4)) == "no error");
  CHECK(message_of(two("[0,8]", "[8,8]", 8, 0)) == "no error");
  CHECK(message_of(two("[0,4]", "[3,8]", 4, 5)) ==
        "f: tensor \"t\" overlaps the one before; expected begin 4, found 3");
  CHECK(message_of(two("[0,8]", "[0,8]", 8, 8)) ==
        "f: tensor \"t\" overlaps the one before; expected begin 8, found 0");
  CHECK(message_of(two("[0,8]", "[3,3]", 8, 0)) ==
        "f: tensor \"t\" overlaps the one before; expected begin 8, found 3");
  CHECK(message_of(two("[0,4]", "[5,8]", 4, 3)) ==
        "f: tensor \"t\" leaves a gap after the one before; expected begin 4, found 5");
  CHECK(contains(message_of(two("[1,4]", "[4,8]", 3, 4)), "tensor \"s\" leaves a gap"));
  CHECK(contains(message_of(two("[0,4]", "[4,7]", 4, 3)), "bytes after the last tensor"));
  CHECK(contains(message_of(two("[0,4]", "[4,9]", 4, 5)), "ends beyond"));
  CHECK(contains(message_of(file_of("{}", "x")), "bytes after the last tensor; expected 0 bytes of data, found 1"));
}

TEST_CASE("floating-point types convert among themselves") {
  const std::string bytes = file_of(
      R"({"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[6,10]},"d":{"dtype":"F64","shape":[1],"data_offsets":[10,18]},"f":{"dtype":"F32","shape":[1],"data_offsets":[18,22]},"i":{"dtype":"I32","shape":[1],"data_offsets":[22,26]},"q":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[26,27]}})",
      std::string("\x00\x3c\x01\x00\x00\xfc\x49\xc0\x80\x3f", 10) + std::string("\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8) +
          std::string("\xcd\xcc\xcc\x3d", 4) + std::string("\x05\x00\x00\x00", 4) + "x");
  const Safetensors file(as_file(bytes), "f");
  const auto h = file.to_tensor<float>("h");
  CHECK(h.span()[0] == 1.0F);
  CHECK(h.span()[1] == std::ldexp(1.0F, -24));
  CHECK(std::isinf(h.span()[2]));
  CHECK(file.to_tensor<double>("b").span()[0] == -3.140625);
  CHECK(file.to_tensor<double>("d").span()[0] == 0.1);
  CHECK(file.to_tensor<float>("d").span()[0] == 0.1F);
  CHECK(file.to_tensor<float>("f").span()[0] == 0.1F);
  CHECK(file.to_tensor<double>("f").span()[0] == static_cast<double>(0.1F));
  CHECK(std::string(error_of([&] { file.to_tensor<float>("i"); }).what()) ==
        "f: tensor \"i\": element type cannot be converted; expected F64, F32, F16 or BF16, found I32");
  CHECK(std::string(error_of([&] { file.to_tensor<std::int64_t>("f"); }).what()) ==
        "f: tensor \"f\": element type cannot be converted; expected an integer type or BOOL, found F32");
  CHECK(contains(error_of([&] { file.to_tensor<float>("q"); }).what(), "found F8_E4M3"));
  float one_element[1];
  CHECK(error_of([&] { file.copy_to(file.at("h"), std::span<float>(one_element)); }).kind() == ErrorKind::shape);
}

TEST_CASE("integers convert when they fit") {
  const std::string bytes = file_of(
      R"({"u":{"dtype":"U64","shape":[2],"data_offsets":[0,16]},"i":{"dtype":"I64","shape":[1],"data_offsets":[16,24]},"o":{"dtype":"BOOL","shape":[2],"data_offsets":[24,26]}})",
      std::string("\x07\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16) +
          std::string("\xfe\xff\xff\xff\xff\xff\xff\xff", 8) + std::string("\x01\x00", 2));
  const Safetensors file(as_file(bytes), "f");
  CHECK(file.to_tensor<std::uint64_t>("u").span()[1] == ~std::uint64_t{0});
  CHECK(std::string(error_of([&] { file.to_tensor<std::int64_t>("u"); }).what()) ==
        "f: tensor \"u\": element 1 does not fit I64");
  CHECK(file.to_tensor<std::int32_t>("i").span()[0] == -2);
  CHECK(contains(error_of([&] { file.to_tensor<std::uint8_t>("i"); }).what(), "element 0 does not fit U8"));
  CHECK(file.to_tensor<std::int64_t>("o").span()[0] == 1);
  CHECK(file.to_tensor<std::uint8_t>("o").span()[1] == 0);
}

TEST_CASE("what is written is read again, bit for bit") {
  const TemporaryFolder folder;
  Tensor<float> f(Shape{2, 3});
  for (Index i = 0; i < 6; ++i)
    f.data()[i] =
        std::bit_cast<float>(static_cast<std::uint32_t>(0x7FC00001U - static_cast<std::uint32_t>(i) * 0x15555555U));
  const auto d = Tensor<double>::from({2}, std::vector<double>{0.1, -0.0});
  const auto n = Tensor<std::int64_t>::from({}, std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min()});
  const Tensor<float> none(Shape{0, 4});
  const std::vector<TensorRecord> records{tensor_record("z.f", f), tensor_record("d", d),
                                          tensor_record("a\"\xc3\xa9", n), tensor_record("none", none)};
  for (const TensorOrder order : {TensorOrder::sorted, TensorOrder::given}) {
    write_safetensors(folder / "t.safetensors", records, order);
    const Safetensors file(folder / "t.safetensors");
    REQUIRE(file.tensors().size() == 4);
    CHECK(file.at("z.f").shape == Shape{2, 3});
    CHECK(file.at("none").shape == Shape{0, 4});
    CHECK(file.at("a\"\xc3\xa9").shape.rank() == 0);
    CHECK(std::memcmp(file.at("z.f").bytes.data(), f.data(), 24) == 0);
    CHECK(std::memcmp(file.at("d").bytes.data(), d.data(), 16) == 0);
    CHECK(file.to_tensor<std::int64_t>("a\"\xc3\xa9").span()[0] == std::numeric_limits<std::int64_t>::min());
    CHECK(file.metadata().at("format") == "pt");
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("equal tensors give equal bytes, in the documented layout") {
  const TemporaryFolder folder;
  const auto f = Tensor<float>::from({1}, std::vector<float>{1.0F});
  const auto i = Tensor<std::int64_t>::from({1}, std::vector<std::int64_t>{-1});
  std::vector<TensorRecord> records{tensor_record("a", f), tensor_record("b", i)};
  write_safetensors(folder / "1", records);
  std::swap(records[0], records[1]);
  write_safetensors(folder / "2", records);
  const std::string bytes = read_file(folder / "1");
  CHECK(bytes == read_file(folder / "2"));
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  CHECK(bytes == with_length(padded, header + std::string(padded - header.size(), ' ') + std::string(8, '\xff') +
                                         std::string("\x00\x00\x80\x3f", 4)));

  write_safetensors(folder / "3", records, TensorOrder::given, {});
  CHECK(
      read_file(folder / "3")
          .substr(8)
          .starts_with(
              R"({"b":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})"));
}

TEST_CASE("records that cannot be written leave nothing behind") {
  const TemporaryFolder folder;
  const auto f = Tensor<float>::from({1}, std::vector<float>{1.0F});
  const auto refused = [&](const TensorRecord& second) {
    const Error e = error_of([&] {
      write_safetensors(folder / "t", std::vector<TensorRecord>{tensor_record("a", f), second});
    });
    CHECK(folder.entries() == 0);
    return e.fields().what;
  };
  CHECK(refused(tensor_record("a", f)) == "tensor name stands twice");
  CHECK(refused(tensor_record("__metadata__", f)) == "tensor name stands twice");
  CHECK(refused(tensor_record("\xff", f)) == "cannot write as JSON");
  CHECK(refused({"b", DType::F32, Shape{1}, nullptr}) == "tensor has no data");
}

TEST_CASE("golden files are read, and compact ones rewritten to the same bytes") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const TemporaryFolder folder;
  int files = 0, rewritten = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(*shared / "reference/golden")) {
    if (item.path().extension() != ".safetensors") continue;
    CAPTURE(item.path().string());
    const Safetensors file(item.path());
    CHECK(file.tensors().size() > 0);
    ++files;
    // Written compactly, tensors in the order of the header.
    const std::string bytes = read_file(item.path());
    if (!std::string_view(bytes).substr(8).starts_with(R"({"__metadata__":{"format":"pt"},)")) continue;
    std::vector<const TensorView*> by_place;
    for (const TensorView& t : file.tensors()) by_place.push_back(&t);
    std::stable_sort(by_place.begin(), by_place.end(),
                     [](const TensorView* a, const TensorView* b) { return a->bytes.data() < b->bytes.data(); });
    std::vector<TensorRecord> records;
    for (const TensorView* t : by_place) records.push_back({t->name, t->dtype, t->shape, t->bytes.data()});
    write_safetensors(folder / "t", records, TensorOrder::given, file.metadata());
    CHECK((read_file(folder / "t") == bytes));
    ++rewritten;
  }
  CHECK(files > 50);
  CHECK(rewritten > 10);

  // Values read by another program.
  const Safetensors cases(*shared / "reference/golden/caduceus_ps/cases.safetensors");
  CHECK(cases.to_tensor<double>("loss_f64").span()[0] == 10.113611092605181);
  CHECK(cases.to_tensor<float>("loss").span()[0] == 10.113611221313477F);
  const auto ids = cases.to_tensor<std::int64_t>("input_ids");
  CHECK(ids.shape() == Shape{2, 48});
  std::int64_t sum = 0;
  for (const std::int64_t id : ids.span()) sum += id;
  CHECK(sum == 738);
  CHECK(ids.span()[95] == 9);
  CHECK(cases.at("logits").shape == Shape{2, 48, 16});
  CHECK(cases.to_tensor<double>("logits").span()[1535] == -1.0286054611206055);
}

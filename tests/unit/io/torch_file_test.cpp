#include <doctest/doctest.h>

#include <ligase/io/checkpoint_file.hpp>

#include <chrono>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <support/torch_archive.hpp>
#include <unit/io/temporary_folder.hpp>

using namespace ligase;
using namespace ligase_test;
namespace pk = ligase_test::pickle;

namespace {

std::span<const std::byte> as_file(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

StateDict read(const std::string& file) { return StateDict("f", read_torch_tensors(as_file(file), "f"), {}); }
std::string error(const std::string& file) {
  return input_error([&] { read(file); });
}
/// The error of a state dict whose only tensor "w" is this value, with the storage "0" of eight floats.
const std::vector<ZipMember> eight{{.name = "0", .data = floats({0, 1, 2, 3, 4, 5, 6, 7})}};
std::string error_of_value(const std::string& value) { return error(torch_file(pk::dict({{"w", value}}), eight)); }
std::string error_of_tensor(std::int64_t offset, const std::vector<std::int64_t>& sizes,
                            const std::vector<std::int64_t>& strides) {
  return error_of_value(pk::tensor(pk::storage("FloatStorage", "0", 8), offset, sizes, strides));
}
std::vector<float> values(const StateDict& d, const char* name) {
  const auto t = d.to_tensor<float>(name);
  return {t.span().begin(), t.span().end()};
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
std::string repeated(const std::string& piece, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += piece;
  return all;
}

}  // namespace

TEST_CASE("a state dict of torch.save: views, strides, shared storages") {
  const std::string storage = pk::storage("FloatStorage", "0", 8);
  const std::string file = torch_file(pk::dict({{"whole", pk::tensor(storage, 0, {2, 4}, {4, 1})},
                                                {"transposed", pk::tensor(storage, 0, {4, 2}, {1, 4})},
                                                {"column", pk::tensor(storage, 1, {2}, {4})},
                                                {"last", pk::tensor(storage, 7, {}, {})},
                                                {"none", pk::tensor(storage, 0, {0, 3}, {3, 1})},
                                                {"expanded", pk::tensor(storage, 3, {2, 3}, {0, 1})}}),
                                      eight);
  const StateDict d = read(file);
  REQUIRE(d.tensors().size() == 6);
  CHECK(d.at("whole").shape == Shape{2, 4});
  CHECK(values(d, "whole") == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(values(d, "transposed") == std::vector<float>{0, 4, 1, 5, 2, 6, 3, 7});
  CHECK(values(d, "column") == std::vector<float>{1, 5});
  CHECK(values(d, "last") == std::vector<float>{7});
  CHECK(d.at("last").shape == Shape{});
  CHECK(values(d, "none").empty());
  CHECK(values(d, "expanded") == std::vector<float>{3, 4, 5, 3, 4, 5});
  CHECK(d.at("whole").bytes.data() == d.at("transposed").bytes.data());
  CHECK_FALSE(d.at("transposed").is_contiguous());
  CHECK(d.at("whole").is_contiguous());
  CHECK(d.at("column").bytes.size() == 5 * 4);
  CHECK(d.to_tensor<double>("transposed").span()[1] == 4.0);
  CHECK_FALSE(StateDict::in_place<float>(d.at("transposed")));
  CHECK_FALSE(StateDict::in_place<double>(d.at("whole")));
}

TEST_CASE("element types of torch") {
  const auto one = [](const std::string& type, const std::string& data) {
    return torch_file(pk::dict({{"w", pk::tensor(pk::storage(type, "0", 1), 0, {1}, {1})}}),
                      {{.name = "0", .data = data}});
  };
  CHECK(read(one("DoubleStorage", le(1.5))).to_tensor<double>("w").span()[0] == 1.5);
  CHECK(read(one("HalfStorage", le<std::uint16_t>(0x3E00))).to_tensor<float>("w").span()[0] == 1.5F);
  CHECK(read(one("BFloat16Storage", le<std::uint16_t>(0x3FC0))).to_tensor<float>("w").span()[0] == 1.5F);
  CHECK(read(one("LongStorage", le<std::int64_t>(-7))).to_tensor<std::int32_t>("w").span()[0] == -7);
  CHECK(read(one("IntStorage", le<std::int32_t>(-7))).at("w").dtype == DType::I32);
  CHECK(read(one("ShortStorage", le<std::int16_t>(-7))).at("w").dtype == DType::I16);
  CHECK(read(one("CharStorage", "\xF9")).to_tensor<std::int32_t>("w").span()[0] == -7);
  CHECK(read(one("ByteStorage", "\xF9")).to_tensor<std::int32_t>("w").span()[0] == 249);
  CHECK(read(one("BoolStorage", "\x01")).at("w").dtype == DType::BOOL);
  CHECK(contains(error(one("ComplexFloatStorage", le(1.0))),
                 "unknown element type; expected a storage of torch that is real and not quantised, found "
                 "torch.ComplexFloatStorage"));
  // Newer types come as bytes and a dtype.
  const std::string untyped = pk::tuple({pk::text("storage"), pk::global("torch.storage", "UntypedStorage"),
                                         pk::text("0"), pk::text("cpu"), pk::integer(2)}) +
                              "Q";
  const std::string v3 = pk::call(pk::global("torch._utils", "_rebuild_tensor_v3"),
                                  {untyped, pk::integer(0), pk::integers({1}), pk::integers({1}), "\x89",
                                   pk::ordered_dict(), pk::global("torch", "uint16")});
  const std::string file = torch_file(pk::dict({{"w", v3}}), {{.name = "0", .data = le<std::uint16_t>(60000)}});
  CHECK(read(file).to_tensor<std::int32_t>("w").span()[0] == 60000);
}

TEST_CASE("parameters, attributes of the dict and protocol 4 are read") {
  const std::string tensor = pk::tensor(pk::storage("FloatStorage", "0", 8), 0, {8}, {1});
  const std::string parameter =
      pk::call(pk::global("torch._utils", "_rebuild_parameter"), {tensor, "\x88", pk::ordered_dict()});
  const std::string dict =
      pk::ordered_dict() + "(" + pk::text("w") + parameter + "u" + pk::dict({{"_metadata", pk::ordered_dict()}}) + "b";
  CHECK(read(torch_file(dict, eight)).tensors().size() == 1);
  const std::string four = std::string("\x80\x04\x95") + le<std::uint64_t>(3) + "}\x94(\x8C\x01w\x94" +
                           "\x8C\x0Ctorch._utils\x94\x8C\x12_rebuild_tensor_v2\x94\x93\x94((\x8C\x07storage\x94" +
                           "\x8C\x05torch\x94\x8C\x0C" + "FloatStorage\x94\x93\x94\x8C\x01" + "0\x94\x8C\x03" +
                           "cpu\x94K\x08t\x94Q" + std::string("K\0", 2) + "K\x08\x85\x94K\x01\x85\x94\x89Nt\x94R\x94u.";
  std::vector<ZipMember> members{{.name = "x/data.pkl", .data = four}, {.name = "x/data/0", .data = eight[0].data}};
  CHECK(values(read(zip_file(members)), "w")[7] == 7);
}

TEST_CASE("a Lightning checkpoint: the state dict among other things") {
  const std::string tensor = pk::tensor(pk::storage("FloatStorage", "0", 8), 0, {8}, {1});
  const std::string config =
      pk::global("omegaconf.dictconfig", "DictConfig") + ")\x81" + pk::dict({{"lr", std::string("G") + le(0.5)}}) + "b";
  const std::string path = pk::call(pk::global("pathlib", "PosixPath"), {pk::text("/tmp")});
  const std::string file = torch_file(pk::dict({{"epoch", pk::integer(3)},
                                                {"state_dict", pk::dict({{"model.w", tensor}})},
                                                {"hyper_parameters", config},
                                                {"where", path},
                                                {"losses",
                                                 "](K\x01K\x02"
                                                 "e"},
                                                {"big", std::string("\x8A\x0A") + std::string(10, '\x7F')}}),
                                      eight);
  const StateDict d = read(file);
  REQUIRE(d.tensors().size() == 1);
  CHECK(d.tensors()[0].name == "model.w");
  CHECK(error_of_value(config) ==
        "f: tensor \"w\": it is no tensor; expected a call of torch._utils._rebuild_tensor_v2, found an object of "
        "omegaconf.dictconfig.DictConfig");
  CHECK(contains(error_of_value(pk::integer(3)),
                 "tensor \"w\": it is no tensor; expected a call of torch._utils._rebuild_tensor_v2, found a number"));
}

TEST_CASE("a hostile pickle is refused in one sentence and runs nothing") {
  TemporaryFolder folder;
  const std::string mark = (folder / "mark").string();
  for (const auto& [module, name] :
       {std::pair{"os", "system"}, std::pair{"posix", "system"}, std::pair{"subprocess", "Popen"},
        std::pair{"builtins", "eval"}, std::pair{"__builtin__", "exec"}}) {
    const std::string attack = pk::call(pk::global(module, name), {pk::text("touch " + mark)});
    const std::string sentence = std::string("): the file would run ") + module + "." + name +
                                 " where Python loads it, which no checkpoint needs; nothing was run";
    CHECK(error_of_value(attack).ends_with(sentence));
    CHECK(error(torch_file(attack, {})).ends_with(sentence));
    CHECK(error(torch_file(pk::dict({{"state_dict", pk::dict({})}, {"callbacks", attack}}), {})).ends_with(sentence));
    const std::string stacked = pk::text(module) + pk::text(name) + "\x93" + pk::tuple({pk::text("x")}) + "R";
    CHECK(error(torch_file(stacked, {})).ends_with(sentence));
  }
  CHECK(folder.entries() == 0);
  // What calls something unknown for a tensor, a storage or a shape is no tensor.
  const std::string unknown = pk::call(pk::global("evil", "make"), {pk::text("x")});
  CHECK(contains(error_of_value(unknown), "it is no tensor"));
  CHECK(contains(error_of_value(pk::tensor(unknown, 0, {8}, {1})), "not described as torch does"));
  CHECK(contains(error_of_value(unknown + "Q"), "it is no tensor"));
  CHECK(contains(error_of_value(pk::tensor(unknown + "Q", 0, {8}, {1})), "its storage is not described as torch does"));
}

TEST_CASE("nesting is bounded") {
  const std::string sentence = "the pickle nests its values too deep; expected at most 1000 levels";
  for (const int depth : {10'000, 300'000}) {
    CHECK(
        contains(error(torch_file(pk::dict({{"x", repeated("]", depth) + repeated("a", depth - 1)}}), {})), sentence));
    CHECK(contains(error(torch_file(repeated("(", depth) + repeated("t", depth), {})), sentence));
    CHECK(contains(error(torch_file(repeated("\x85", depth), {})), "takes a value that is not there"));
    CHECK(contains(error(torch_file("N" + repeated("\x85", depth), {})), sentence));
    CHECK(contains(error(torch_file("}" + repeated("}", depth) + repeated("NN\x87", 1), {})), "no state dict"));
    CHECK(contains(error(torch_file("N" + repeated("Q", depth), {})), sentence));
  }
  CHECK(read(torch_file(pk::dict({{"state_dict", pk::dict({})}, {"x", repeated("]", 900) + repeated("a", 899)}}), {}))
            .tensors()
            .empty());
  // A list that holds itself.
  CHECK(read(torch_file(pk::dict({{"state_dict", pk::dict({})}, {"x", std::string("]q\0h\0a", 6)}}), {}))
            .tensors()
            .empty());
}

TEST_CASE("sizes that a pickle declares are checked before they are used") {
  constexpr std::int64_t huge = std::int64_t{1} << 60;
  CHECK(error_of_tensor(0, {8}, {1}) == "no error");
  CHECK(error_of_tensor(0, {huge}, {1}) ==
        "f: tensor \"w\": it leaves its storage; expected at most 8 elements, found shape [1152921504606846976] from "
        "element 0");
  CHECK(contains(error_of_tensor(0, {huge}, {0}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(0, {huge, huge}, {0, 0}), "impossible shape (shape is larger than 2^63 elements)"));
  CHECK(contains(error_of_tensor(0, {-1}, {1}), "impossible shape (negative size); found -1"));
  CHECK(contains(error_of_tensor(0, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}),
                 "impossible shape (too many dimensions)"));
  CHECK(contains(error_of_tensor(1, {8}, {1}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(-1, {1}, {1}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(8, {1}, {1}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(0, {2, 2}, {7, 1}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(7, {2}, {-1}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(0, {3}, {huge * 4 - 1}), "it leaves its storage"));
  CHECK(contains(error_of_tensor(0, {2, 3}, {1}), "not described as torch does"));

  const auto with_storage = [](std::int64_t elements) {
    return error_of_value(pk::tensor(pk::storage("FloatStorage", "0", elements), 0, {1}, {1}));
  };
  CHECK(
      with_storage(huge) ==
      "f: tensor \"w\": its storage has another size than the file says; expected 1152921504606846976 elements of F32, "
      "found 32 bytes");
  CHECK(contains(with_storage(huge * 4), "another size than the file says"));
  CHECK(contains(with_storage(-8), "another size than the file says"));
  CHECK(contains(with_storage(9), "another size than the file says"));
  CHECK(contains(error_of_value(pk::tensor(pk::storage("FloatStorage", "../data.pkl", 8), 0, {1}, {1})),
                 "its storage is missing; expected an entry of the archive, found no data/../data.pkl"));

  const auto text = [](const std::string& opcode, std::uint64_t length) {
    return error(torch_file(opcode + le(length), {}));
  };
  CHECK(contains(text("\x8D", std::uint64_t{1} << 60),
                 "the pickle ends too early; expected 1152921504606846976 more bytes"));
  CHECK(contains(text("\x8E", ~std::uint64_t{0}), "the pickle ends too early"));
  CHECK(contains(text("\x95", std::uint64_t{1} << 60), "a frame of the pickle ends beyond the pickle"));
  CHECK(contains(error(torch_file("Nr\xFF\xFF\xFF\xFF", {})),
                 "the pickle's memo leaves a gap; expected 0, found 4294967295"));
  CHECK(contains(error(torch_file("Nj\xFF\xFF\xFF\xFF", {})), "takes a value from its memo that is not there"));
  CHECK(
      contains(error(torch_file(repeated("}", 3'000'000), {})), "the pickle holds more values than a checkpoint has"));
}

TEST_CASE("pickles that are none") {
  CHECK(contains(error(torch_file("", {})), "takes a value that is not there"));
  CHECK(contains(error(torch_file("N", {})),
                 "holds no state dict; expected a dict of tensors, or one under the key "
                 "\"state_dict\", found None"));
  CHECK(contains(error(torch_file("}Ns", {})), "takes a value that is not there"));
  CHECK(contains(error(torch_file("}(Nu", {})), "adds an incomplete field"));
  CHECK(contains(error(torch_file("N(NNu", {})), "adds fields to what is no dict; found None"));
  CHECK(contains(error(torch_file("}Na", {})), "adds items to what is no list; found a dict"));
  CHECK(contains(error(torch_file("NNb", {})), "sets the state of what has none"));
  CHECK(contains(error(torch_file("NNR", {})), "without a tuple of arguments"));
  CHECK(contains(error(torch_file("(i", {})),
                 "the file holds no pickle of a checkpoint; expected an instruction of pickle "
                 "protocol 2 to 5 that tensors need, found byte 105"));
  CHECK(contains(error(torch_file("\x80\x06N", {})), "unknown version of pickle; expected 2 to 5, found 6"));
  const std::string tensor = pk::tensor(pk::storage("FloatStorage", "0", 8), 0, {8}, {1});
  CHECK(error(torch_file(pk::dict({{"w", tensor}, {"w", tensor}}), eight)) ==
        "f: a tensor name stands twice; found \"w\"");
  CHECK(error(torch_file(pk::dict({}), {}, "big")) ==
        "f: the file's numbers are not little-endian; expected byteorder \"little\", found \"big\"");
  CHECK(contains(error(zip_file({{.name = "a/b", .data = "x"}})),
                 "no file of torch.save; expected one entry NAME/data.pkl, found 0"));
  CHECK(contains(error(zip_file({{.name = "a/data.pkl", .data = "x"}, {.name = "a/constants.pkl", .data = "x"}})),
                 "TorchScript"));
  CHECK(error("a line of text") == "f: no file of torch.save; expected a zip archive");
  CHECK(contains(
      error(std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.")),
      "a file of torch before 1.6, which is not read; expected a zip archive; load it in a newer torch and save it "
      "again, found a row of pickles"));
  std::string tar(600, '\0');
  tar.replace(257, 5, "ustar");
  CHECK(contains(error(tar), "found a tar archive"));
}

TEST_CASE("every change of one byte of the pickle is refused or gives tensors inside the file") {
  const std::string value =
      pk::dict({{"w", pk::tensor(pk::storage("FloatStorage", "0", 8), 2, {2, 2}, {3, 1})}, {"v", "N"}});
  int refused = 0;
  for (std::size_t i = 0; i < value.size(); ++i)
    for (int x = 0; x < 256; x += 3) {
      std::string changed = value;
      changed[i] = static_cast<char>(x);
      const std::string file = torch_file(changed, eight);
      try {
        read(file);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::input) FAIL("kind of: " << e.what());
        ++refused;
      }
    }
  CHECK(refused > 1000);
}

TEST_CASE("a file is opened by what it is, and a large one at once") {
  TemporaryFolder folder;
  write_file(folder / "a.bin",
             torch_file(pk::dict({{"w", pk::tensor(pk::storage("FloatStorage", "0", 8), 0, {8}, {1})}}), eight));
  CHECK(values(open_state_dict(folder / "a.bin"), "w")[7] == 7);
  const StateDict copy = StateDict(open_state_dict(folder / "a.bin"));
  CHECK(values(copy, "w")[3] == 3);
  write_file(folder / "b.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
  CHECK(contains(input_error([&] { open_state_dict(folder / "b.safetensors"); }),
                 "a pointer of git-lfs stands in place"));
  CHECK(contains(input_error([&] { open_state_dict(folder / "c.bin"); }), "cannot open the file"));
  write_file(folder / "d.bin", "");
  CHECK(contains(input_error([&] { open_state_dict(folder / "d.bin"); }), "no file of torch.save"));

  constexpr std::uint64_t bytes = std::uint64_t{10} << 30;
  std::string header = R"({"w":{"dtype":"F32","shape":[)" + std::to_string(bytes / 4) + R"(],"data_offsets":[0,)" +
                       std::to_string(bytes) + "]}}";
  write_file(folder / "large.safetensors", le<std::uint64_t>(header.size()) + header);
  std::error_code failed;
  std::filesystem::resize_file(folder / "large.safetensors", 8 + header.size() + bytes, failed);
  if (failed) {
    MESSAGE("no room for a sparse file of 10 GB");
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  const StateDict large = open_state_dict(folder / "large.safetensors");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(100));
  CHECK(large.data_bytes() == static_cast<Index>(bytes));
}

TEST_CASE("the three containers of one model hold the same bits") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("no reference material: containers not compared");
    return;
  }
  const auto folder = *shared / "reference" / "golden" / "caduceus_ph";
  const StateDict one = open_state_dict(folder / "model.safetensors"),
                  two = open_state_dict(folder / "pytorch_model.bin"), three = open_state_dict(folder / "last.ckpt");
  CHECK(one.tensors().size() == 36);
  CHECK(two.tensors().size() == 41);
  CHECK(three.tensors().size() == 44);
  for (const TensorView& t : one.tensors()) {
    const auto expected = one.to_tensor<float>(t);
    for (const auto& [d, name] : {std::pair{&two, t.name}, std::pair{&three, "model." + t.name}}) {
      const auto found = d->to_tensor<float>(name);
      REQUIRE(found.shape() == expected.shape());
      CHECK(std::memcmp(found.data(), expected.data(), static_cast<std::size_t>(found.count()) * 4) == 0);
    }
  }
  const TensorView &embedding = two.at("caduceus.backbone.embeddings.word_embeddings.weight"),
                   &head = two.at("lm_head.weight");
  CHECK(embedding.bytes.data() == head.bytes.data());
}

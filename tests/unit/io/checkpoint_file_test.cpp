#include <doctest/doctest.h>

#include <ligase/io/checkpoint_file.hpp>

#include <support/errors.hpp>
#include <support/torch_archive.hpp>
#include <unit/io/temporary_folder.hpp>

using namespace ligase;
using namespace ligase_test;
namespace pk = ligase_test::pickle;

namespace {

/// A folder with two shards, "a" in the first, "b" and "c" in the second.
struct Shards {
  TemporaryFolder folder;
  Shards() {
    save("1.safetensors", {"a"});
    save("2.safetensors", {"b", "c"});
  }
  void save(const char* file, const std::vector<std::string>& names) {
    const auto t = Tensor<float, cpu>::from({2}, std::vector<float>{1, 2});
    std::vector<TensorRecord> records;
    for (const std::string& name : names) records.push_back(tensor_record(name, t));
    write_safetensors(folder / file, records);
  }
  StateDict open(const std::string& map, const std::string& metadata = R"({"total_size":24})") {
    write_file(folder / "model.safetensors.index.json", "{\"metadata\":" + metadata + ",\"weight_map\":" + map + "}");
    return open_state_dict(folder / "model.safetensors.index.json");
  }
  std::string error(const std::string& map, const std::string& metadata = "{}") {
    const std::string text = input_error([&] { open(map, metadata); });
    const std::string place = (folder / "").string();
    return text.starts_with(place) ? text.substr(place.size()) : text;
  }
};

const std::string good = R"({"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"})";

}  // namespace

TEST_CASE("a sharded checkpoint is one state dict") {
  Shards s;
  for (const char* metadata :
       {R"({"total_size":24})", R"({"total_size":24.0})", R"({"total_size":16})", "{}", "null"}) {
    const StateDict d = s.open(good, metadata);
    REQUIRE(d.tensors().size() == 3);
    CHECK(d.to_tensor<float>("c").span()[1] == 2);
    CHECK(d.files().size() == 2);
  }
  write_file(s.folder / "1.bin",
             torch_file(pk::dict({{"a", pk::tensor(pk::storage("FloatStorage", "0", 2), 0, {2}, {1})}}),
                        {{.name = "0", .data = floats({3, 4})}}));
  write_file(s.folder / "pytorch_model.bin.index.json", R"({"weight_map":{"a":"1.bin","b":"2.safetensors"}})");
  CHECK(open_state_dict(s.folder / "pytorch_model.bin.index.json").to_tensor<float>("a").span()[1] == 4);
}

TEST_CASE("an index that lies is refused") {
  Shards s;
  const std::string index = "model.safetensors.index.json: ";
  for (const char* file : {"../1.safetensors", "/etc/passwd", "..", ".", "", "x\\\\y", "folder/1.safetensors"})
    CHECK(s.error(std::string(R"({"a":")") + file + "\"}")
              .find("a shard lies outside the index's folder; expected a file name") != std::string::npos);
  CHECK(s.error(R"({"a":"3.safetensors"})").find("3.safetensors: cannot open the file") != std::string::npos);
  CHECK(s.error(R"({"b":"1.safetensors"})") ==
        index + "a tensor is not in the shard that the index names; expected \"b\" in 1.safetensors");
  CHECK(s.error("{}") == index + "the index names no tensor");
  CHECK(s.error(R"({"a":1})").find("expected a string, found 1") != std::string::npos);
  CHECK(s.error("[]").find("weight_map\": wrong type or value; expected an object") != std::string::npos);
  CHECK(s.error(good, R"({"total_size":1e18})").find("another amount than the index's total_size") !=
        std::string::npos);
  CHECK(s.error(good, R"({"total_size":1})").find("expected 1.000000 bytes, found 24") != std::string::npos);
  CHECK(s.error(good, R"({"total_size":"x"})").find("expected a number") != std::string::npos);
  s.save("1.safetensors", {"a", "b"});
  CHECK(s.error(good) == index + "a tensor name stands twice; found \"b\"");
}

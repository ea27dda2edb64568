#include <doctest/doctest.h>

#include <ligase/io/file.hpp>
#include <ligase/models/checkpoint_folder.hpp>

#include <support/errors.hpp>
#include <unit/io/temporary_folder.hpp>

using namespace ligase;
using namespace ligase_test;

TEST_CASE("the weights of a folder, in the order of preference") {
  TemporaryFolder folder;
  CHECK(input_error([&] {
          find_weights(folder.path());
        }).find("the folder holds no weights; expected model.safetensors, ") != std::string::npos);
  const auto found = [&](const char* added) {
    write_file(folder / added, "x");
    return find_weights(folder.path()).filename().string();
  };
  CHECK(found("epoch=3.ckpt") == "epoch=3.ckpt");
  write_file(folder / "epoch=4.ckpt", "x");
  CHECK(input_error([&] { find_weights(folder.path()); }).find("last.ckpt or one other .ckpt") != std::string::npos);
  CHECK(found("last.ckpt") == "last.ckpt");
  CHECK(found("pytorch_model.bin.index.json") == "pytorch_model.bin.index.json");
  CHECK(found("pytorch_model.bin") == "pytorch_model.bin");
  CHECK(found("model.safetensors.index.json") == "model.safetensors.index.json");
  CHECK(found("model.safetensors") == "model.safetensors");
  CHECK(weight_files(folder.path()).size() == 5);
}

TEST_CASE("a checkpoint is a folder, a run's folder, or a file with its configuration beside it") {
  TemporaryFolder folder;
  const std::string name = folder.path().string();
  CHECK(input_error([&] { find_checkpoint(name); }).find("the folder holds no checkpoint") != std::string::npos);
  CHECK(input_error([&] { find_checkpoint(name + "/none"); }).find("there is no such checkpoint") != std::string::npos);
  write_file(folder / "last.ckpt", "x");
  CHECK(input_error([&] {
          find_checkpoint_files(name + "/last.ckpt");
        }).find("no configuration stands beside the weights; expected config.json or model_config.json") !=
        std::string::npos);
  write_file(folder / "model_config.json", "{}");
  CHECK(find_checkpoint_files(name + "/last.ckpt").config == folder / "model_config.json");
  CHECK(find_checkpoint_files(name + "/last.ckpt").weights == folder / "last.ckpt");
  write_file(folder / "config.json", "{}");
  CHECK(find_checkpoint_files(name).config == folder / "config.json");
  CHECK(find_checkpoint_files(name).weights == folder / "last.ckpt");
  std::filesystem::create_directories(folder / "run/checkpoint");
  write_file(folder / "run/checkpoint/config.json", "{}");
  write_file(folder / "run/checkpoint/model.safetensors", "x");
  CHECK(find_checkpoint(name + "/run") == folder / "run/checkpoint");
  CHECK(find_checkpoint_files(name + "/run").weights == folder / "run/checkpoint/model.safetensors");
}

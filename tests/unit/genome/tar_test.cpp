#include "archive.hpp"

#include <doctest/doctest.h>
#include <ligase/genome/tar.hpp>
#include <support/errors.hpp>

#include <map>
#include <string>

namespace {

using ligase_test::pax_record;
using ligase_test::tar_end;
using ligase_test::tar_member;

std::map<std::string, std::string> unpack(std::string_view archive, std::size_t step = 100) {
  std::map<std::string, std::string> files;
  ligase::TarReader tar("a.tar");
  const auto join = [](const std::vector<std::string>& path) {
    std::string name;
    for (const std::string& part : path) name += (name.empty() ? "" : "/") + part;
    return name;
  };
  for (std::size_t i = 0; i < archive.size(); i += step)
    tar.feed(
        archive.substr(i, step), [&](const auto& path) { return join(path) != "skip/me"; },
        [&](const auto& path, std::string_view content) { files[join(path)] = content; });
  tar.finish();
  return files;
}

std::string fault(const std::string& archive) {
  return ligase_test::input_error([&] { unpack(archive); });
}

TEST_CASE("tar: files, folders, prefixes, pax and GNU names, in pieces of any size") {
  const std::string long_name = "x/" + std::string(150, 'n') + "/f.txt";
  const std::string archive = tar_member("pax_global_header", pax_record("comment", "c0ffee"), 'g') +
                              tar_member("d/", "", '5') + tar_member("./d/one.txt", "ACGT") +
                              tar_member("empty.txt", "") + tar_member("skip/me", std::string(1500, 's')) +
                              tar_member("two.txt", std::string(1025, 'A'), '\0', -1, "deep/er") +
                              tar_member("PaxHeader", pax_record("mtime", "1.5") + pax_record("path", long_name), 'x') +
                              tar_member("short", "pax") + tar_member("././@LongLink", long_name + "2\0", 'L') +
                              tar_member("cut", "gnu") + tar_end() + std::string(9000, '\0');
  for (const std::size_t step : {1U, 7U, 511U, 512U, 513U, 100000U}) {
    const auto files = unpack(archive, step);
    CHECK(files.size() == 5);
    CHECK(files.at("d/one.txt") == "ACGT");
    CHECK(files.at("empty.txt").empty());
    CHECK(files.at("deep/er/two.txt") == std::string(1025, 'A'));
    CHECK(files.at(long_name) == "pax");
    CHECK(files.at(long_name + "2") == "gnu");
  }
  CHECK(unpack(tar_member("no/end/blocks", "A")).size() == 1);
}

TEST_CASE("tar: sizes in pax headers and in GNU's binary form") {
  std::string binary = tar_member("b", "ACGTA");
  binary.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x05", 12));
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(binary[i]);
  char octal[8];
  std::snprintf(octal, sizeof octal, "%06o", sum);
  binary.replace(148, 6, octal);
  CHECK(unpack(binary + tar_end()).at("b") == "ACGTA");
  CHECK(unpack(tar_member("p", pax_record("size", "3"), 'x') + tar_member("p", "ACG", '0', 0) + tar_end()).at("p") ==
        "ACG");
}

TEST_CASE("tar: paths that leave the archive, links and devices are refused") {
  CHECK(fault(tar_member("/etc/passwd", "x")) ==
        "a.tar: absolute path in the archive; expected relative paths that stay below the archive's root, found "
        "'/etc/passwd'");
  CHECK(fault(tar_member("a/../../b", "x")).find("path with '..' in the archive") != std::string::npos);
  CHECK(fault(tar_member("p", pax_record("path", "../b"), 'x') + tar_member("b", "x")).find("'..'") !=
        std::string::npos);
  CHECK(fault(tar_member(std::string("a\nb"), "x")).find("control byte") != std::string::npos);
  for (const char kind : {'1', '2', '3', '4', '6', 'S'})
    CHECK(fault(tar_member("train/a", "", kind)) ==
          "a.tar: member 'train/a' is a link, device or sparse file; expected regular files and folders, found type '" +
              std::string(1, kind) + "'");
}

TEST_CASE("tar: damage, truncation and lengths that lie") {
  const std::string good = tar_member("a/b.txt", std::string(700, 'A'));
  std::string damaged = good;
  damaged[3] = 'x';
  CHECK(fault(damaged + tar_end()).find("not a tar archive; expected check sum") != std::string::npos);
  CHECK(fault(good + damaged).find("damaged header; expected check sum") != std::string::npos);
  for (const std::size_t cut : {std::size_t{512}, std::size_t{600}, std::size_t{1100}, good.size() - 1})
    CHECK(ligase_test::input_error([&] { unpack(good.substr(0, cut)); }).find("archive is truncated") !=
          std::string::npos);
  CHECK(fault("").find("not a tar archive") != std::string::npos);
  CHECK(fault(tar_member("big", "x", '0', 0777777777L)) ==
        "a.tar: member 'big' is too large; expected at most 67108864 bytes, found 134217727");
  CHECK(fault(tar_member("p", "9999 path=x\n", 'x')).find("damaged pax header") != std::string::npos);
  CHECK(fault(tar_member("p", "-1 path=x\n", 'x')).find("damaged pax header") != std::string::npos);
  CHECK(fault(tar_member("p", pax_record("size", "-3"), 'x')).find("expected a file size") != std::string::npos);
  CHECK(fault(tar_member("p", pax_record("path", "x"), 'g')).find("to all files") != std::string::npos);
}

}  // namespace

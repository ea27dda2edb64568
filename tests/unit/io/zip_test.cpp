#include <doctest/doctest.h>

#include <ligase/io/zip.hpp>

#include <support/errors.hpp>
#include <support/torch_archive.hpp>

using namespace ligase;
using namespace ligase_test;

namespace {

std::span<const std::byte> as_file(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string contents(const std::string& file) {
  std::string all;
  for (const ZipEntry& e : read_stored_zip(as_file(file), "f"))
    all += std::string(e.name) + "=" + std::string(reinterpret_cast<const char*>(e.bytes.data()), e.bytes.size()) + ";";
  return all;
}
std::string error(const std::string& file) {
  return input_error([&] { read_stored_zip(as_file(file), "f"); });
}

std::vector<ZipMember> two() { return {{.name = "b/x", .data = "second"}, {.name = "a", .data = "first"}}; }

}  // namespace

TEST_CASE("stored entries are found, whatever the form of the archive") {
  const std::string expected = "a=first;b/x=second;";
  CHECK(contents(zip_file(two())) == expected);
  CHECK(contents(zip_file(two(), {.comment = "a comment with PK\x05\x06 inside"})) == expected);
  CHECK(contents(zip_file(two(), {.zip64 = true})) == expected);
  for (const bool zip64 : {false, true})
    for (const std::uint16_t flags : std::initializer_list<std::uint16_t>{0, 8, 0x808}) {
      std::vector<ZipMember> members = two();
      members[1].zip64 = zip64;
      members[1].flags = flags;
      CHECK(contents(zip_file(members, {.zip64 = zip64})) == expected);
    }
  CHECK(contents(zip_file({})).empty());
  CHECK(contents(zip_file({{.name = "folder/", .data = ""}, {.name = "folder/x", .data = "1"}})) ==
        "folder/=;folder/x=1;");
  const std::string file = zip_file(two());
  const auto entries = read_stored_zip(as_file(file), "f");
  CHECK(find_entry(entries, "b/x") == &entries[1]);
  CHECK(find_entry(entries, "b") == nullptr);
}

TEST_CASE("every proper prefix of an archive is refused") {
  const std::string whole = zip_file(two(), {.zip64 = true});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(error(whole.substr(0, n)) != "no error");
  }
  CHECK(error("PK") == "f: too short for a zip archive; expected at least 22 bytes, found 2");
  CHECK(error(whole + "x") == "f: the zip archive has no directory at its end (truncated?)");
}

TEST_CASE("every change of one byte is refused or gives entries inside the file") {
  std::vector<ZipMember> members = two();
  members[0].flags = 8;
  std::string file = zip_file(members);
  int accepted = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    const char old = file[i];
    for (int value = 0; value < 256; ++value) {
      file[i] = static_cast<char>(value);
      try {
        for (const ZipEntry& e : read_stored_zip(as_file(file), "f"))
          if (e.bytes.size() > file.size()) FAIL("size");
        ++accepted;
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::input) FAIL("kind of: " << e.what());
      }
    }
    file[i] = old;
  }
  CHECK(accepted > 256 * 11);
}

TEST_CASE("compressed and encrypted entries are refused") {
  CHECK(
      error(zip_file({{.name = "a", .data = "xx", .method = 8}})) ==
      "f: an entry of the zip archive is compressed, which torch.save never does; expected stored entries, found \"a\" "
      "with method 8");
  // A bomb: few bytes that claim to be many.
  CHECK(error(zip_file({{.name = "a", .data = std::string(100, 'x'), .method = 8, .size = 0xFFFFFFF0}}))
            .find("is compressed") != std::string::npos);
  CHECK(error(zip_file({{.name = "a", .data = "xx", .flags = 1}})) ==
        "f: an entry of the zip archive is encrypted; found \"a\"");
}

TEST_CASE("names that lead out of the archive are refused") {
  for (const char* name : {"../a", "a/../../b", "a/..", "..", "/etc/passwd", "a\\b", "C:/a", "./a", "a//b", "//", ""}) {
    CAPTURE(name);
    CHECK(error(zip_file({{.name = name, .data = "x"}}))
              .starts_with(
                  "f: the zip archive holds a name that leads out of it or is no file name; expected names below the "
                  "archive's root, found \""));
  }
  CHECK(error(zip_file({{.name = std::string("a\0b", 3), .data = "x"}})).find("leads out") != std::string::npos);
  CHECK(contents(zip_file({{.name = "..a/b..", .data = "x"}})) == "..a/b..=x;");
  CHECK(error(zip_file({{.name = "a", .data = "1"}, {.name = "a", .data = "2"}})) ==
        "f: a name stands twice in the zip archive; found \"a\"");
}

TEST_CASE("lengths, offsets and counts that lie are refused") {
  const auto lies = [](ZipMember m, const ZipEnd& end = {}) {
    m.name = "a";
    m.data = "data";
    return error(zip_file({{.name = "b", .data = "other"}, m}, end));
  };
  CHECK(lies({.size = 3}) == "f: an entry of the zip archive and its local header contradict each other; found \"a\"");
  CHECK(lies({.size = 1000}).find("ends beyond the archive's data") != std::string::npos);
  CHECK(
      lies({.zip64 = true, .size = std::uint64_t{1} << 60}).find("ends beyond the archive's data; expected at most ") !=
      std::string::npos);
  CHECK(lies({.zip64 = true, .offset = std::uint64_t{1} << 60}).find("contradict") != std::string::npos);
  CHECK(lies({.zip64 = true, .offset = ~std::uint64_t{0}}).find("contradict") != std::string::npos);
  CHECK(lies({.local_name = "c"}).find("local header contradict") != std::string::npos);
  CHECK(lies({.flags = 8, .described = 5}) ==
        "f: the data descriptor of an entry contradicts the zip archive's directory; found \"a\"");
  CHECK(lies({}, {.count = 3}).find("declares more entries than its directory holds; expected at most 2, found 3") !=
        std::string::npos);
  CHECK(lies({}, {.count = 1}) == "f: the zip archive's directory is longer than its entries");
  CHECK(lies({}, {.count = 60000})
            .find("declares more entries than its directory holds; expected at most 2, found 60000") !=
        std::string::npos);
  CHECK(lies({}, {.zip64 = true, .count = std::uint64_t{1} << 60}).find("declares more entries") != std::string::npos);
  CHECK(lies({}, {.begin = 0}).find("directory does not lie where the end record says") != std::string::npos);
  CHECK(lies({}, {.zip64 = true, .length = ~std::uint64_t{0}}).find("does not lie where") != std::string::npos);
  CHECK(lies({}, {.disk = 1}) == "f: the zip archive is split into several files");
}

TEST_CASE("two entries on the same bytes are refused") {
  CHECK(error(zip_file({{.name = "a", .data = "data"}, {.name = "b", .data = "data", .local_name = "b", .offset = 0}}))
            .find("contradict") != std::string::npos);
  // The second entry's header lies inside the first one's data.
  const std::string inner = zip_file({{.name = "b", .data = "x"}}).substr(0, 32);
  std::string file = zip_file({{.name = "a", .data = inner}, {.name = "b", .data = "x", .offset = 31}});
  CHECK(error(file) == "f: two entries of the zip archive overlap; found \"a\" and \"b\"");
}

#include <doctest/doctest.h>

#include <ligase/io/file.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <csignal>
#include <fstream>
#include <support/errors.hpp>
#include <unit/io/temporary_folder.hpp>

using namespace ligase;
using ligase_test::error_of;
using ligase_test::TemporaryFolder;

namespace {

void put(const std::filesystem::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

}  // namespace

TEST_CASE("files are read whole, by copy and by mapping") {
  const TemporaryFolder folder;
  const std::string text = std::string("a\0b\r\n", 5) + std::string(100'000, 'x');
  put(folder / "f", text);
  CHECK(read_file(folder / "f") == text);
  const MappedFile mapped(folder / "f");
  CHECK(mapped.text() == text);
  CHECK(mapped.bytes().size() == text.size());

  put(folder / "empty", "");
  CHECK(read_file(folder / "empty").empty());
  CHECK(MappedFile(folder / "empty").bytes().empty());
}

TEST_CASE("a mapping moves and keeps its bytes") {
  const TemporaryFolder folder;
  put(folder / "f", "ACGT");
  put(folder / "g", "TT");
  MappedFile a(folder / "f");
  const void* place = a.bytes().data();
  MappedFile b(std::move(a));
  CHECK(b.bytes().data() == place);
  MappedFile c(folder / "g");
  c = std::move(b);
  CHECK(c.text() == "ACGT");
  CHECK(c.path() == folder / "f");
}

TEST_CASE("what cannot be read is bad input and named") {
  const TemporaryFolder folder;
  const auto missing = folder / "missing";
  for (const Error& e : {error_of([&] { read_file(missing); }), error_of([&] { const MappedFile unused(missing); })}) {
    CHECK(e.kind() == ErrorKind::input);
    CHECK(std::string(e.what()) == missing.string() + ": cannot open the file; found No such file or directory");
  }
  const Error e = error_of([&] { read_file(folder.path()); });
  CHECK(std::string(e.what()) == folder.path().string() + ": not a file; expected a regular file, found a folder");
  CHECK(error_of([] { read_file("/dev/zero"); }).kind() == ErrorKind::input);
}

TEST_CASE("a file appears when committed, not before") {
  const TemporaryFolder folder;
  const auto path = folder / "out";
  std::string expected;
  AtomicFile file(path);
  for (int i = 0; i < 200; ++i) {
    // Around the buffer's size of 2^18: empty, small, equal, larger.
    const std::string part(i % 50 == 7   ? std::size_t{1} << 18
                           : i % 50 == 9 ? 300'001
                                         : static_cast<std::size_t>(i) * 13,
                           static_cast<char>('a' + i % 26));
    file.write(part);
    expected += part;
  }
  CHECK_FALSE(std::filesystem::exists(path));
  file.commit();
  CHECK(read_file(path) == expected);
  CHECK(folder.entries() == 1);
}

TEST_CASE("without commit the old file stays and nothing is left over") {
  const TemporaryFolder folder;
  const auto path = folder / "out";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  CHECK(read_file(path) == "old");
  CHECK(folder.entries() == 1);
  write_file(path, "new");
  CHECK(read_file(path) == "new");
}

TEST_CASE("two writers of one name do not mix") {
  const TemporaryFolder folder;
  AtomicFile a(folder / "out"), b(folder / "out");
  a.write("aaaa");
  b.write("bb");
  a.commit();
  CHECK(read_file(folder / "out") == "aaaa");
  b.commit();
  CHECK(read_file(folder / "out") == "bb");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a relative name without folder is written to the working folder") {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file("plain", "text");
  std::filesystem::current_path(before);
  CHECK(read_file(folder / "plain") == "text");
}

TEST_CASE("writing errors are of kind io and name the file") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "no" / "out";
  const Error e = error_of([&] { write_file(path, "x"); });
  CHECK(e.kind() == ErrorKind::io);
  CHECK(std::string(e.what()) == path.string() + ": cannot write the file; found No such file or directory");

  std::filesystem::create_directory(folder / "taken");
  const Error taken = error_of([&] { write_file(folder / "taken", "x"); });
  CHECK(taken.kind() == ErrorKind::io);
  CHECK(std::string(taken.what()) == (folder / "taken").string() + ": cannot write the file; found Is a directory");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a link is followed, devices and pipes are never replaced") {
  const TemporaryFolder folder;
  put(folder / "f", "old");
  std::filesystem::create_symlink("f", folder / "link");
  write_file(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "f") == "new");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(error_of([&] { write_file(folder / "pipe", "x"); }).kind() == ErrorKind::io);
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
  CHECK(folder.entries() == 3);
}

TEST_CASE("a full disk leaves the old file as it was") {
  const TemporaryFolder folder;
  const auto path = folder / "out";
  write_file(path, "old");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlimit small{.rlim_cur = 100'000, .rlim_max = limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Error e = error_of([&] { write_file(path, std::string(1'000'000, 'x')); });
  const Error late = error_of([&] { write_file(path, std::string(150'000, 'x')); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(e.kind() == ErrorKind::io);
  CHECK(late.kind() == ErrorKind::io);
  CHECK(std::string(e.what()) == path.string() + ": cannot write the file; found File too large");
  CHECK(read_file(path) == "old");
  CHECK(folder.entries() == 1);
}

#include <doctest/doctest.h>
#include <ligase/io/folder_lock.hpp>

#include "temporary_folder.hpp"

using namespace ligase;

TEST_CASE("a folder is locked once at a time, and free again after that") {
  const ligase_test::TemporaryFolder folder;
  {
    const FolderLock first(folder.path());
    CHECK_THROWS_WITH_AS(FolderLock(folder.path()), doctest::Contains("another process is writing to the folder"), Error);
  }
  CHECK_NOTHROW(FolderLock(folder.path()));
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_THROWS_AS(FolderLock(folder.path() / "gone"), Error);
}

// main of every doctest executable. A test case that printed a message and made no assertion could not run here (no
// reference material, no device): when nothing else ran, the exit code says "skipped" to ctest.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

namespace {

constexpr int skipped_exit_code = 77;

struct SkipListener : doctest::IReporter {
  static inline int ran = 0;
  static inline int skipped = 0;
  bool message = false;

  explicit SkipListener(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData&) override { message = false; }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    ++ran;
    if (message && stats.numAssertsCurrentTest == 0 && stats.failure_flags == 0) ++skipped;
  }
  void log_message(const doctest::MessageData&) override { message = true; }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_LISTENER("skip", 1, SkipListener);

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int code = context.run();
  if (context.shouldExit() || code != 0) return code;
  return SkipListener::ran > 0 && SkipListener::skipped == SkipListener::ran ? skipped_exit_code : 0;
}

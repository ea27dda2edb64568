#include <evaluate/report.hpp>

#include <doctest/doctest.h>

#include <unistd.h>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

using namespace ligase;
using namespace ligase_cli;

TEST_CASE("evaluate: summaries of all windows and of those without a known 24-mer, and the table of windows") {
  Evaluation e;
  e.places = {{0, "chr1", 0}, {5, "a,b", 500}, {9, "chr1", 900}};
  e.model = {{{15, 10}, {20, 10}}, {{36, 20}, {40, 20}}, {{19, 10}, {20, 10}}};
  e.known = {{0, 77}, {7, 70}, {0, 77}};
  const std::vector<WindowBits> rival{{16, 10}, {38, 20}, {19, 10}};
  e.context_models = {{"two_sided_3", bits_per_base(rival), rival}};

  const Summary all = summarize(e, false);
  CHECK(all.letters.bits == doctest::Approx(70.0 / 40));
  // Means of the windows 1.5, 1.8, 1.9: squared deviations 0.0867 in all, over n (n - 1) = 6.
  CHECK(all.letters.standard_error == doctest::Approx(std::sqrt(0.26 / 3 / 6)));
  REQUIRE(all.rivals.size() == 1);
  CHECK(all.rivals[0].bits.bits == doctest::Approx(73.0 / 40));
  CHECK(all.rivals[0].difference.mean == doctest::Approx(-0.2 / 3));
  const Summary unknown = summarize(e, true);
  CHECK(unknown.letters.bits == doctest::Approx(34.0 / 20));
  CHECK(unknown.letters.windows == 2);
  CHECK(unknown.rivals[0].bits.bits == doctest::Approx(35.0 / 20));

  OrderedJson json;
  add_summary(json, all);
  CHECK(json.at("loss").get<double>() == doctest::Approx(std::log(2.0) * 70 / 40));
  CHECK(json.at("perplexity").get<double>() == doctest::Approx(std::exp(json.at("loss").get<double>())));
  CHECK(json.at("loss_over_vocabulary").get<double>() == doctest::Approx(std::log(2.0) * 80 / 40));
  CHECK(json.at("context_models").at("two_sided_3").get<double>() == doctest::Approx(73.0 / 40));

  const auto path = std::filesystem::temp_directory_path() / ("ligase_windows_" + std::to_string(::getpid()) + ".csv");
  write_windows(path, e);
  CHECK(read_file(path) ==
        "window,chrom,start,targets,share_24mers_in_train,model,two_sided_3\n"
        "0,chr1,0,10,0.0000,1.500000000,1.600000000\n"
        "5,\"a,b\",500,20,0.1000,1.800000000,1.900000000\n"
        "9,chr1,900,10,0.0000,1.900000000,1.900000000\n");
  std::filesystem::remove(path);
}

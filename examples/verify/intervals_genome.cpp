#include "cases.hpp"

#include <ligase/genome/intervals.hpp>
#include <ligase/io/json.hpp>

namespace ligase_verify {

using namespace ligase;

/// Rows of mode `original`; a row that the original refuses has to be one that we refuse.
void verify_intervals(const CaseFolder& folder, Tally& tally) {
  const std::string where = (folder.path / "cases.json").string();
  const Json list = parse_json_file(where);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string name = "[" + std::to_string(i) + "]", place = where + name;
    const auto length = require<Index>(list[i], "max_length", place);
    const auto error = optional_field<Json>(list[i], "error", place);
    const bool accepted = length > 0 && original_extension % length == 0;
    if (error || !accepted) {
      tally.agree(name, bool(error) != accepted, error ? "an error" : "an interval",
                  accepted ? "an interval" : "an error");
      continue;
    }
    const Interval window =
        original_window(require<Index>(list[i], "chrom_len", place), require<Index>(list[i], "bed_start", place),
                        length, require<Index>(list[i], "i_shift", place));
    const auto expected = require<std::vector<Index>>(list[i], "result", place);
    const auto text = [](Index begin, Index end) {
      return "[" + std::to_string(begin) + ", " + std::to_string(end) + "]";
    };
    if (expected.size() != 2)
      throw Error{{.kind = ErrorKind::input, .what = "bad result", .where = place, .expected = "[start, end]"}};
    tally.agree(name, window == Interval{expected[0], expected[1]}, text(expected[0], expected[1]),
                text(window.begin, window.end));
  }
}

}  // namespace ligase_verify

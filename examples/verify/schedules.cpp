#include "training.hpp"

namespace ligase_verify {

void verify_schedules(const CaseFolder& folder, Tally& tally) {
  const std::string where = (folder.path / "cases.json").string();
  const Json list = parse_json_file(where);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string place = where + "[" + std::to_string(i) + "]";
    const CosineSchedule schedule = read_schedule(list[i], place);
    const std::string name = field_or(list[i], "name", "[" + std::to_string(i) + "]", place);
    std::vector<double> expected, found;
    for (const auto& point : require<std::vector<std::vector<double>>>(list[i], "points", place)) {
      if (point.size() != 2 || point[0] < 0 || point[0] > 9e15 ||
          point[0] != static_cast<double>(static_cast<Index>(point[0])))
        throw Error{{.kind = ErrorKind::input, .what = "bad point", .where = place, .expected = "[step, rate]"}};
      expected.push_back(point[1]);
      found.push_back(schedule.rate(static_cast<Index>(point[0])));
    }
    if (!expected.empty()) tally.numbers(name, expected, found, Quantity::real);
  }
}

}  // namespace ligase_verify

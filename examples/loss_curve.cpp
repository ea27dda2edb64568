#include <common/outputs.hpp>
#include <common/program.hpp>

#include <ligase/core/error.hpp>
#include <ligase/train/log.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using ligase::Index;

struct Point {
  double x, y;
};

/// A rectangle of the picture and the values that its edges stand for.
struct Panel {
  double left, right, top, bottom;
  double x_least, x_most, y_least, y_most;

  double x(double value) const { return left + (value - x_least) / (x_most - x_least) * (right - left); }
  double y(double value) const { return bottom - (value - y_least) / (y_most - y_least) * (bottom - top); }
};

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string coordinate(double value) { return number("%.1f", value); }

/// 1234567.5 with one decimal: 1,234,567.5.
std::string grouped(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string digits = text;
  const std::size_t point = std::min(digits.find('.'), digits.size()), first = digits[0] == '-' ? 1 : 0;
  for (std::size_t i = point; i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string counted(double count, const std::string& noun) {
  return grouped(count, 0) + " " + noun + (count == 1 ? "" : "s");
}

struct Tick {
  double value;
  std::string text;
};

/// The multiples of 1, 2 or 5 times a power of ten (at least `finest`) that lie in [least, most], about `count` of them.
std::vector<Tick> round_ticks(double least, double most, int count, double finest = 0) {
  const double rough = std::max((most - least) / count, finest),
               power = std::pow(10.0, std::floor(std::log10(rough) + 1e-9));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * 0.999) step = factor * power;
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  std::vector<Tick> ticks;
  const double first = std::ceil(least / step - 1e-9);
  for (int i = 0; i <= count + 1; ++i) {
    const double value = (first + i) * step + 0.0;
    if (value <= most + 1e-9 * step) ticks.push_back({value, grouped(value, decimals)});
  }
  return ticks;
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) switch (c) {
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '&': safe += "&amp;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  return safe;
}

class Picture {
 public:
  Picture(double width, double height) {
    svg_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + coordinate(width) + "\" height=\"" +
           coordinate(height) + "\" viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) +
           "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#333\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  }

  void text(double x, double y, const std::string& words, const std::string& attributes = "") {
    svg_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" " + attributes + ">" + escaped(words) +
            "</text>\n";
  }
  /// Text that reads upwards, centred at (x, y).
  void upward_text(double x, double y, const std::string& words) {
    text(x, y, words, "text-anchor=\"middle\" transform=\"rotate(-90 " + coordinate(x) + " " + coordinate(y) + ")\"");
  }
  void line(double x1, double y1, double x2, double y2, const std::string& colour) {
    svg_ += "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" + coordinate(x2) + "\" y2=\"" +
            coordinate(y2) + "\" stroke=\"" + colour + "\"/>\n";
  }
  /// A curve, or a dot where there is one point only.
  void curve(const Panel& panel, const std::vector<Point>& points, const std::string& attributes) {
    if (points.size() == 1) dot(panel.x(points[0].x), panel.y(points[0].y), "#333");
    if (points.size() < 2) return;
    svg_ += "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" " + attributes + " points=\"";
    for (const Point& p : points)
      svg_ += coordinate(panel.x(p.x)) + "," + coordinate(std::clamp(panel.y(p.y), panel.top, panel.bottom)) + " ";
    svg_ += "\"/>\n";
  }
  void dot(double x, double y, const std::string& colour) {
    svg_ += "<circle cx=\"" + coordinate(x) + "\" cy=\"" + coordinate(y) + "\" r=\"3.5\" fill=\"" + colour + "\"/>\n";
  }

  std::string finish() { return svg_ + "</svg>\n"; }

 private:
  std::string svg_;
};

constexpr double bits_per_nat = 1.4426950408889634;
constexpr const char* grid = "#e6e6e6";
constexpr const char* axis = "#888888";
constexpr const char* loss_colour = "#1f5fa8";
constexpr const char* rate_colour = "#b5651d";

void draw_left_axis(Picture& picture, const Panel& panel, int count, const std::string& title) {
  for (const Tick& tick : round_ticks(panel.y_least, panel.y_most, count)) {
    const double y = panel.y(tick.value);
    picture.line(panel.left, y, panel.right, y, grid);
    picture.text(panel.left - 8, y + 4.5, tick.text, "text-anchor=\"end\"");
  }
  picture.upward_text(22, (panel.top + panel.bottom) / 2, title);
}

void draw_right_axis_in_bits(Picture& picture, const Panel& panel) {
  for (const Tick& tick : round_ticks(panel.y_least * bits_per_nat, panel.y_most * bits_per_nat, 6)) {
    const double y = panel.y(tick.value / bits_per_nat);
    picture.line(panel.right, y, panel.right + 5, y, axis);
    picture.text(panel.right + 9, y + 4.5, tick.text);
  }
  picture.upward_text(panel.right + 58, (panel.top + panel.bottom) / 2, "loss (bits per token)");
}

/// Grid lines in every panel, numbers below the last one only.
void draw_steps(Picture& picture, const Panel& panel, bool numbers) {
  for (const Tick& tick : round_ticks(panel.x_least, panel.x_most, 8, 1)) {
    const double x = panel.x(tick.value);
    picture.line(x, panel.top, x, panel.bottom + (numbers ? 5 : 0), grid);
    if (numbers) picture.text(x, panel.bottom + 20, tick.text, "text-anchor=\"middle\"");
  }
}

void draw_frame(Picture& picture, const Panel& panel) {
  picture.line(panel.left, panel.bottom, panel.right, panel.bottom, axis);
  picture.line(panel.left, panel.top, panel.left, panel.bottom, axis);
  picture.line(panel.right, panel.top, panel.right, panel.bottom, axis);
}

/// Mean over a window of values around each one, the window narrower at the start, where losses fall. NaN is left out.
std::vector<double> smoothed(const std::vector<double>& values, Index reach) {
  std::vector<double> sums{0}, counts{0}, result;
  for (const double v : values) {
    const bool is_real = std::isfinite(v);
    sums.push_back(sums.back() + (is_real ? v : 0));
    counts.push_back(counts.back() + (is_real ? 1 : 0));
  }
  const auto n = static_cast<Index>(values.size());
  for (Index i = 0; i < n; ++i) {
    const Index r = std::min(reach, i);
    const auto begin = static_cast<std::size_t>(i - r), end = static_cast<std::size_t>(std::min(n, i + r + 1));
    const double count = counts[end] - counts[begin];
    result.push_back(count > 0 ? (sums[end] - sums[begin]) / count : std::nan(""));
  }
  return result;
}

double mean(const std::vector<double>& values) {
  double sum = 0, count = 0;
  for (const double v : values)
    if (std::isfinite(v)) {
      sum += v;
      ++count;
    }
  return sum / count;
}

/// At most `most` points, each the mean of as many neighbours: a curve of a million steps stays a small file.
std::vector<Point> thinned(const std::vector<ligase::StepReport>& log, const std::vector<double>& values,
                           std::size_t most) {
  const std::size_t stride = (log.size() + most - 1) / most;
  std::vector<Point> points;
  for (std::size_t begin = 0; begin < log.size(); begin += stride) {
    const std::size_t end = std::min(log.size(), begin + stride);
    double sum = 0, steps = 0, count = 0;
    for (std::size_t i = begin; i < end; ++i)
      if (std::isfinite(values[i])) {
        sum += values[i];
        steps += static_cast<double>(log[i].step);
        ++count;
      }
    if (count > 0) points.push_back({steps / count, sum / count});
  }
  return points;
}

std::string draw(const std::vector<ligase::StepReport>& log, const std::string& file, const std::string& title) {
  std::vector<double> losses, rates, speeds;
  for (const auto& report : log) {
    losses.push_back(report.loss);
    rates.push_back(report.learning_rate);
    speeds.push_back(report.tokens_per_second);
  }
  const std::vector<double> smooth = smoothed(losses, std::max<Index>(1, static_cast<Index>(log.size()) / 50));

  std::vector<double> finite;
  std::copy_if(losses.begin(), losses.end(), std::back_inserter(finite), [](double x) { return std::isfinite(x); });
  if (finite.empty())
    throw ligase::Error{
        {.kind = ligase::ErrorKind::input, .what = "no step of the log has a finite loss", .where = file}};
  // A fresh model falls within a few steps from far above to where the learning is seen: those steps run along the top edge.
  const std::size_t settled = finite.size() < 40 ? 0 : finite.size() / 12;
  const auto [least, most] = std::minmax_element(finite.begin() + static_cast<std::ptrdiff_t>(settled), finite.end());
  const double margin = std::max({0.05 * (*most - *least), 0.01, 1e-6 * std::abs(*most)});

  const double x_least = 0, x_most = std::max(static_cast<double>(log.back().step), 1.0);
  const Panel loss{.left = 78,
                   .right = 812,
                   .top = 64,
                   .bottom = 392,
                   .x_least = x_least,
                   .x_most = x_most,
                   .y_least = std::max(0.0, *least - margin),
                   .y_most = *most + margin};
  double rate_most = 0;
  for (const double r : rates)
    if (std::isfinite(r)) rate_most = std::max(rate_most, r);
  const Panel rate{.left = 78,
                   .right = 812,
                   .top = 424,
                   .bottom = 498,
                   .x_least = x_least,
                   .x_most = x_most,
                   .y_least = 0,
                   .y_most = rate_most > 0 ? 1.1 * rate_most : 1};

  Picture picture(900, 560);
  picture.text(78, 28, title, "font-size=\"18\" font-weight=\"bold\"");
  Index tokens = 0;
  for (const auto& report : log) tokens += report.tokens;
  std::string summary =
      counted(static_cast<double>(log.size()), "step") + ", " + counted(static_cast<double>(tokens), "token");
  if (const double speed = mean(speeds); std::isfinite(speed))
    summary += ", " + counted(std::round(speed), "token") + " per second";
  if (const double last = smooth.back(); std::isfinite(last))
    summary += "; last mean " + number("%.4f", last) + " nats (" + number("%.4f", last * bits_per_nat) + " bits)";
  picture.text(78, 49, summary, "fill=\"#777\"");

  draw_steps(picture, loss, false);
  draw_left_axis(picture, loss, 6, "loss (nats per token)");
  draw_right_axis_in_bits(picture, loss);
  picture.curve(loss, thinned(log, losses, 3000),
                std::string("stroke=\"") + loss_colour + "\" stroke-width=\"1.2\" stroke-opacity=\"0.4\"");
  picture.curve(loss, thinned(log, smooth, 1500), std::string("stroke=\"") + loss_colour + "\" stroke-width=\"2.2\"");
  draw_frame(picture, loss);
  picture.line(loss.right - 226, loss.top + 16, loss.right - 202, loss.top + 16, "#a5bfdc");
  picture.text(loss.right - 196, loss.top + 20.5, "each step");
  picture.line(loss.right - 116, loss.top + 16, loss.right - 92, loss.top + 16, loss_colour);
  picture.text(loss.right - 86, loss.top + 20.5, "moving mean");

  draw_steps(picture, rate, true);
  draw_left_axis(picture, rate, 2, "learning rate");
  picture.curve(rate, thinned(log, rates, 1500), std::string("stroke=\"") + rate_colour + "\" stroke-width=\"1.8\"");
  draw_frame(picture, rate);
  picture.text((rate.left + rate.right) / 2, rate.bottom + 44, "optimiser step", "text-anchor=\"middle\"");
  return picture.finish();
}

}  // namespace

int main(int argc, char** argv) {
  return ligase_cli::run_program(argc, argv, [](int count, char** words) {
    ligase_cli::Arguments arguments("loss_curve", "Draws the log of a training run as one self-contained SVG file.",
                                    "loss_curve --log run/log.jsonl --out loss.svg --title \"Caduceus-PS on chr20\"");
    arguments.required("log", "FILE", "log.jsonl that pretrain writes")
        .required("out", "FILE.svg", "the picture")
        .option("title", "TEXT", "Training loss", "its heading");
    if (!arguments.parse(count, words)) return;
    ligase_cli::check_output("--out", arguments.path("out"), {arguments.path("log")});

    const auto log = ligase::read_training_log(arguments.path("log"));
    if (log.empty())
      throw ligase::Error{{.kind = ligase::ErrorKind::input,
                           .what = "the log holds no complete line",
                           .where = arguments.text("log"),
                           .expected = "one JSON object per optimiser step"}};
    ligase::write_file(arguments.path("out"), draw(log, arguments.text("log"), arguments.text("title")));
  });
}

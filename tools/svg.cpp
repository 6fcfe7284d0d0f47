#include "tuco/tools/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tuco::tools {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

std::string short_number(double value) {
  constexpr const char* kUnits[] = {"", "k", "M", "G", "T"};
  int unit = 0;
  while (std::abs(value) >= 999.5 && unit < 4) value /= 1000, ++unit;
  return fmt::format("{:.3g}{}", value, kUnits[unit]);
}

std::string short_bytes(int64_t count) {
  constexpr const char* kUnits[] = {"bytes", "KB", "MB", "GB"};
  auto value = static_cast<double>(count);
  int unit = 0;
  while (value >= 1024 && unit < 3) value /= 1024, ++unit;
  return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

Axis Axis::linear(double high, double first_pixel, double last_pixel) {
  Axis axis;
  axis.high_ = high > 0 ? high : 1;
  axis.first_ = first_pixel;
  axis.last_ = last_pixel;
  return axis;
}

Axis Axis::logarithmic(double low, double high, double first_pixel, double last_pixel) {
  Axis axis = linear(std::max(high, low * 1.0001), first_pixel, last_pixel);
  axis.low_ = low;
  axis.logarithmic_ = true;
  return axis;
}

double Axis::pixel(double value) const {
  const double part = logarithmic_
                          ? std::log(std::max(value, 1e-300) / low_) / std::log(high_ / low_)
                          : (value - low_) / (high_ - low_);
  return first_ + std::clamp(part, 0.0, 1.0) * (last_ - first_);
}

std::vector<double> Axis::ticks() const {
  std::vector<double> ticks;
  if (!logarithmic_) {
    const double rough = (high_ - low_) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    const double step = power * (rough / power < 1.5   ? 1
                                 : rough / power < 3.5 ? 2
                                 : rough / power < 7.5 ? 5
                                                       : 10);
    for (double value = low_; value <= high_ * 1.0001; value += step) ticks.push_back(value);
    return ticks;
  }
  const double decades = std::log10(high_ / low_);
  for (double power = std::pow(10, std::floor(std::log10(low_))); power <= high_; power *= 10)
    for (const int digit : {1, 2, 5}) {
      if (digit != 1 && decades > 2.5) continue;
      const double value = digit * power;
      if (value >= low_ * 0.9999 && value <= high_ * 1.0001) ticks.push_back(value);
    }
  return ticks;
}

Svg::Svg(double width, double height, const std::string& description)
    : text_(fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n",
                        width, height, escaped(description))) {}

void Svg::line(const std::string& style, double x1, double y1, double x2, double y2) {
  text_ +=
      fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                  style, x1, y1, x2, y2);
}

void Svg::bar(const std::string& style, double x, double y, double width, double height,
              const std::string& hint, bool upright) {
  const double r = std::min({3.0, width / 2, height / 2});
  const std::string path =
      upright ? fmt::format(
                    "M{:.2f} {:.2f}v{:.2f}q0 {:.2f} {:.2f} {:.2f}h{:.2f}q{:.2f} 0 {:.2f} "
                    "{:.2f}v{:.2f}z",
                    x, y + height, -(height - r), -r, r, -r, width - 2 * r, r, r, r, height - r)
              : fmt::format(
                    "M{:.2f} {:.2f}h{:.2f}q{:.2f} 0 {:.2f} {:.2f}v{:.2f}q0 {:.2f} {:.2f} "
                    "{:.2f}h{:.2f}z",
                    x, y, width - r, r, r, r, height - 2 * r, r, -r, r, -(width - r));
  text_ += fmt::format("<path class=\"{}\" d=\"{}\"><title>{}</title></path>\n", style, path,
                       escaped(hint));
}

void Svg::rectangle(const std::string& style, double x, double y, double width, double height,
                    const std::string& hint) {
  text_ += fmt::format(
      "<rect class=\"{}\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\">"
      "<title>{}</title></rect>\n",
      style, x, y, width, height, escaped(hint));
}

void Svg::circle(const std::string& style, double x, double y, double radius,
                 const std::string& hint) {
  text_ += fmt::format(
      "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"><title>{}</title></circle>\n",
      style, x, y, radius, escaped(hint));
}

void Svg::text(const std::string& style, double x, double y, const std::string& anchor,
               const std::string& words) {
  text_ +=
      fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                  style, x, y, anchor, escaped(words));
}

void Svg::grid_below(const Axis& x, double top, double bottom, const std::string& title) {
  for (const double tick : x.ticks()) {
    line("grid", x.pixel(tick), top, x.pixel(tick), bottom);
    text("tick", x.pixel(tick), bottom + 16, "middle", short_number(tick));
  }
  text("title", x.last_pixel(), bottom + 34, "end", title);
}

void Svg::grid_left(const Axis& y, double left, double right, const std::string& title) {
  for (const double tick : y.ticks()) {
    line("grid", left, y.pixel(tick), right, y.pixel(tick));
    text("tick", left - 8, y.pixel(tick) + 4, "end", short_number(tick));
  }
  text("title", left - 8, y.last_pixel() - 12, "start", title);
}

}  // namespace tuco::tools

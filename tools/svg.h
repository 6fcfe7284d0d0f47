// Charts as SVG text for a page of HTML: marks by class name, which the page's style sheet colours,
// and axes with round numbers.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tuco::tools {

/// The text with the signs of HTML written out.
std::string escaped(const std::string& text);

/// A number with three digits that count: "12.3", "1.23M".
std::string short_number(double value);

/// "277.3 KB": units of 1,024.
std::string short_bytes(int64_t count);

/// A range of numbers laid out over a range of pixels.
class Axis {
 public:
  static Axis linear(double high, double first_pixel, double last_pixel);
  /// Both ends must be above 0.
  static Axis logarithmic(double low, double high, double first_pixel, double last_pixel);

  double pixel(double value) const;
  /// Round numbers to label.
  std::vector<double> ticks() const;
  double first_pixel() const { return first_; }
  double last_pixel() const { return last_; }

 private:
  bool logarithmic_ = false;
  double low_ = 0, high_ = 1, first_ = 0, last_ = 1;
};

/// A picture under construction.
class Svg {
 public:
  Svg(double width, double height, const std::string& description);

  void line(const std::string& style, double x1, double y1, double x2, double y2);
  /// A bar that is rounded at its free end: its right one, or its top one if `upright`.
  void bar(const std::string& style, double x, double y, double width, double height,
           const std::string& hint, bool upright = false);
  /// A rectangle with square corners.
  void rectangle(const std::string& style, double x, double y, double width, double height,
                 const std::string& hint);
  void circle(const std::string& style, double x, double y, double radius, const std::string& hint);
  /// `anchor` is start, middle or end.
  void text(const std::string& style, double x, double y, const std::string& anchor,
            const std::string& text);
  /// Grid lines and labels of an axis below (between y of `top` and `bottom`), or at the left.
  void grid_below(const Axis& x, double top, double bottom, const std::string& title);
  void grid_left(const Axis& y, double left, double right, const std::string& title);

  std::string finish() const { return text_ + "</svg>\n"; }

 private:
  std::string text_;
};

}  // namespace tuco::tools

#include "tuco/tools/device_report_html.h"

#include <gtest/gtest.h>

#include <regex>
#include <vector>

#include "tests/deploy/random_models.h"
#include "tuco/deploy/device_report.h"

namespace tuco::tools {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

/// Whether every tag is closed by one of its name, in order.
void expect_balanced(const std::string& page) {
  static const std::regex kTag("<(/?)([a-z0-9]+)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(page.begin(), page.end(), kTag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || (*at)[3] == "/") continue;
    if ((*at)[1] != "/") {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

deploy::DeviceReport report(const std::string& name, uint64_t seed = 3) {
  return make_device_report(test::random_int8_model(seed), name);
}

TEST(DeviceReportHtml, IsOnePageThatNeedsNothingElse) {
  const std::string page = to_html(report("net"));
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(count(page, "<svg "), 1u);
  EXPECT_EQ(count(page, "prefers-color-scheme: dark"), 1u);
  EXPECT_EQ(count(page, "name=\"viewport\""), 1u);
  EXPECT_FALSE(std::regex_search(page, std::regex("(src|href)=|url\\(|<script|@import|https?:")));
  for (const auto& board : deploy::device_boards())
    EXPECT_EQ(count(page, "<td>" + std::string(board.name) + "</td>"), 1u) << board.name;
  // Numbers are rounded for people.
  EXPECT_FALSE(
      std::regex_search(page.substr(page.find("<main>")), std::regex("[>( ][0-9]+\\.[0-9]{5}")));
  for (uint64_t seed = 1; seed <= 20; ++seed) expect_balanced(to_html(report("net", seed)));
}

TEST(DeviceReportHtml, NamesAreHarmless) {
  const std::string evil = "<script>alert(1)</script>\"'&";
  deploy::DeviceReport r = report(evil);
  for (auto& layer : r.layers) layer.name = evil;
  for (auto& layer : r.layers) layer.work.kernel = evil;
  for (auto& place : r.places) place.name = evil;
  r.notes = {evil};
  const std::string page = to_html(r);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_GE(count(page, "&lt;script&gt;alert(1)&lt;/script&gt;"), 3 + r.layers.size());
  expect_balanced(page);
}

TEST(DeviceReportHtml, ThePictureHasEveryPlace) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const deploy::DeviceReport r = report("net", seed);
    const std::string picture = memory_picture(r);
    EXPECT_EQ(count(picture, "<rect "), r.places.size());
    EXPECT_EQ(count(picture, "<title>"), r.places.size());
    size_t scratch = 0;
    for (const auto& place : r.places) scratch += place.scratch;
    EXPECT_EQ(count(picture, "class=\"scratch\""), scratch);
  }
}

TEST(DeviceReportHtml, RectanglesLieWhereTheBytesDo) {
  deploy::DeviceReport r = report("net");
  r.layers.resize(2);
  r.arena_bytes = 1000;
  r.places = {{"a", 0, 500, -1, 0, false, -1}, {"b", 500, 500, 0, 1, true, -1}};
  const std::string picture = memory_picture(r);
  static const std::regex kRectangle(
      "<rect class=\"(\\w+)\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" width=\"([0-9.]+)\" "
      "height=\"([0-9.]+)\"><title>([^<]*)</title>");
  std::vector<std::smatch> found(std::sregex_iterator(picture.begin(), picture.end(), kRectangle),
                                 std::sregex_iterator());
  ASSERT_EQ(found.size(), 2u);
  const auto number = [&](int i, int k) { return std::stod(found[i][k]); };
  EXPECT_DOUBLE_EQ(number(0, 4), number(1, 4));                      // both live for two layers
  EXPECT_NEAR(number(1, 2), number(0, 2) + number(0, 4) / 2, 0.02);  // the second one layer later
  EXPECT_NEAR(number(0, 3), number(1, 3) + number(1, 5), 0.02);      // and above the first
  EXPECT_EQ(found[0][6], "a: 500 bytes at 0, before the run to layer 0");
  EXPECT_EQ(found[1][6], "b: 500 bytes at 500, layer 0 to layer 1");
}

}  // namespace
}  // namespace tuco::tools

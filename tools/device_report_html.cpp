#include "tuco/tools/device_report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuco/core/text.h"
#include "tuco/tools/page.h"
#include "tuco/tools/svg.h"

namespace tuco::tools {
namespace {

using deploy::BoardEstimate;
using deploy::CoreCost;
using deploy::DeviceLayer;
using deploy::DeviceReport;
using deploy::PlannedPlace;

std::string whole(double number) { return grouped(std::llround(number)); }

const char* how(bool measured) { return measured ? "measured" : "estimated"; }

std::string table(const std::vector<std::string>& heads, const std::string& rows) {
  std::string text = "<div class=\"scroll\"><table><tr>";
  for (const std::string& head : heads) text += fmt::format("<th>{}</th>", head);
  return text + "</tr>\n" + rows + "</table></div>\n";
}

std::string tiles(const DeviceReport& r) {
  const CoreCost& m4 = r.cost(deploy::Core::kCortexM4);
  const BoardEstimate& first = r.boards.at(0);
  return "<div class=\"tiles\">\n" +
         page_tile(grouped(r.constants.total()), "bytes of constants in flash") +
         page_tile(grouped(m4.code_bytes),
                   fmt::format("bytes of code, Cortex-M4, {}", how(m4.measured))) +
         page_tile(grouped(r.arena_bytes),
                   fmt::format("bytes of arena; no plan can do with less than {}",
                               grouped(r.arena_lower_bound))) +
         page_tile(short_number(static_cast<double>(r.products)), "products a run") +
         page_tile(short_number(m4.instructions.typical),
                   fmt::format("instructions a run, Cortex-M4, {}", how(m4.measured))) +
         page_tile(
             deploy::figure(first.milliseconds.typical) + " ms",
             fmt::format("a run on {}, estimated: {} to {}", escaped(std::string(first.board.name)),
                         deploy::figure(first.milliseconds.low),
                         deploy::figure(first.milliseconds.high))) +
         "</div>\n";
}

std::string board_table(const DeviceReport& r) {
  const auto of = [](int64_t taken, int64_t there) {
    return fmt::format("{} of {}", grouped(taken), short_bytes(there));
  };
  std::string rows;
  for (const BoardEstimate& b : r.boards)
    rows += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td{}>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td><td class=\"words\">{}</td></tr>\n",
        escaped(std::string(b.board.name)), b.milliseconds.to_string(), b.millijoules.to_string(),
        b.fits() ? "" : " class=\"no\"", b.fits() ? "yes" : "no",
        of(b.flash_bytes, b.board.flash_bytes), of(b.ram_bytes, b.board.ram_bytes),
        escaped(std::string(b.board.chip)), deploy::name(b.board.core), b.board.megahertz,
        how(b.measured), escaped(std::string(b.board.energy_source)));
  return table({"board", "ms a run", "mJ a run", "fits", "flash, bytes", "RAM, bytes", "chip",
                "core", "MHz", "instructions", "where the energy of a cycle comes from"},
               rows);
}

std::string layer_table(const DeviceReport& r) {
  const CoreCost& m4 = r.cost(deploy::Core::kCortexM4);
  const BoardEstimate& first = r.boards.at(0);
  const double all = std::max(1.0, m4.instructions.typical);
  const auto constants = [](const deploy::ConstantBytes& c) {
    return fmt::format("<td>{}</td><td>{}</td><td>{}</td><td>{}</td>", grouped(c.weights),
                       grouped(c.biases), grouped(c.multipliers), grouped(c.others));
  };
  std::string rows;
  int64_t live = 0, scratch = 0;
  for (size_t i = 0; i < r.layers.size(); ++i) {
    const DeviceLayer& l = r.layers[i];
    rows += fmt::format(
        "<tr><td>{} {}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1f} "
        "%</td><td>{}</td>{}"
        "<td>{}</td><td>{}</td></tr>\n",
        i, escaped(l.name), l.output.to_string(), escaped(l.work.kernel), grouped(l.products),
        whole(m4.layers[i]), 100 * m4.layers[i] / all, deploy::figure(first.layer_milliseconds[i]),
        constants(l.constants), grouped(l.live_bytes), grouped(l.scratch_bytes));
    live = std::max(live, l.live_bytes);
    scratch = std::max(scratch, l.scratch_bytes);
  }
  rows += fmt::format(
      "<tr><td><b>in "
      "all</b></td><td></td><td></td><td>{}</td><td>{}</td><td></td><td>{}</td>{}<td>at most "
      "{}</td><td>at most {}</td></tr>\n",
      grouped(r.products), whole(m4.instructions.typical),
      deploy::figure(first.milliseconds.typical), constants(r.constants), grouped(live),
      grouped(scratch));
  return table({"layer", "output", "kernel", "products", "instructions", "share", "ms", "weights",
                "biases", "multipliers", "others", "live", "scratch"},
               rows);
}

std::string core_table(const DeviceReport& r) {
  std::string rows;
  for (const CoreCost& c : r.cores)
    rows += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{} to {}</td><td>{}</td><td>{}</td>"
        "<td>{}</td></tr>\n",
        deploy::name(c.core), whole(c.instructions.typical), whole(c.instructions.low),
        whole(c.instructions.high), grouped(c.code_bytes), grouped(c.stack_bytes), how(c.measured));
  return table({"core", "instructions", "range", "code, bytes", "stack, bytes", "how"}, rows);
}

std::string when(const PlannedPlace& p, int layers) {
  const std::string from = p.first < 0 ? "before the run" : fmt::format("layer {}", p.first);
  if (p.first == p.last) return from;
  return fmt::format("{} to {}", from,
                     p.last >= layers ? "behind the run" : fmt::format("layer {}", p.last));
}

}  // namespace

std::string memory_picture(const DeviceReport& r) {
  constexpr double kLeft = 62, kTop = 28, kHeight = 380;
  const int layers = static_cast<int>(r.layers.size());
  const double cell = std::clamp(860.0 / (layers + 2), 14.0, 90.0);
  const double right = kLeft + cell * (layers + 2), bottom = kTop + kHeight;
  const Axis y =
      Axis::linear(static_cast<double>(std::max<int64_t>(1, r.arena_bytes)), bottom, kTop);
  const auto x = [&](int layer) { return kLeft + cell * (layer + 1); };
  Svg svg(right + 14, bottom + 44, "Memory plan");
  svg.grid_left(y, kLeft, right, "bytes of the arena");
  for (size_t i = 0; i < r.places.size(); ++i) {
    const PlannedPlace& p = r.places[i];
    const double top = y.pixel(static_cast<double>(p.offset + p.size));
    const double width = x(p.last + 1) - x(p.first);
    const double height = y.pixel(static_cast<double>(p.offset)) - top;
    svg.rectangle(p.scratch ? "scratch"
                  : i % 2   ? "lighter"
                            : "place",
                  x(p.first), top, width, height,
                  fmt::format("{}: {} bytes at {}, {}", p.name, grouped(p.size), grouped(p.offset),
                              when(p, layers)));
  }
  svg.line("edge", kLeft, y.pixel(static_cast<double>(r.arena_bytes)), right,
           y.pixel(static_cast<double>(r.arena_bytes)));
  const int every = static_cast<int>(std::ceil(26 / cell));
  for (int layer = 0; layer < layers; layer += every)
    svg.text("tick", x(layer) + cell / 2, bottom + 16, "middle", fmt::format("{}", layer));
  svg.text("title", right, bottom + 34, "end", "layer");
  return svg.finish();
}

std::string to_html(const DeviceReport& r) {
  std::string text =
      page_begin("tuco compile " + r.name, r.name, "What the network costs on microcontrollers.");
  for (const std::string& note : r.notes) text += fmt::format("<p>Note: {}</p>\n", escaped(note));
  text += tiles(r);
  text += page_section(
      "Boards",
      "Flash is constants and code, RAM arena and stack: the rest of the firmware comes on top. "
      "Times and energies are estimates, likely values with a range: instructions, measured or "
      "estimated, times the cycles that the core takes for one, by the clock; cycles times the "
      "energy of one.",
      board_table(r));
  text += page_section(
      "Memory plan",
      "Each value takes a rectangle of the arena while it is needed. Where two lie over each "
      "other, "
      "a layer writes its output over its input. <span class=\"key place\"></span>values"
      "<span class=\"key scratch\"></span>scratch memory",
      "<div class=\"scroll\">" + memory_picture(r) + "</div>\n");
  text +=
      page_section("Layers",
                   "Instructions are the Cortex-M4's, milliseconds the first board's likely ones; "
                   "constants, live and scratch memory are bytes.",
                   layer_table(r));
  text +=
      page_section("Cores", "What a run takes on each core, whatever the clock.", core_table(r));
  return text + page_end();
}

}  // namespace tuco::tools

// The two forms of a report on devices that need no picture: text and JSON.
#include <nlohmann/json.hpp>

#include "tuco/core/text.h"
#include "tuco/deploy/device_report.h"

namespace tuco::deploy {
namespace {

using Json = nlohmann::ordered_json;

std::string grouped(double number) { return tuco::grouped(std::llround(number)); }

const char* how(bool measured) { return measured ? "measured" : "estimated"; }

Json json_of(const Estimate& e) {
  return {{"low", e.low}, {"typical", e.typical}, {"high", e.high}};
}

Json json_of(const ConstantBytes& bytes) {
  return {{"weights", bytes.weights},
          {"biases", bytes.biases},
          {"multipliers", bytes.multipliers},
          {"others", bytes.others},
          {"total", bytes.total()}};
}

std::vector<int64_t> json_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

std::string DeviceReport::to_text() const {
  const CoreCost& m4 = cost(Core::kCortexM4);
  std::string text = fmt::format(
      "Report on {}\n\n"
      "flash   constants {} bytes (weights {}, biases {}, multipliers {}, others {})\n"
      "        code {} bytes on the Cortex-M4, {}\n"
      "RAM     arena {} bytes (no plan can do with less than {}), stack {} bytes, {}\n"
      "run     {} products, {} instructions on the Cortex-M4, {}\n",
      name, grouped(constants.total()), grouped(constants.weights), grouped(constants.biases),
      grouped(constants.multipliers), grouped(constants.others), grouped(m4.code_bytes),
      how(m4.measured), grouped(arena_bytes), grouped(arena_lower_bound), grouped(m4.stack_bytes),
      how(m4.measured), grouped(products), grouped(m4.instructions.typical), how(m4.measured));
  for (const std::string& note : notes) text += fmt::format("note    {}\n", note);

  size_t width = 5;
  for (const DeviceLayer& layer : layers) width = std::max(width, layer.name.size());
  text += fmt::format("\n{:<{}}  {:<16} {:>11} {:>12} {:>10} {:>9} {:>8}\n", "layer", width,
                      "output", "products", "instructions", "constants", "live", "scratch");
  for (size_t i = 0; i < layers.size(); ++i) {
    const DeviceLayer& l = layers[i];
    text +=
        fmt::format("{:<{}}  {:<16} {:>11} {:>12} {:>10} {:>9} {:>8}\n", l.name, width,
                    l.output.to_string(), grouped(l.products), grouped(m4.layers[i]),
                    grouped(l.constants.total()), grouped(l.live_bytes), grouped(l.scratch_bytes));
  }

  text += fmt::format("\n{:<38} {:>5} {:>9} {:>9} {:>4}  {:<24} {:<26} {}\n", "board", "MHz",
                      "flash", "RAM", "fits", "ms a run", "mJ a run", "instructions");
  for (const BoardEstimate& b : boards)
    text += fmt::format("{:<38} {:>5} {:>9} {:>9} {:>4}  {:<24} {:<26} {}\n",
                        fmt::format("{} ({})", b.board.name, b.board.chip), b.board.megahertz,
                        grouped(b.flash_bytes), grouped(b.ram_bytes), b.fits() ? "yes" : "no",
                        b.milliseconds.to_string(), b.millijoules.to_string(), how(b.measured));
  return text + "Times and energies are estimates, with a range; docs/estimates.md says how.\n";
}

std::string DeviceReport::to_json() const {
  Json json = {{"name", name},
               {"products", products},
               {"constants", json_of(constants)},
               {"arena_bytes", arena_bytes},
               {"arena_lower_bound", arena_lower_bound},
               {"input_bytes", input_bytes},
               {"output_bytes", output_bytes},
               {"notes", notes},
               {"layers", Json::array()},
               {"cores", Json::array()},
               {"boards", Json::array()},
               {"memory", Json::array()}};
  for (const DeviceLayer& l : layers)
    json["layers"].push_back({{"name", l.name},
                              {"input", json_of(l.input)},
                              {"output", json_of(l.output)},
                              {"kernel", l.work.kernel},
                              {"calls", l.work.calls},
                              {"steps", l.work.steps},
                              {"gathered", l.work.gathered},
                              {"output_bytes", l.work.output_bytes},
                              {"repeated", l.work.repeated},
                              {"products", l.products},
                              {"constants", json_of(l.constants)},
                              {"live_bytes", l.live_bytes},
                              {"scratch_bytes", l.scratch_bytes}});
  for (const CoreCost& c : cores)
    json["cores"].push_back({{"core", deploy::name(c.core)},
                             {"measured", c.measured},
                             {"instructions", json_of(c.instructions)},
                             {"layers", c.layers},
                             {"code_bytes", c.code_bytes},
                             {"stack_bytes", c.stack_bytes}});
  for (const BoardEstimate& b : boards)
    json["boards"].push_back({{"board", b.board.name},
                              {"chip", b.board.chip},
                              {"core", deploy::name(b.board.core)},
                              {"megahertz", b.board.megahertz},
                              {"instructions_measured", b.measured},
                              {"flash_bytes", b.flash_bytes},
                              {"flash_there", b.board.flash_bytes},
                              {"ram_bytes", b.ram_bytes},
                              {"ram_there", b.board.ram_bytes},
                              {"fits", b.fits()},
                              {"cycles_per_instruction", json_of(b.board.cycles_per_instruction)},
                              {"picojoules_per_cycle", json_of(b.board.picojoules_per_cycle)},
                              {"energy_source", b.board.energy_source},
                              {"cycles", json_of(b.cycles)},
                              {"milliseconds", json_of(b.milliseconds)},
                              {"layer_milliseconds", b.layer_milliseconds},
                              {"millijoules", json_of(b.millijoules)}});
  for (const PlannedPlace& p : places)
    json["memory"].push_back({{"name", p.name},
                              {"offset", p.offset},
                              {"bytes", p.size},
                              {"first", p.first},
                              {"last", p.last},
                              {"scratch", p.scratch},
                              {"over", p.over}});
  // Names come from files, in whatever bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tuco::deploy

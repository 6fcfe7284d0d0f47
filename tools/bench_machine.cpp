#include "tuco/tools/bench_machine.h"

#include <fmt/format.h>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/machine_peak.h"

namespace tuco::tools {

std::string machine_limits(bool json) {
  std::vector<int> threads = {1};
  if (num_threads() > 1) threads.push_back(num_threads());
  std::string arithmetic, memory;
  const auto separate = [&](std::string& list) {
    if (json && !list.empty()) list += ",";
  };
  for (const cpu::Isa isa : cpu::supported_isas())
    for (const int count : threads) {
      const cpu::ArithmeticPeak peak = cpu::measure_arithmetic(isa, count);
      separate(arithmetic);
      arithmetic +=
          json ? fmt::format(R"({{"isa":"{}","threads":{},"flops":{:.4g},"int8_ops":{:.4g}}})",
                             isa_name(isa), count, peak.flops, peak.int8_ops)
               : fmt::format("{:<12} {:>7} {:>18.1f} {:>18.1f}\n", isa_name(isa), count,
                             peak.flops * 1e-9, peak.int8_ops * 1e-9);
    }
  for (const int count : threads) {
    const cpu::Bandwidth rate = cpu::measure_bandwidth(count);
    separate(memory);
    memory += json
                  ? fmt::format(R"({{"threads":{},"read":{:.4g},"copy":{:.4g},"in_place":{:.4g}}})",
                                count, rate.read, rate.copy, rate.in_place)
                  : fmt::format("{:>20} {:>12.1f} {:>12.1f} {:>12.1f}\n", count, rate.read * 1e-9,
                                rate.copy * 1e-9, rate.in_place * 1e-9);
  }
  if (json) return fmt::format("{{\"arithmetic\":[{}],\"memory\":[{}]}}\n", arithmetic, memory);
  return fmt::format("{:<12} {:>7} {:>18} {:>18}\n{}\n{:>20} {:>12} {:>12} {:>12}\n{}",
                     "instructions", "threads", "float32 GFLOP/s", "int8 GOP/s", arithmetic,
                     "threads", "read GB/s", "copy GB/s", "in place GB/s", memory);
}

}  // namespace tuco::tools

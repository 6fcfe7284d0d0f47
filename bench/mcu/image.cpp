#include "tuco/bench/mcu/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "tuco/bench/mcu/link_map.h"
#include "tuco/bench/mcu/process.h"

namespace tuco::bench {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& text) { throw std::runtime_error(text); }

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) fail(fmt::format("{}: cannot be read", path.string()));
  return text.str();
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(text.data(), static_cast<std::streamsize>(text.size())))
    fail(fmt::format("{}: cannot be written", path.string()));
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

int64_t macro(const std::string& header, const std::string& name, const std::string& path) {
  std::smatch match;
  if (!std::regex_search(header, match, std::regex("#define " + name + " ([0-9]+)\\b")))
    fail(fmt::format("{}: there is no #define {} with a number", path, name));
  return std::stoll(match[1]);
}

void read_cases(Model& model, const fs::path& folder, int64_t most) {
  for (int64_t i = 0; i < most && fs::exists(folder / fmt::format("{}_in.bin", i)); ++i) {
    model.inputs += read(folder / fmt::format("{}_in.bin", i));
    model.outputs += read(folder / fmt::format("{}_out.bin", i));
  }
  if (model.inputs.empty()) fail(fmt::format("{}: there is no 0_in.bin", folder.string()));
}

std::string cases_assembly(const Model& model, const fs::path& folder) {
  const auto blob = [&](const std::string& name, const std::string& bytes, int64_t otherwise) {
    const fs::path file = folder / (name + ".bin");
    write(file, bytes);
    return fmt::format(".section .rodata.{0},\"a\"\n.balign 4\n.global {0}\n{0}:\n{1}\n", name,
                       bytes.empty() ? fmt::format(".zero {}", otherwise)
                                     : fmt::format(".incbin \"{}\"", file.string()));
  };
  return blob("bench_inputs", model.inputs, model.input) +
         blob("bench_outputs", model.outputs, model.output);
}

/// Compiles and links; the linker's map is in folder/image.map.
void build(const Model& model, const Variant& variant, const fs::path& folder) {
  const Board& board = variant.board;
  write(folder / "cases.S", cases_assembly(model, folder));
  const std::string prefix = upper(model.name);
  const std::vector<std::string> names = {
      fmt::format("-DBENCH_HEADER=\"{}.h\"", model.name),
      fmt::format("-DBENCH_INPUT={}_input", model.name),
      fmt::format("-DBENCH_RUN={}_run", model.name),
      model.has_states ? fmt::format("-DBENCH_RESET={}_reset", model.name)
                       : std::string("-DBENCH_RESET(arena)="),
      fmt::format("-DBENCH_ARENA_BYTES={}_ARENA_BYTES", prefix),
      fmt::format("-DBENCH_INPUT_BYTES={}_INPUT_BYTES", prefix),
      fmt::format("-DBENCH_OUTPUT_BYTES={}_OUTPUT_BYTES", prefix),
      fmt::format("-DBENCH_CASES={}", model.cases()),
      "-I" + fs::absolute(model.path).parent_path().string(), std::string("-I") + TUCO_INCLUDE_DIR,
      // Its own loops become no calls of memcpy, which would be counted as the model's.
      "-fno-tree-loop-distribute-patterns"};
  std::vector<std::string> objects;
  const auto compile = [&](const fs::path& source, const std::string& stem,
                           const std::string& optimize, const std::vector<std::string>& more) {
    std::vector<std::string> command = {board.tools + "gcc"};
    command.insert(command.end(), board.compile.begin(), board.compile.end());
    command.insert(command.end(), {"-Wno-error", "-O" + optimize});
    command.insert(command.end(), more.begin(), more.end());
    objects.push_back((folder / (stem + ".o")).string());
    command.insert(command.end(), {"-c", source.string(), "-o", objects.back()});
    run_checked(command);
  };
  for (const char* stem : {"startup", "mcu"})
    compile(fs::path(TUCO_MCU_SOURCE_DIR) / (std::string(stem) + ".c"), stem, "2", names);
  compile(TUCO_IMAGE_MAIN, "main", "2", names);
  compile(folder / "cases.S", "cases", "2", {});
  compile(model.path.string() + ".c", "model", variant.optimize, variant.flags);
  std::vector<std::string> command = {board.tools + "gcc"};
  command.insert(command.end(), board.link.begin(), board.link.end());
  command.insert(command.end(), objects.begin(), objects.end());
  command.insert(command.end(), {"-lgcc", "-o", (folder / "image.elf").string(),
                                 "-Wl,-Map=" + (folder / "image.map").string()});
  run_checked(command);
}

/// Adds a stretch of flash to the kind that it is of, by the name of its section.
void add(Bytes& bytes, const Placed& p, const std::string& model_name) {
  static const std::regex kConstant("\\.s?rodata\\.(.*)_([a-z]+)_[0-9]+(\\..*)?");
  const auto size = static_cast<int64_t>(p.size);
  std::smatch match;
  if (p.input == "*fill*") {
    bytes.padding += size;
  } else if (p.input.starts_with(".text")) {
    bytes.code += size;
  } else if (!std::regex_match(p.input, match, kConstant) || match[1] != model_name) {
    bytes.others += size;
  } else if (match[2] == "weight") {
    bytes.weights += size;
  } else if (match[2] == "bias") {
    bytes.biases += size;
  } else if (match[2] == "multiplier" || match[2] == "shift") {
    bytes.multipliers += size;
  } else if (match[2] == "channels") {  // a bias and a multiplier with its shift in turn
    bytes.biases += size / 2;
    bytes.multipliers += size - size / 2;
  } else {
    bytes.others += size;
  }
}

void measure_bytes(const Model& model, const fs::path& folder, Measures& measures) {
  for (const Placed& p : read_link_map(read(folder / "image.map"))) {
    const auto size = static_cast<int64_t>(p.size);
    const std::string object = fs::path(p.object).filename().string();
    const bool of_model = object == "model.o";
    const bool support =
        p.object.find("libgcc.a(") != std::string::npos ||
        (object == "mcu.o" && (p.input == ".text.memcpy" || p.input == ".text.memset"));
    const bool in_ram = p.output == ".bss" || p.output == ".stack" || p.output == ".data";
    if (p.output != ".bss" && p.output != ".stack" && object != "cases.o") measures.image += size;
    if (!of_model && !support) continue;
    if (in_ram) measures.model_ram += size;
    if (p.output == ".bss") continue;
    add(measures.model, p, model.name);
    if (support) add(measures.support, p, model.name);
    static const std::regex kSection("\\.(text|s?rodata|s?data)\\.(startup\\.)?(.*)");
    std::smatch match;
    if (p.input != "*fill*")
      measures.symbols[std::regex_match(p.input, match, kSection)
                           ? match[3].str()
                           : fmt::format("{} of {}", p.input, object)] += size;
  }
}

/// The address of a function, as the plugin wants it.
std::string address(const std::string& symbols, const std::string& name) {
  std::smatch match;
  if (!std::regex_search(symbols, match, std::regex("([0-9a-f]+) T " + name + "\n")))
    fail(fmt::format("the image has no function {}", name));
  return match[1];
}

int64_t printed(const std::string& output, const std::string& name) {
  std::smatch match;
  if (!std::regex_search(output, match, std::regex(name + " ([0-9a-f]{8})\n")))
    fail(fmt::format("the program did not print its {}:\n{}", name, output));
  return std::stoll(match[1], nullptr, 16);
}

void measure_run(const Model& model, const Board& board, const fs::path& folder,
                 Measures& measures) {
  const std::string elf = (folder / "image.elf").string();
  const std::string symbols = run_checked({board.tools + "nm", elf});
  std::vector<std::string> command = {"timeout", "300", board.emulator};
  command.insert(command.end(), board.machine.begin(), board.machine.end());
  command.insert(command.end(),
                 {"-nographic", "-monitor", "none", "-serial", "none", "-plugin",
                  fmt::format("{},begin={},end={},profile=4096,calls={}_run,outer=main",
                              TUCO_COUNT_PLUGIN, address(symbols, "mcu_count_begin"),
                              address(symbols, "mcu_count_end"), model.name),
                  "-semihosting-config", "enable=on,target=native", "-kernel", elf});
  const std::string output = run_checked(command);

  int64_t total = 0, in_calls = 0, by_itself = 0;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, name;
    int64_t count = 0;
    if (line.starts_with("instructions ")) {
      words >> first >> total;
    } else if (line.starts_with("call ")) {
      words >> first >> count >> name;
      measures.calls.push_back({name, count});
      in_calls += count;
    } else if (line.starts_with("   ") && words >> count >> name) {
      // From mark to mark there are a few instructions of ours.
      if (name == "main" || name == "mcu_count_begin" || name == "mcu_count_end")
        total -= count;
      else
        measures.functions.push_back({name, count});
      if (name == model.name + "_run") by_itself = count;
    }
  }
  measures.instructions = total;
  int64_t in_functions = 0;
  for (const Call& f : measures.functions) in_functions += f.instructions;
  if (total <= 0 || in_calls + by_itself != total || in_functions != total)
    fail(
        fmt::format("the counts do not add up: {} in all, {} in calls and {} besides, {} by "
                    "functions:\n{}",
                    total, in_calls, by_itself, in_functions, output));
  measures.stack = printed(output, "stack");
  measures.differing = printed(output, "bytes differing");
  measures.touched = printed(output, "bytes touched outside the arena");
}

}  // namespace

Model read_model(const std::string& argument, int64_t most) {
  std::istringstream parts(argument);
  std::string part, input, output;
  std::getline(parts, part, ',');
  Model model;
  model.path = part.ends_with(".c") ? part.substr(0, part.size() - 2) : part;
  model.name = model.path.filename().string();
  const std::string header_path = model.path.string() + ".h";
  const std::string header = read(header_path), source = read(model.path.string() + ".c");
  const std::string prefix = upper(model.name);
  model.arena = macro(header, prefix + "_ARENA_BYTES", header_path);
  model.input = macro(header, prefix + "_INPUT_BYTES", header_path);
  model.output = macro(header, prefix + "_OUTPUT_BYTES", header_path);
  model.has_states = header.find("#define " + prefix + "_STATE_BYTES ") != std::string::npos;

  while (std::getline(parts, part, ',')) {
    if (part.starts_with("input=")) {
      model.inputs = read(input = part.substr(6));
    } else if (part.starts_with("output=")) {
      model.outputs = read(output = part.substr(7));
    } else if (part.starts_with("cases=")) {
      read_cases(model, input = output = part.substr(6), most);
    } else {
      fail(fmt::format("{}: expected input=, output= or cases=, not {}", argument, part));
    }
  }
  const auto inputs = static_cast<int64_t>(model.inputs.size()),
             outputs = static_cast<int64_t>(model.outputs.size());
  if (inputs % model.input != 0)
    fail(fmt::format("{}: {} bytes are no whole number of inputs of {}", input, inputs,
                     model.input));
  if (outputs != 0 && outputs != model.cases() * model.output)
    fail(fmt::format("{}: {} bytes, expected {} outputs of {}", output, outputs, model.cases(),
                     model.output));

  // Of what lies in one file, too, no more than is asked for.
  model.inputs.resize(std::min<size_t>(inputs, most * model.input));
  model.outputs.resize(std::min<size_t>(outputs, most * model.output));

  static const std::regex kLayer("/\\* [0-9]+: ([^\n]*)\\. \\*/\n[^\n(]*\\b(\\w+)\\(");
  for (std::sregex_iterator at(source.begin(), source.end(), kLayer), end; at != end; ++at)
    model.layers[(*at)[2]] = (*at)[1];
  return model;
}

int64_t products_of(const std::string& comment) {
  std::smatch match;
  static const std::regex kProducts(", ([0-9]+) products");
  return std::regex_search(comment, match, kProducts) ? std::stoll(match[1]) : 0;
}

std::vector<std::string> missing_for(const Board& board) {
  std::vector<std::string> missing;
  for (const std::string& program : {board.tools + "gcc", board.tools + "nm", board.emulator})
    if (!in_path(program)) missing.push_back(program);
  for (const char* file : {TUCO_MCU_SOURCE_DIR "/startup.c", TUCO_IMAGE_MAIN, TUCO_COUNT_PLUGIN})
    if (!fs::exists(file)) missing.push_back(file);
  return missing;
}

Measures measure(const Model& model, const Variant& variant, const fs::path& folder) {
  build(model, variant, folder);
  Measures measures;
  measure_bytes(model, folder, measures);
  measure_run(model, variant.board, folder, measures);
  return measures;
}

}  // namespace tuco::bench

#include "tuco/deploy/device_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "tuco/core/error.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/runtime/model.h"
#include "tuco/deploy/runtime_text.h"

namespace tuco::deploy {
namespace {

struct Kernel {
  uint32_t number;
  std::string_view name;
  size_t arguments;
};

constexpr Kernel kKernels[] = {
#define TUCO_KERNEL_ENTRY(number, name, NAME, arguments) {number, #name, arguments},
    TUCO_KERNELS(TUCO_KERNEL_ENTRY)
#undef TUCO_KERNEL_ENTRY
};

const Kernel& kernel_named(std::string_view name) {
  const Kernel* found = std::ranges::find(kKernels, name, &Kernel::name);
  require<UnsupportedOp>(found != std::end(kKernels), "files for devices have no kernel {}", name);
  return *found;
}

/// The bytes of a file while they come together.
class Writer {
 public:
  explicit Writer(const Program& program) : program_(program), bytes_(sizeof(tuco_file_header)) {
    for (const Constant& constant : program.constants()) {
      addresses_.push_back(TUCO_IN_FILE | static_cast<uint32_t>(bytes_.size()));
      if (constant.is_struct()) {
        for (const Member& member : constant.members)
          for (const Argument& element : member.elements) append(word(element), member.bytes);
      } else {
        const int size = constant.element_bytes();
        for (const int32_t value : constant.values) append(static_cast<uint32_t>(value), size);
      }
      align();
    }
  }

  uint32_t size() const { return static_cast<uint32_t>(bytes_.size()); }

  void append(const Call& call) {
    const Kernel& kernel = kernel_named(call.kernel);
    require<Error>(call.arguments.size() == kernel.arguments, "tuco_{} with {} arguments, not {}",
                   kernel.name, call.arguments.size(), kernel.arguments);
    append(kernel.number | static_cast<uint32_t>(kernel.arguments) << 16, 4);
    for (const Argument& argument : call.arguments) append(word(argument), 4);
  }

  void append(const InitialState& state) {
    append(word(state.place), 4);
    append(static_cast<uint32_t>(state.bytes), 4);
    append(state.initial.kind == Argument::Kind::kConstant
               ? word(state.initial)
               : static_cast<uint8_t>(state.initial.value),
           4);
  }

  void append(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void align() { bytes_.resize((bytes_.size() + 3) / 4 * 4); }

  Bytes finish(tuco_file_header header) && {
    align();
    require<UnsupportedOp>(bytes_.size() <= TUCO_FILE_LIMIT, "a file of {} bytes, the most is {}",
                           bytes_.size(), static_cast<int>(TUCO_FILE_LIMIT));
    header.magic = TUCO_FILE_MAGIC;
    header.version = TUCO_FILE_VERSION;
    header.file_bytes = size();
    std::memcpy(bytes_.data(), &header, sizeof header);
    header.checksum =
        tuco_crc32(bytes_.data() + TUCO_FILE_CHECKED_FROM, size() - TUCO_FILE_CHECKED_FROM);
    std::memcpy(bytes_.data(), &header, sizeof header);
    return std::move(bytes_);
  }

 private:
  uint32_t word(const Argument& argument) const {
    switch (argument.kind) {
      case Argument::Kind::kConstant:
        return addresses_.at(argument.value);
      case Argument::Kind::kNull:
        return 0;
      case Argument::Kind::kInteger:
      case Argument::Kind::kRounding:
      case Argument::Kind::kPlace:
      case Argument::Kind::kScratch:
        break;
    }
    const auto value = static_cast<int32_t>(argument.value);
    require<UnsupportedOp>(value == argument.value, "{} does not fit in a file for devices",
                           argument.value);
    return static_cast<uint32_t>(value);
  }

  /// The lowest bytes of a word.
  void append(uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<uint8_t>(value >> 8 * i));
  }

  const Program& program_;
  Bytes bytes_;
  std::vector<uint32_t> addresses_;
};

tuco_file_tensor tensor_of(const Graph& graph, const MemoryPlan& plan, int value) {
  const Quantization& q = *graph.values[value].quantization;
  return {static_cast<uint32_t>(plan.offsets[value]),
          static_cast<uint32_t>(elements_per_image(graph.values[value])), q.scale[0],
          q.zero_point[0]};
}

tuco_file_picture picture_of(const Graph& graph) {
  if (!graph.preprocessing) return {};
  const Preprocessing& p = *graph.preprocessing;
  return {static_cast<uint32_t>(p.height), static_cast<uint32_t>(p.width),
          static_cast<uint32_t>(p.channels), p.channel_order == "BGR",
          p.resize == ResizeRule::cover};
}

std::string_view status_text(int32_t status) {
  switch (status) {
    case TUCO_OK:
      return "fine";
    case TUCO_NO_MODEL:
      return "no model for devices";
    case TUCO_OTHER_VERSION:
      return "of another version of the format";
    case TUCO_CUT_OFF:
      return "cut off";
    case TUCO_DAMAGED:
      return "damaged: its checksum is wrong";
    case TUCO_UNKNOWN_KERNEL:
      return "calling a kernel that does not exist";
    case TUCO_WRONG_CALL:
      return "wrong: a number in a call, or what it points to";
    case TUCO_WRONG_HEADER:
      return "wrong: a number in its header";
    default:
      return "unusable";
  }
}

/// A file in memory as devices see it, checked; its arena is never touched.
struct Opened {
  std::vector<uint32_t> words;
  tuco_model model;

  Opened(const Bytes& bytes, std::string_view name) : words((bytes.size() + 3) / 4) {
    std::memcpy(words.data(), bytes.data(), bytes.size());
    alignas(4) static int8_t nowhere[4];
    uint32_t call = std::numeric_limits<uint32_t>::max();
    const int32_t status = tuco_model_check(&model, words.data(), bytes.size(), nowhere,
                                            std::numeric_limits<size_t>::max(), &call);
    if (status == TUCO_OK) return;
    const std::string where = status == TUCO_WRONG_CALL || status == TUCO_UNKNOWN_KERNEL
                                  ? fmt::format(" (call {})", call)
                                  : "";
    fail<FormatError>("{} is {}{}", name, status_text(status), where);
  }

  const tuco_file_header& header() const { return *tuco_model_header(&model); }

  /// Calls visit(kernel, arguments) for each call.
  template <class Visit>
  void for_each_call(Visit visit) const {
    const uint32_t* word = words.data() + header().calls / 4;
    for (uint32_t i = 0; i < header().call_count; ++i) {
      const uint32_t number = *word & 0xffff, count = *word >> 16;
      visit(*std::ranges::find(kKernels, number, &Kernel::number), std::span(word + 1, count));
      word += 1 + count;
    }
  }
};

}  // namespace

DeviceFile make_device_file(const QuantizedModel& whole, const DeviceOptions& options) {
  const DeviceProgram device(whole, options);
  const auto& [model, plan, program] = device;
  const Graph& graph = model.graph;
  require<UnsupportedOp>(graph.inputs.size() == 1 && graph.outputs.size() == 1,
                         "files for devices have one input and one output, not {} and {}",
                         graph.inputs.size(), graph.outputs.size());
  require<UnsupportedOp>(plan.arena_bytes <= TUCO_FILE_LIMIT,
                         "an arena of {} bytes, the most is {}", plan.arena_bytes,
                         static_cast<int>(TUCO_FILE_LIMIT));
  DeviceFile file;
  Writer writer(program);
  tuco_file_header header = {};
  header.arena_bytes = static_cast<uint32_t>(plan.arena_bytes);
  header.input = tensor_of(graph, plan, graph.inputs[0]);
  header.output = tensor_of(graph, plan, graph.outputs[0]);
  header.calls = writer.size();
  for (const std::vector<Call>& layer : program.layers())
    for (const Call& call : layer) {
      writer.append(call);
      file.kernels |= uint32_t{1} << kernel_named(call.kernel).number;
      header.call_count++;
    }
  header.states = writer.size();
  for (const InitialState& state : program.states()) {
    writer.append(state);
    header.state_count++;
  }
  header.picture = picture_of(graph);
  header.classes = writer.size();
  if (graph.preprocessing)
    for (const std::string& name : graph.preprocessing->class_names) {
      require<UnsupportedOp>(name.find('\0') == name.npos, "the class {:?} has a zero in its name",
                             name);
      writer.append(name + '\0');
      header.class_count++;
    }
  file.bytes = std::move(writer).finish(header);
  file.products = products_of(graph);
  file.constants = program.constant_bytes();
  file.arena_bytes = plan.arena_bytes;
  file.arena_lower_bound = plan.lower_bound;
  try {
    Opened(file.bytes, "it");
  } catch (const FormatError& error) {
    fail<UnsupportedOp>("the model is beyond what devices take from files: {}", error.what());
  }
  return file;
}

DeviceFile write_device_file(const QuantizedModel& model, const std::string& path,
                             const DeviceOptions& options) {
  DeviceFile file = make_device_file(model, options);
  write_file(path, file.bytes);
  return file;
}

bool is_device_file(const File& file) {
  if (file.size() < 4) return false;
  const Bytes start = file.read(0, 4);
  return std::string_view(reinterpret_cast<const char*>(start.data()), 4) == "TUCO";
}

uint32_t kernels_of_device_file(const File& file) {
  uint32_t kernels = 0;
  Opened(file.read_all(), file.name()).for_each_call([&](const Kernel& kernel, auto) {
    kernels |= uint32_t{1} << kernel.number;
  });
  return kernels;
}

std::string describe_device_file(const File& file) {
  const Opened opened(file.read_all(), file.name());
  const tuco_file_header& h = opened.header();
  std::string text = fmt::format(
      "{}: a model for devices, version {}\n"
      "  file    {} bytes\n  arena   {} bytes\n",
      file.name(), h.version, h.file_bytes, h.arena_bytes);
  const auto tensor = [&](const char* name, const tuco_file_tensor& t) {
    text += fmt::format("  {:<7} {} values of scale {} and zero point {}, from arena + {} on\n",
                        name, t.bytes, t.scale, t.zero_point, t.place);
  };
  tensor("input", h.input);
  tensor("output", h.output);
  const auto* state = reinterpret_cast<const tuco_file_state*>(opened.model.file + h.states);
  for (uint32_t i = 0; i < h.state_count; ++i)
    text += fmt::format("  state   {} bytes, from arena + {} on\n", state[i].bytes, state[i].place);
  if (const tuco_file_picture& p = h.picture; p.height > 0)
    text += fmt::format("  picture {} x {} x {}, {}, {}\n", p.height, p.width, p.channels,
                        p.channels == 1 ? "grey"
                        : p.blue_first  ? "BGR"
                                        : "RGB",
                        p.covers ? "covered" : "stretched");
  for (uint32_t i = 0; i < h.class_count; ++i)
    text += fmt::format("  class {:<2}{:?}\n", i, tuco_model_class(&opened.model, i));
  text += "\nCalls\n";
  opened.for_each_call([&](const Kernel& kernel, std::span<const uint32_t> arguments) {
    text += fmt::format("  {:<20}", kernel.name);
    for (const uint32_t argument : arguments)
      text += static_cast<int32_t>(argument) < -TUCO_FILE_LIMIT
                  ? fmt::format(" @{}", argument & ~TUCO_IN_FILE)
                  : fmt::format(" {}", static_cast<int32_t>(argument));
    text += "\n";
  });
  return text;
}

std::string device_runtime(uint32_t kernels) {
  const std::array<std::string_view, 1> headers = {"model.h"};
  std::string names;
  for (const Kernel& kernel : kKernels)
    if (kernels >> kernel.number & 1)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", kernel.name);
  return fmt::format(
      "// Tuco's loader and kernels for models in files (.tuco), to be included by one C or C++ "
      "file.\n"
      "// Its kernels: {}.\n#ifndef TUCO_WANTED_KERNELS\n#define TUCO_WANTED_KERNELS {:#x}u\n"
      "#endif\n#define TUCO_KERNEL TUCO_SHARED\n{}",
      names, kernels, runtime_text(headers));
}

}  // namespace tuco::deploy

#include "tuco/deploy/device_file.h"

#include <gtest/gtest.h>

#include <zlib.h>

#include <cstddef>

#include "tests/deploy/device_run.h"
#include "tests/deploy/pointwise_networks.h"
#include "tests/deploy/quantized.h"
#include "tests/deploy/random_models.h"
#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/trace.h"

namespace tuco::deploy {
namespace {

/// A depthwise convolution of the kind that works in place.
test::Network depthwise_network() {
  test::Builder b(1);
  const auto conv = b.conv("conv", 5, 5, 3, {.padding = 1, .groups = 5});
  return b.finish([=](const Tensor& x) { return relu(conv(x)); }, {7, 4, 5});
}

/// Runs `images` random inputs through the file and the interpreter.
void expect_interpreters_bytes(const QuantizedModel& model, int64_t images, uint64_t seed) {
  const DeviceFile file = make_device_file(model);
  test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
  ASSERT_EQ(device.status(), TUCO_OK) << "call " << device.call();
  Rng rng(seed);
  Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
  shape[0] = images;
  const Tensor input = test::random_integers(shape, rng);
  EXPECT_EQ(device.run_all(input.to_vector<int8_t>()), interpret(model, input).to_vector<int8_t>());
}

std::vector<QuantizedModel> models() {
  std::vector<QuantizedModel> models;
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle})
    models.push_back(test::quantized(test::small_network(), rounding));
  models.push_back(test::quantized(depthwise_network()));
  for (uint64_t seed = 1; seed <= 30; ++seed)
    models.push_back(test::quantized(test::random_network(seed)));
  for (uint64_t seed = 1; seed <= 60; ++seed)
    models.push_back(test::quantized(test::random_pointwise_network(seed)));
  for (uint64_t seed = 1; seed <= 300; ++seed) models.push_back(test::random_int8_model(seed));
  return models;
}

TEST(DeviceFile, EveryKernelGivesTheInterpretersBytes) {
  uint32_t kernels = 0;
  uint64_t number = 0;
  for (const QuantizedModel& model : models()) {
    SCOPED_TRACE(number);
    expect_interpreters_bytes(model, 2, ++number);
    kernels |= make_device_file(model).kernels;
  }
#define TUCO_EXPECT_KERNEL(number, name, NAME, arguments) \
  EXPECT_TRUE(kernels >> (number)&1) << #name << " was never called";
  TUCO_KERNELS(TUCO_EXPECT_KERNEL)
#undef TUCO_EXPECT_KERNEL
}

TEST(DeviceFile, HoldsWhatTheModelSays) {
  test::Network network = test::small_network();
  Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  graph.preprocessing = Preprocessing{.height = 12,
                                      .width = 12,
                                      .channel_order = "BGR",
                                      .resize = ResizeRule::stretch,
                                      .class_names = {"cat", "", "a <dog> \"too\""}};
  optimize(graph);
  const QuantizedModel model = quantize(graph, test::random_images(network, 16, 2));
  const DeviceFile file = make_device_file(model);
  const test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
  ASSERT_EQ(device.status(), TUCO_OK);
  const tuco_file_header& header = device.header();
  const auto& input = *model.graph.values[model.graph.inputs[0]].quantization;
  const auto& output = *model.graph.values[model.graph.outputs[0]].quantization;
  EXPECT_EQ(header.file_bytes, file.bytes.size());
  EXPECT_EQ(header.arena_bytes, file.arena_bytes);
  EXPECT_EQ(header.input.bytes, 12 * 12 * 3);
  EXPECT_EQ(header.input.scale, input.scale[0]);
  EXPECT_EQ(header.input.zero_point, input.zero_point[0]);
  EXPECT_EQ(header.output.bytes, 3);
  EXPECT_EQ(header.output.scale, output.scale[0]);
  EXPECT_EQ(header.output.zero_point, output.zero_point[0]);
  EXPECT_EQ(header.picture.height, 12);
  EXPECT_EQ(header.picture.channels, 3);
  EXPECT_EQ(header.picture.blue_first, 1);
  EXPECT_EQ(header.picture.covers, 0);
  ASSERT_EQ(header.class_count, 3);
  EXPECT_STREQ(tuco_model_class(&device.model(), 0), "cat");
  EXPECT_STREQ(tuco_model_class(&device.model(), 1), "");
  EXPECT_STREQ(tuco_model_class(&device.model(), 2), "a <dog> \"too\"");
  // The checksum is zlib's.
  EXPECT_EQ(header.checksum,
            crc32(0, file.bytes.data() + 16, static_cast<uInt>(file.bytes.size() - 16)));

  const std::string text = describe_device_file(File::memory(file.bytes, "m.tuco"));
  EXPECT_NE(text.find("a <dog> \\\"too\\\""), text.npos) << text;
  EXPECT_NE(text.find("conv2d_columns"), text.npos) << text;
  EXPECT_NE(text.find("12 x 12 x 3, BGR, stretched"), text.npos) << text;
}

TEST(DeviceFile, IsTheSameEveryTime) {
  const QuantizedModel model = test::quantized(test::small_network());
  EXPECT_EQ(make_device_file(model).bytes, make_device_file(model).bytes);
}

TEST(DeviceFile, StatesAreChecked) {
  uint64_t seed = 1;
  while (test::random_int8_model(seed).graph.states.empty()) ++seed;
  const DeviceFile file = make_device_file(test::random_int8_model(seed));
  tuco_file_header header;
  std::memcpy(&header, file.bytes.data(), sizeof header);
  ASSERT_GT(header.state_count, 0);
  const auto changed = [&](size_t offset, uint32_t value) {
    Bytes bytes = file.bytes;
    std::memcpy(&bytes[offset], &value, 4);
    return test::DeviceRun(test::with_checksum(bytes), static_cast<size_t>(file.arena_bytes))
        .status();
  };
  const auto in_state = [&](size_t member) { return header.states + member; };
  EXPECT_EQ(changed(in_state(offsetof(tuco_file_state, initial)), 200), TUCO_OK);
  for (const auto& [offset, value] : std::vector<std::pair<size_t, uint32_t>>{
           {offsetof(tuco_file_header, states), header.states | TUCO_IN_FILE},
           {offsetof(tuco_file_header, states), header.states + 2},
           {offsetof(tuco_file_header, states), 0x7ffffffc},
           {offsetof(tuco_file_header, state_count), 1u << 28},
           {in_state(offsetof(tuco_file_state, place)), header.arena_bytes},
           {in_state(offsetof(tuco_file_state, bytes)), header.arena_bytes + 1},
           {in_state(offsetof(tuco_file_state, initial)), 256},
           {in_state(offsetof(tuco_file_state, initial)), TUCO_IN_FILE | header.file_bytes}})
    EXPECT_EQ(changed(offset, value), TUCO_WRONG_HEADER) << offset << ": " << value;
}

class DeviceFileThatIsWrong : public testing::Test {
 protected:
  int32_t open(const Bytes& bytes) const { return test::DeviceRun(bytes, arena_).status(); }

  const QuantizedModel model_ = test::quantized(test::small_network());
  const Bytes bytes_ = make_device_file(model_).bytes;
  const size_t arena_ = static_cast<size_t>(make_device_file(model_).arena_bytes);
};

TEST_F(DeviceFileThatIsWrong, EveryFlippedBitIsSeen) {
  for (size_t i = 0; i < bytes_.size(); ++i)
    for (int bit = 0; bit < 8; bit += 3) {
      Bytes bytes = bytes_;
      bytes[i] ^= static_cast<uint8_t>(1 << bit);
      ASSERT_NE(open(bytes), TUCO_OK) << "byte " << i << " bit " << bit;
    }
}

TEST_F(DeviceFileThatIsWrong, EveryShorterFileIsRefused) {
  for (size_t size = 0; size < bytes_.size(); ++size)
    ASSERT_NE(open({bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(size)}), TUCO_OK)
        << size;
}

TEST_F(DeviceFileThatIsWrong, CodesSayWhatIsWrong) {
  EXPECT_EQ(open(bytes_), TUCO_OK);
  EXPECT_EQ(open({}), TUCO_NO_MODEL);
  EXPECT_EQ(test::DeviceRun(bytes_, arena_ - 1).status(), TUCO_ARENA_TOO_SMALL);

  const auto changed = [&](size_t offset, uint32_t value) {
    Bytes bytes = bytes_;
    std::memcpy(&bytes[offset], &value, 4);
    return open(test::with_checksum(bytes));
  };
  const auto at = [&](size_t offset) {
    uint32_t value;
    std::memcpy(&value, &bytes_[offset], 4);
    return value;
  };
  EXPECT_EQ(changed(offsetof(tuco_file_header, magic), 0), TUCO_NO_MODEL);
  EXPECT_EQ(changed(offsetof(tuco_file_header, version), TUCO_FILE_VERSION + 1),
            TUCO_OTHER_VERSION);
  EXPECT_EQ(changed(offsetof(tuco_file_header, file_bytes), at(8) + 4), TUCO_CUT_OFF);
  EXPECT_EQ(changed(offsetof(tuco_file_header, file_bytes), 0), TUCO_CUT_OFF);
  EXPECT_EQ(changed(offsetof(tuco_file_header, arena_bytes), 0xffffffff), TUCO_ARENA_TOO_SMALL);
  EXPECT_EQ(changed(offsetof(tuco_file_header, input.bytes), 1 << 30), TUCO_WRONG_HEADER);
  EXPECT_EQ(changed(offsetof(tuco_file_header, output.place), 0x80000000), TUCO_WRONG_HEADER);
  EXPECT_EQ(changed(offsetof(tuco_file_header, class_count), 1 << 20), TUCO_WRONG_HEADER);
  const size_t calls = at(offsetof(tuco_file_header, calls));
  EXPECT_EQ(changed(offsetof(tuco_file_header, calls), static_cast<uint32_t>(calls) + 1),
            TUCO_WRONG_HEADER);
  EXPECT_EQ(changed(calls, 31 | 10 << 16), TUCO_UNKNOWN_KERNEL);
  EXPECT_EQ(changed(calls, 1 | 11 << 16), TUCO_WRONG_CALL);
  EXPECT_EQ(changed(calls + 4, static_cast<uint32_t>(arena_)), TUCO_WRONG_CALL);
  Bytes damaged = bytes_;
  damaged.back() ^= 1;
  EXPECT_EQ(open(damaged), TUCO_DAMAGED);

  alignas(4) int8_t arena[8];
  tuco_model model;
  EXPECT_EQ(tuco_model_open(&model, bytes_.data(), bytes_.size(), arena + 1, 4, nullptr),
            TUCO_MISALIGNED);
}

TEST_F(DeviceFileThatIsWrong, WhatIsAcceptedStaysInTheArena) {
  // Each word of header and calls in turn becomes numbers at which sizes and offsets go wrong; what
  // the loader takes must run, which AddressSanitizer and UBSan watch where they are on.
  const tuco_file_header header = test::DeviceRun(bytes_, arena_).header();
  int accepted = 0, refused = 0;
  for (size_t offset = 0; offset + 4 <= bytes_.size(); offset += 4)
    for (const uint32_t value : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0x00010001u}) {
      Bytes bytes = bytes_;
      std::memcpy(&bytes[offset], &value, 4);
      test::DeviceRun device(test::with_checksum(bytes), arena_);
      if (device.status() != TUCO_OK) {
        ++refused;
        continue;
      }
      ++accepted;
      if (offset < header.calls && offset % 64 != 0) continue;  // weights may be anything
      device.run(std::vector<int8_t>(device.header().input.bytes).data());
    }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

TEST_F(DeviceFileThatIsWrong, HostsSayWhy) {
  const auto message = [](const Bytes& bytes) -> std::string {
    try {
      describe_device_file(File::memory(bytes, "m.tuco"));
    } catch (const FormatError& error) {
      return error.what();
    }
    return "";
  };
  Bytes bytes = bytes_;
  bytes.resize(bytes.size() - 4);
  EXPECT_EQ(message(bytes), "m.tuco is cut off");
  bytes = bytes_;
  bytes.back() ^= 1;
  EXPECT_EQ(message(bytes), "m.tuco is damaged: its checksum is wrong");
}

TEST(DeviceFile, WritingFailsWithoutHarm) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(
      write_device_file(test::quantized(test::small_network()), folder.path() / "no" / "m.tuco"),
      IoError);
}

TEST(DeviceRuntime, NamesItsKernels) {
  const std::string text = device_runtime(1u << 1 | 1u << 22);
  EXPECT_NE(text.find("Its kernels: conv2d_columns, softmax.\n"), text.npos);
  EXPECT_NE(text.find("#define TUCO_WANTED_KERNELS 0x400002u\n"), text.npos);
  EXPECT_EQ(text.find("#include \""), text.npos);
}

}  // namespace
}  // namespace tuco::deploy

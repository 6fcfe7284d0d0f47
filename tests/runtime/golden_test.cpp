// The runtime against TFLite Micro's reference kernels, byte for byte, on the cases that
// golden/make_golden.py froze; and the integers of each case from its scales.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/runtime/golden_run.h"
#include "tuco/core/ops/resize.h"
#include "tuco/deploy/interpreter.h"

namespace tuco::deploy {
namespace {

struct Case : golden_case {
  std::string name;
  std::string file;
};

// All cases of all files, which stay in memory.
const std::vector<Case>& cases() {
  static std::vector<std::vector<uint8_t>> contents;
  static const std::vector<Case> all = [] {
    std::vector<Case> result;
    for (const auto& entry : std::filesystem::directory_iterator(TUCO_GOLDEN_DIR)) {
      if (entry.path().extension() != ".golden") continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      contents.emplace_back(std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>());
      const std::vector<uint8_t>& bytes = contents.back();
      size_t at = 0;
      for (Case c; const size_t size = golden_read(bytes.data() + at, bytes.size() - at, &c);
           at += size) {
        c.name.assign(reinterpret_cast<const char*>(c.blobs[0]),
                      static_cast<size_t>(c.blob_sizes[0]));
        c.file = entry.path().stem().string();
        result.push_back(c);
      }
      EXPECT_EQ(at, bytes.size()) << entry.path().filename() << " holds something else at its end";
    }
    return result;
  }();
  return all;
}

TEST(Golden, EqualsTfliteMicroInEveryByte) {
  std::map<int32_t, int64_t> bytes;
  for (const Case& c : cases()) {
    std::vector<int8_t> out(static_cast<size_t>(c.blob_sizes[c.blob_count - 1]), 99);
    const int32_t size = golden_run(&c, out.data(), static_cast<int32_t>(out.size()), 0);
    ASSERT_EQ(size, static_cast<int32_t>(out.size()));
    EXPECT_EQ(golden_differences(&c, out.data(), size), 0) << c.file << ": " << c.name;
    bytes[c.operation] += size;
  }
  for (int32_t operation = GOLDEN_CONV2D; operation <= GOLDEN_LAST; operation++)
    EXPECT_GT(bytes[operation], 80) << "operation " << operation << " is hardly tested";
}

// What keeps the test above honest: the other rounding, one off here and there, is seen.
TEST(Golden, TellsTheRoundingsApart) {
  int64_t differing = 0, all = 0;
  for (const Case& c : cases()) {
    if (c.operation > GOLDEN_FULLY_CONNECTED) continue;
    std::vector<int8_t> out(static_cast<size_t>(c.blob_sizes[c.blob_count - 1]));
    const auto size = golden_run(&c, out.data(), static_cast<int32_t>(out.size()), 1);
    differing += golden_differences(&c, out.data(), size);
    all += size;
  }
  EXPECT_GE(differing, 8);
  EXPECT_LT(differing, all / 100);
}

Multiplier multiplier_at(const int32_t* p) { return {p[0], p[1]}; }

/// What a point-wise op gives for all inputs, by the reference interpreter.
std::vector<int8_t> table_of(const op::Any& op, const Quantization& in, const Quantization& out) {
  QuantizedModel model;
  const TensorMeta meta{{256, 1}, DType::int8};
  model.graph.values = {{"", meta, {}, in}, {"", meta, {}, out}};
  model.graph.nodes = {{op, {0}, {1}, "", {}}};
  model.graph.inputs = {0};
  model.graph.outputs = {1};
  std::vector<int8_t> all;
  for (int32_t q = -128; q < 128; ++q) all.push_back(static_cast<int8_t>(q));
  return interpret(model, from_values(all, {256, 1})).to_vector<int8_t>();
}

/// The interpreter on a case of all inputs.
void expect_table(const Case& c, const op::Any& op, const Quantization& in,
                  const Quantization& out) {
  const int8_t* expected = c.blobs[c.blob_count - 1];
  EXPECT_EQ(table_of(op, in, out), std::vector<int8_t>(expected, expected + 256)) << c.name;
}

// Parameters of the case's operation as deploy derives them from the scales.
void expect_derived(const Case& c) {
  const int32_t* p = c.parameters;
  const float* s = c.scales;
  switch (c.operation) {
    case GOLDEN_CONV2D:
    case GOLDEN_DEPTHWISE:
    case GOLDEN_FULLY_CONNECTED: {
      for (int32_t i = 0; i < c.blob_sizes[5]; i++) {
        const Multiplier m = quantize_multiplier(product_factor(s[0], s[2 + i], s[1]));
        EXPECT_EQ(m.value, reinterpret_cast<const int32_t*>(c.blobs[4])[i]) << c.name;
        EXPECT_EQ(m.shift, c.blobs[5][i]) << c.name;
      }
      break;
    }
    case GOLDEN_ADD: {
      const AddMultipliers m = add_multipliers(s[0], s[1], s[2]);
      EXPECT_EQ(m.a, multiplier_at(p + 2)) << c.name;
      EXPECT_EQ(m.b, multiplier_at(p + 5)) << c.name;
      EXPECT_EQ(m.out, multiplier_at(p + 8)) << c.name;
      break;
    }
    case GOLDEN_MEAN:
      EXPECT_EQ(mean_multiplier(quantize_multiplier(rescale_factor(s[0], s[1])), p[1]),
                multiplier_at(p + 4))
          << c.name;
      break;
    case GOLDEN_SOFTMAX: {
      const SoftmaxScaling scaling = softmax_scaling(s[0], s[1]);
      EXPECT_EQ(scaling.multiplier, multiplier_at(p + 2)) << c.name;
      EXPECT_EQ(scaling.smallest, p[4]) << c.name;
      break;
    }
    case GOLDEN_LOGISTIC:
    case GOLDEN_TANH: {
      const SigmoidScaling scaling = sigmoid_scaling(s[0]);
      EXPECT_EQ(scaling.multiplier, multiplier_at(p + 2)) << c.name;
      EXPECT_EQ(scaling.radius, p[4]) << c.name;
      const bool tanh = c.operation == GOLDEN_TANH;
      expect_table(
          c, tanh ? op::Any(op::Tanh{}) : op::Sigmoid{}, {{s[0]}, {p[1]}, -1},
          tanh ? Quantization{{1.0f / 128}, {0}, -1} : Quantization{{1.0f / 256}, {-128}, -1});
      break;
    }
    case GOLDEN_RESCALE:
      EXPECT_EQ(quantize_multiplier(rescale_factor(s[0], s[1])), multiplier_at(p + 2)) << c.name;
      expect_table(c, p[7] ? op::Any(op::Relu{}) : op::Clamp{}, {{s[0]}, {p[1]}, -1},
                   {{s[1]}, {p[4]}, -1});
      break;
    case GOLDEN_LOOKUP: {
      // In the order of cases.py.
      const op::Any ops[] = {op::LeakyRelu{static_cast<double>(s[2])}, op::HardSwish{}, op::Elu{},
                             op::Abs{}, op::Power{-0.5}};
      const auto table = table_of(ops[p[1]], {{s[0]}, {p[2]}, -1}, {{s[1]}, {p[3]}, -1});
      EXPECT_EQ(table, std::vector<int8_t>(c.blobs[2], c.blobs[2] + 256)) << c.name;
      break;
    }
    case GOLDEN_ADD_BROADCAST:
    case GOLDEN_SUB: {
      const AddMultipliers m = add_multipliers(s[0], s[1], s[2]);
      EXPECT_EQ(m.a, multiplier_at(p + 13)) << c.name;
      EXPECT_EQ(m.b, multiplier_at(p + 16)) << c.name;
      EXPECT_EQ(m.out, multiplier_at(p + 19)) << c.name;
      break;
    }
    case GOLDEN_MUL:
      EXPECT_EQ(quantize_multiplier(product_factor(s[0], s[1], s[2])), multiplier_at(p + 15))
          << c.name;
      break;
    case GOLDEN_RESIZE_NEAREST: {
      const op::ResizeNearest op{{p[3], p[4]}, p[5] != 0, p[6] != 0};
      for (const int32_t d : {0, 1}) {
        int64_t source = 0;
        for (int64_t i = 0; i < p[3 + d]; ++i) {
          source += c.blobs[2 + d][i];
          EXPECT_EQ(nearest_source(op, i, p[d], p[3 + d]), source) << c.name << ", pixel " << i;
        }
      }
      break;
    }
    default:
      break;  // nothing is derived
  }
}

TEST(Golden, ItsIntegersComeFromItsScales) {
  for (const Case& c : cases()) expect_derived(c);
}

TEST(Golden, ABrokenFileIsNoCase) {
  alignas(4) uint8_t bytes[64] = {};
  golden_case c;
  EXPECT_EQ(golden_read(bytes, sizeof bytes, &c), 0u);
  int8_t out[1];
  EXPECT_EQ(golden_run(&cases().front(), out, 1, 0), -1);  // too small an output
}

}  // namespace
}  // namespace tuco::deploy

// .tflite files made by hand: borders of int8 networks, files of older and other kinds, and files
// that are wrong.
#include <gtest/gtest.h>

#include "tests/deploy/random_models.h"
#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/deploy/export_tflite.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/tflite/builder.h"

namespace tuco::deploy {
namespace {

using namespace tflite::schema;  // NOLINT: the format's names
using tuco::Tensor;
using Kind = tflite::schema::Padding;

/// A tensor and an operator of a hand-made file, and all that may be wrong with them.
struct RawTensor {
  std::vector<int32_t> shape;
  TensorType type = TensorType::INT8;
  std::vector<float> scale = {0.5f};
  std::vector<int64_t> zero_point = {3};
  /// Bytes of a constant.
  std::vector<uint8_t> bytes = {};
  int32_t axis = 0;
  bool is_variable = false;
  /// A buffer other than the tensor's own.
  std::optional<uint32_t> buffer = {};
  /// The one zero point lies where numbers of 8 bytes must not.
  bool is_misplaced = false;
};
struct RawOperator {
  BuiltinOperator code = BuiltinOperator::RESHAPE;
  std::vector<int32_t> inputs = {0}, outputs = {1};
  /// Writes the options.
  std::function<tflite::OptionsOffset(flatbuffers::FlatBufferBuilder&)> options = {};
  std::optional<uint32_t> opcode = {};
  std::string custom = {};
};
/// A list of one number, 4 bytes away from where it should lie.
flatbuffers::Offset<flatbuffers::Vector<int64_t>> misplaced(flatbuffers::FlatBufferBuilder& b,
                                                            int64_t number) {
  b.Align(8);  // of what is there already, counted from the end of the file
  b.PushElement(int32_t{0});
  b.PushElement(static_cast<int32_t>(number >> 32));
  b.PushElement(static_cast<int32_t>(number));
  return b.PushElement(uint32_t{1});
}

struct RawModel {
  std::vector<RawTensor> tensors;
  std::vector<RawOperator> operators;
  std::vector<int32_t> inputs = {0}, outputs = {1};
  uint32_t version = 3;
  int graphs = 1;
  uint64_t outside = 0;  // Buffer.offset of the first constant

  Bytes write() const {
    flatbuffers::FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<Buffer>> buffers = {CreateBuffer(b)};
    std::vector<flatbuffers::Offset<tflite::schema::Tensor>> tables;
    for (const RawTensor& t : tensors) {
      uint32_t buffer = 0;
      if (!t.bytes.empty() || outside) {
        buffer = static_cast<uint32_t>(buffers.size());
        buffers.push_back(CreateBuffer(b, b.CreateVector(t.bytes), outside, outside ? 8 : 0));
      }
      flatbuffers::Offset<QuantizationParameters> q;
      if (!t.scale.empty()) {
        const auto scale = b.CreateVector(t.scale);
        const auto zero_point =
            t.is_misplaced ? misplaced(b, t.zero_point.at(0)) : b.CreateVector(t.zero_point);
        q = CreateQuantizationParameters(b, 0, 0, scale, zero_point, QuantizationDetails::NONE, 0,
                                         t.axis);
      }
      tables.push_back(CreateTensor(b, b.CreateVector(t.shape), t.type, t.buffer.value_or(buffer),
                                    b.CreateString("t" + std::to_string(tables.size())), q,
                                    t.is_variable));
    }
    std::vector<flatbuffers::Offset<OperatorCode>> codes;
    std::vector<flatbuffers::Offset<Operator>> ops;
    for (const RawOperator& op : operators) {
      const auto index = static_cast<uint32_t>(codes.size());
      const auto custom = op.custom.empty() ? 0 : b.CreateString(op.custom);
      // As the oldest files have it: the narrow field alone.
      codes.push_back(CreateOperatorCode(b, static_cast<int8_t>(op.code), custom, 1));
      const auto in = b.CreateVector(op.inputs), out = b.CreateVector(op.outputs);
      const auto options = op.options ? op.options(b) : tflite::OptionsOffset{};
      ops.push_back(
          CreateOperator(b, op.opcode.value_or(index), in, out, options.type, options.offset));
    }
    std::vector<flatbuffers::Offset<SubGraph>> subgraphs;
    for (int i = 0; i < graphs; ++i)
      subgraphs.push_back(CreateSubGraph(b, b.CreateVector(tables), b.CreateVector(inputs),
                                         b.CreateVector(outputs), b.CreateVector(ops)));
    const auto all_codes = b.CreateVector(codes);
    const auto all_graphs = b.CreateVector(subgraphs);
    const auto all_buffers = b.CreateVector(buffers);
    FinishModelBuffer(b, CreateModel(b, version, all_codes, all_graphs, 0, all_buffers));
    return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
  }
};

template <class T>
std::vector<uint8_t> bytes_of(const std::vector<T>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class Options, class... Field>
auto options(flatbuffers::Offset<Options> (*create)(flatbuffers::FlatBufferBuilder&, Field...),
             std::type_identity_t<Field>... fields) {
  return [=](flatbuffers::FlatBufferBuilder& b) {
    return tflite::OptionsOffset{BuiltinOptionsTraits<Options>::enum_value,
                                 create(b, fields...).Union()};
  };
}

StoredNetwork import_raw(const RawModel& model) {
  return import_tflite(File::memory(model.write(), "raw"));
}
std::string refusal(const RawModel& model) {
  return test::message_of<Error>([&] { import_raw(model); });
}

const RawTensor kFloat{.shape = {1, 6}, .type = TensorType::FLOAT32, .scale = {}, .zero_point = {}};
const RawTensor kInt8{.shape = {1, 6}};

/// A reshape of int8, which is right.
RawModel good() {
  return {.tensors = {kInt8,
                      {.shape = {1, 2, 3}},
                      {.shape = {3},
                       .type = TensorType::INT32,
                       .scale = {},
                       .bytes = bytes_of<int32_t>({1, -1, 3})}},
          .operators = {{.inputs = {0, 2}}}};
}

RawModel convolution(Kind padding = Kind::VALID, int stride = 1, int dilation = 1) {
  RawModel model{.tensors = {{.shape = {1, 4, 4, 2}},
                             {.shape = {1, 2, 2, 3}},
                             {.shape = {3, 3, 3, 2},
                              .scale = {0.1f, 0.2f, 0.3f},
                              .zero_point = {0, 0, 0},
                              .bytes = std::vector<uint8_t>(54, 0x80)}},
                 .operators = {{.code = BuiltinOperator::CONV_2D, .inputs = {0, 2, -1}}}};
  model.operators[0].options = options(CreateConv2DOptions, padding, stride, stride,
                                       ActivationFunctionType::RELU6, dilation, dilation);
  return model;
}

TEST(TfliteFile, AcceptsWhatIsRight) {
  const StoredNetwork network = import_raw(good());
  ASSERT_EQ(network.graph.nodes.size(), 1u);
  EXPECT_EQ(to_string(network.graph.nodes[0].op), "reshape(shape=(-1, 2, 3))");
  EXPECT_EQ(network.rounding, Rounding::kDouble);
}

// The format's verifier lets pass what processors may not.
TEST(TfliteFile, ReadsNumbersThatLieAskew) {
  RawModel model = good();
  model.tensors[0].is_misplaced = true;
  const Bytes bytes = model.write();
  const auto* tensors = GetModel(bytes.data())->subgraphs()->Get(0)->tensors();
  const uint8_t* number = tensors->Get(0)->quantization()->zero_point()->Data();
  EXPECT_EQ((number - bytes.data()) % 8, 4);
  EXPECT_EQ(import_raw(model).graph.values[0].quantization, (Quantization{{0.5f}, {3}, -1}));
}

// -128 in a weight, a bias that is left out, codes in the narrow field alone.
TEST(TfliteFile, ReadsConvolutionsOfOlderFiles) {
  const StoredNetwork network = import_raw(convolution());
  ASSERT_EQ(network.graph.nodes.size(), 1u);
  EXPECT_EQ(network.graph.nodes[0].inputs.size(), 2u);
  EXPECT_EQ(network.graph.nodes[0].activation->high, 6);
  const auto& weight = network.graph.values[network.graph.nodes[0].inputs[1]];
  EXPECT_EQ(weight.constant.to_vector<int8_t>(), std::vector<int8_t>(54, -128));
  RawModel one_scale = convolution();
  one_scale.tensors[2].scale = {0.25f};
  one_scale.tensors[2].zero_point = {};
  const Graph graph = import_raw(one_scale).graph;
  EXPECT_EQ(graph.values[graph.nodes[0].inputs[1]].quantization,
            (Quantization{{0.25f, 0.25f, 0.25f}, {0, 0, 0}, 0}));
}

TEST(TfliteFile, PaddingIsTensorFlows) {
  // The odd cell comes after the image.
  RawModel model = convolution(Kind::SAME, 2);
  const Graph graph = import_raw(model).graph;
  EXPECT_EQ(std::get<op::Conv2d>(graph.nodes[0].op).padding, tuco::Padding(0, 1, 0, 1));
  model = convolution(Kind::SAME, 1, 2);
  model.tensors[1].shape = {1, 4, 4, 3};
  EXPECT_EQ(std::get<op::Conv2d>(import_raw(model).graph.nodes[0].op).padding, tuco::Padding(2));
}

TEST(TfliteFile, DropsFloatAndUint8AtTheBorders) {
  const auto relu = [](int from, int to) {
    return RawOperator{.code = BuiltinOperator::RELU, .inputs = {from}, .outputs = {to}};
  };
  RawModel model{
      .tensors = {kFloat, kInt8, {.shape = {1, 6}, .scale = {0.25f}, .zero_point = {-7}}, kFloat},
      .operators = {{.code = BuiltinOperator::QUANTIZE},
                    relu(1, 2),
                    {.code = BuiltinOperator::DEQUANTIZE, .inputs = {2}, .outputs = {3}}},
      .outputs = {3}};
  const StoredNetwork network = import_raw(model);
  EXPECT_EQ(network.graph.nodes.size(), 1u);
  EXPECT_EQ(network.graph.values[network.graph.inputs[0]].quantization,
            (Quantization{{0.5f}, {3}, -1}));
  EXPECT_EQ(network.graph.values[network.graph.outputs[0]].quantization,
            (Quantization{{0.25f}, {-7}, -1}));

  const auto bytes = [](std::vector<float> scale, int64_t zero_point) {
    return RawTensor{.shape = {1, 6},
                     .type = TensorType::UINT8,
                     .scale = std::move(scale),
                     .zero_point = {zero_point}};
  };
  model.tensors[0] = bytes({0.5f}, 131);
  model.tensors[3] = bytes({0.25f}, 121);
  model.operators[2].code = BuiltinOperator::QUANTIZE;
  EXPECT_EQ(import_raw(model).graph.nodes.size(), 1u);
  model.tensors[0] = bytes({0.5f}, 130);
  EXPECT_NE(refusal(model).find("operator 0 (QUANTIZE): for \"t1\": from UINT8 to another scale"),
            std::string::npos)
      << refusal(model);

  model.tensors[0] = model.tensors[3] = kFloat;
  model.operators[2] = {.code = BuiltinOperator::DEQUANTIZE, .inputs = {2}, .outputs = {3}};
  model.operators.push_back({.code = BuiltinOperator::RELU, .inputs = {3}, .outputs = {3}});
  EXPECT_NE(refusal(model).find("operator 3 (RELU): for \"t3\": input 0 (\"t3\") is FLOAT32, "
                                "expected INT8"),
            std::string::npos)
      << refusal(model);
}

TEST(TfliteFile, TakesWeightsOfFloatNetworksAsTheyAreStored) {
  // 1, -2 and 0.5 in int8 and in float16.
  const RawTensor int8{
      .shape = {1, 3}, .scale = {0.5f}, .zero_point = {0}, .bytes = bytes_of<int8_t>({2, -4, 1})},
      half{.shape = {1, 3},
           .type = TensorType::FLOAT16,
           .scale = {},
           .bytes = bytes_of<uint16_t>({0x3C00, 0xC000, 0x3800})};
  const RawTensor input{.shape = {1, 3}, .type = TensorType::FLOAT32, .scale = {}},
      output{.shape = {1, 1}, .type = TensorType::FLOAT32, .scale = {}};
  const RawOperator linear{
      .code = BuiltinOperator::FULLY_CONNECTED,
      .inputs = {0, 2, -1},
      .options = options(CreateFullyConnectedOptions, ActivationFunctionType::NONE,
                         FullyConnectedOptionsWeightsFormat::DEFAULT, false, false)};
  RawModel model{.tensors = {input, output, int8}, .operators = {linear}};
  const auto answer = [&] {
    return run_graph(import_raw(model).graph, {from_values<float>({1, 10, 100}, {1, 3})})[0]
        .item<float>();
  };
  EXPECT_EQ(answer(), 1 - 20 + 50);
  model.tensors = {
      input, output, {.shape = {1, 3}, .type = TensorType::FLOAT32, .scale = {}}, half};
  model.operators = {{.code = BuiltinOperator::DEQUANTIZE, .inputs = {3}, .outputs = {2}}, linear};
  EXPECT_EQ(answer(), 1 - 20 + 50);
}

TEST(TfliteFile, SaysWhichOperatorItLacks) {
  RawModel model = good();
  model.operators[0].code = BuiltinOperator::SVDF;
  EXPECT_EQ(refusal(model),
            "raw: tflite: operator 0 (SVDF): for \"t1\": Tuco has no such operator");
  model.operators[0].code = static_cast<BuiltinOperator>(126);
  EXPECT_NE(refusal(model).find("(BATCH_MATMUL)"), std::string::npos);
  model.operators[0] = {.code = BuiltinOperator::CUSTOM, .custom = "Detect\"ion"};
  EXPECT_NE(refusal(model).find("operator 0 (custom \"Detect_ion\")"), std::string::npos);
}

TEST(TfliteFile, RefusesWhatIsWrongAndSaysWhat) {
  struct Case {
    const char* text;
    std::function<void(RawModel&)> change;
  };
  const Case cases[] = {
      {"version 2 of the format", [](RawModel& m) { m.version = 2; }},
      {"no graph", [](RawModel& m) { m.graphs = 0; }},
      {"2 subgraphs", [](RawModel& m) { m.graphs = 2; }},
      {"the inputs name tensor 3", [](RawModel& m) { m.inputs = {3}; }},
      {"the inputs name tensor -1", [](RawModel& m) { m.inputs = {-1}; }},
      {"the outputs name tensor 9", [](RawModel& m) { m.outputs = {9}; }},
      {"0 inputs", [](RawModel& m) { m.inputs = {}; }},
      {"an input twice",
       [](RawModel& m) {
         m.inputs = {0, 0};
       }},
      {"operator 0 is of kind 7", [](RawModel& m) { m.operators[0].opcode = 7; }},
      {"its tensors name tensor 5",
       [](RawModel& m) {
         m.operators[0].inputs = {5, 2};
       }},
      {"its tensors name tensor -2",
       [](RawModel& m) {
         m.operators[0].inputs = {-2, 2};
       }},
      {"its tensors name tensor -1", [](RawModel& m) { m.operators[0].outputs = {-1}; }},
      {"a graph without operators", [](RawModel& m) { m.operators.clear(); }},
      {"input 0 is missing",
       [](RawModel& m) {
         m.operators[0].inputs = {-1, 2};
       }},
      {"output 0 is missing", [](RawModel& m) { m.operators[0].outputs = {}; }},
      {"is there already", [](RawModel& m) { m.operators.push_back(m.operators[0]); }},
      {"is not computed before",
       [](RawModel& m) {
         m.operators[0].inputs = {1, 2};
       }},
      {"is computed by no operator", [](RawModel& m) { m.outputs = {2}; }},
      {"size -6",
       [](RawModel& m) {
         m.tensors[0].shape = {1, -6};
       }},
      {"is empty",
       [](RawModel& m) {
         m.tensors[0].shape = {1, 0};
       }},
      {"has no batch", [](RawModel& m) { m.tensors[0].shape = {}; }},
      {"more than 268435456 elements",
       [](RawModel& m) {
         m.tensors[0].shape = {1 << 30, 1 << 30, 1 << 30, 16};
       }},
      {"9 dimensions", [](RawModel& m) { m.tensors[0].shape.assign(9, 1); }},
      {"names buffer 9", [](RawModel& m) { m.tensors[0].buffer = 9; }},
      {"behind the flatbuffer", [](RawModel& m) { m.outside = 100; }},
      {"has 12 bytes", [](RawModel& m) { m.tensors[2].shape = {4}; }},
      {"is a constant, or an input twice", [](RawModel& m) { m.tensors[0].bytes.assign(6, 1); }},
      {"the scale nan", [](RawModel& m) { m.tensors[0].scale = {NAN}; }},
      {"the scale 0", [](RawModel& m) { m.tensors[0].scale = {0}; }},
      {"the scale -1", [](RawModel& m) { m.tensors[0].scale = {-1}; }},
      {"the scale inf", [](RawModel& m) { m.tensors[0].scale = {INFINITY}; }},
      {"the zero point 128", [](RawModel& m) { m.tensors[0].zero_point = {128}; }},
      {"1 scales, 2 zero points",
       [](RawModel& m) {
         m.tensors[0].zero_point = {1, 2};
       }},
      {"2 scales along dimension 0",
       [](RawModel& m) {
         m.tensors[1].scale = {1, 1};
         m.tensors[1].zero_point = {0, 0};
       }},
      {"has no scale", [](RawModel& m) { m.tensors[0].scale = {}; }},
      {"\"t1\" has 0 scales", [](RawModel& m) { m.tensors[1].scale = {}; }},
      {"has another scale than the output", [](RawModel& m) { m.tensors[1].scale = {0.75f}; }},
      {"is INT16, in a network of INT8",
       [](RawModel& m) { m.tensors[0].type = TensorType::INT16; }},
      {"\"t1\" is UINT8, expected INT8",
       [](RawModel& m) { m.tensors[1].type = TensorType::UINT8; }},
      {"to (1, -1, 3), the file says (1, 3, 2)",
       [](RawModel& m) {
         m.tensors[1].shape = {1, 3, 2};
       }},
      {"does not keep the batch first",
       [](RawModel& m) {
         m.tensors[1].shape = {3, 2, 1};
         m.tensors[2].bytes = bytes_of<int32_t>({3, 2, 1});
       }},
      {"is not constant", [](RawModel& m) { m.tensors[2].bytes = {}; }},
      {"expected INT32 or INT64", [](RawModel& m) { m.tensors[2].type = TensorType::FLOAT32; }},
  };
  for (const Case& c : cases) {
    RawModel model = good();
    c.change(model);
    EXPECT_NE(refusal(model).find(c.text), std::string::npos) << c.text << ": " << refusal(model);
  }
}

TEST(TfliteFile, RefusesConvolutionsThatAreWrong) {
  struct Case {
    const char* text;
    std::function<void(RawModel&)> change;
  };
  const auto with = [](Kind padding, int stride, int dilation, ActivationFunctionType activation) {
    return [=](RawModel& m) {
      m.operators[0].options =
          options(CreateConv2DOptions, padding, stride, stride, activation, dilation, dilation);
    };
  };
  const auto relu = ActivationFunctionType::RELU;
  const Case cases[] = {
      {"its options are missing", [](RawModel& m) { m.operators[0].options = {}; }},
      {"stride 0 x 0", with(Kind::VALID, 0, 1, relu)},
      {"stride 0 x 0", with(Kind::SAME, 0, 1, relu)},
      {"stride -3 x -3", with(Kind::SAME, -3, 1, relu)},
      {"dilation -1 x -1", with(Kind::SAME, 1, -1, relu)},
      {"beyond", with(Kind::SAME, 1, INT32_MAX, relu)},
      {"kernel reaches over", with(Kind::VALID, 1, 2, relu)},
      {"padding 5 is neither", with(static_cast<Kind>(5), 1, 1, relu)},
      {"a fused activation TANH", with(Kind::VALID, 1, 1, ActivationFunctionType::TANH)},
      {"a fused activation 77", with(Kind::VALID, 1, 1, static_cast<ActivationFunctionType>(77))},
      {"it gives (1, 2, 2, 3), the file says (1, 2, 3, 2)",
       [](RawModel& m) {
         m.tensors[1].shape = {1, 2, 3, 2};
       }},
      {"weight (3, 3, 1, 6) wants 6",
       [](RawModel& m) {
         m.tensors[2].shape = {3, 3, 1, 6};
       }},
      {"expected four dimensions",
       [](RawModel& m) {
         m.tensors[2].shape = {3, 18};
       }},
      {"scales along dimension 1", [](RawModel& m) { m.tensors[2].axis = 1; }},
      {"zero point other than 0",
       [](RawModel& m) {
         m.tensors[2].zero_point = {0, 1, 0};
       }},
      {"constant \"t2\" is UINT8", [](RawModel& m) { m.tensors[2].type = TensorType::UINT8; }},
      {"is not constant", [](RawModel& m) { m.tensors[2].bytes = {}; }},
  };
  for (const Case& c : cases) {
    RawModel model = convolution();
    c.change(model);
    EXPECT_NE(refusal(model).find(c.text), std::string::npos) << c.text << ": " << refusal(model);
  }
}

TEST(TfliteFile, RefusesBytesThatAreNoModel) {
  const Bytes good_bytes = good().write();
  const auto message = [](const Bytes& bytes) {
    return test::message_of<FormatError>([&] { import_tflite(File::memory(bytes, "raw")); });
  };
  for (size_t size = 0; size < good_bytes.size(); size += 4) {
    const Bytes cut(good_bytes.begin(), good_bytes.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(message(cut).empty()) << size;
  }
  Bytes other = good_bytes;
  other[4] = 'X';
  EXPECT_EQ(message(other), "raw: tflite: it does not begin as a .tflite does");
  EXPECT_FALSE(is_tflite(File::memory(other, "raw")));
  EXPECT_TRUE(is_tflite(File::memory(good_bytes, "raw")));
}

// A weight of a few bytes that many operators share must not cost more than it may.
TEST(TfliteFile, BoundsWhatFilesAskFor) {
  RawModel model;
  const int count = 3000, depth = 700;
  model.tensors = {{.shape = {1, depth}},
                   {.shape = {depth, depth},
                    .zero_point = {0},
                    .bytes = std::vector<uint8_t>(static_cast<size_t>(depth) * depth, 1)}};
  for (int i = 0; i < count; ++i) {
    model.tensors.push_back({.shape = {1, depth}});
    model.operators.push_back(
        {.code = BuiltinOperator::FULLY_CONNECTED,
         .inputs = {i ? i + 1 : 0, 1, -1},
         .outputs = {i + 2},
         .options = options(CreateFullyConnectedOptions, ActivationFunctionType::NONE,
                            FullyConnectedOptionsWeightsFormat::DEFAULT, false, false)});
  }
  model.outputs = {count + 1};
  EXPECT_NE(refusal(model).find("too"), std::string::npos) << refusal(model);
}

}  // namespace
}  // namespace tuco::deploy

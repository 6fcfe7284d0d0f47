// The long short-term memory: the layer's promises, its states, threads, graphs, and digits read
// row by row.
#include "tuco/layers/lstm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_layer.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/data/idx.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/trace.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/losses.h"
#include "tuco/layers/sequential.h"
#include "tuco/layers/summary.h"
#include "tuco/optimizers/adamw.h"

namespace tuco {
namespace {

Tensor normal(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  return randn(shape, rng);
}

double difference(const Tensor& a, const Tensor& b) {
  const NoGrad quiet;
  EXPECT_EQ(a.shape(), b.shape());
  return max(abs(a - b)).item<float>();
}

TEST(Lstm, HoldsToTheRulesOfLayers) {
  test::test_layer(Lstm{{.in = 3, .units = 4}}, {5, 4, 3});
  test::test_layer(Lstm{{.in = 2, .units = 3, .last_only = true, .forget_bias = 1}}, {3, 5, 2});
  manual_seed(1);  // with which no cell lies at the clip, where there is no gradient
  test::test_layer(Lstm{{.in = 3, .units = 5, .cell_clip = 0.2}}, {4, 6, 3});
  test::test_layer(
      Sequential{Lstm{{.in = 3, .units = 4}}, Tanh{},
                 Lstm{{.in = 4, .units = 3, .last_only = true}}, Linear{{.in = 3, .out = 2}}},
      {3, 4, 3});
}

TEST(Lstm, BeginsAsTheOptionsSay) {
  manual_seed(1);
  const Lstm lstm{{.in = 7, .units = 16}};
  EXPECT_EQ(lstm->weight->shape(), Shape({64, 7}));
  EXPECT_EQ(lstm->recurrent->shape(), Shape({64, 16}));
  EXPECT_EQ(lstm->bias->shape(), Shape({64}));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : lstm.named_parameters()) {
    names.push_back(name);
    const float largest = max(abs(tensor)).item<float>();
    EXPECT_LE(largest, 0.25f) << name;
    EXPECT_GT(largest, 0.2f) << name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"weight", "recurrent", "bias"}));
  const Lstm lasting{{.in = 7, .units = 16, .forget_bias = 1}};
  const auto bias = lasting->bias->to_vector<float>();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(bias[i] == 1, i / 16 == 1) << i;
  EXPECT_EQ(lasting.to_string(), "Lstm(7 -> 16)");
}

TEST(Lstm, GoesOnFromItsStates) {
  const Lstm lstm{{.in = 4, .units = 6}};
  const NoGrad quiet;
  for (const int64_t n : {1, 2, 9}) {
    const Tensor x = normal({n, 8, 4}, 3);
    const LstmResult whole = lstm(x, zeros({1, 6}), zeros({n, 6}));
    EXPECT_EQ(difference(whole.y, lstm(x)), 0);
    EXPECT_EQ(difference(whole.hidden, select(whole.y, 1, 7)), 0);
    LstmResult part = lstm(slice(x, 1, 0, 3), zeros({1, 6}), zeros({1, 6}));
    EXPECT_LT(difference(part.y, slice(whole.y, 1, 0, 3)), 1e-6);
    part = lstm(slice(x, 1, 3, 8), part.hidden, part.cell);
    EXPECT_LT(difference(part.y, slice(whole.y, 1, 3, 8)), 1e-6);
    EXPECT_LT(difference(part.cell, whole.cell), 1e-6);
    const LstmResult nothing = lstm(slice(x, 1, 0, 0), part.hidden, part.cell);
    EXPECT_EQ(nothing.y.shape(), Shape({n, 0, 6}));
    EXPECT_EQ(difference(nothing.hidden, part.hidden), 0);
    EXPECT_EQ(difference(nothing.cell, part.cell), 0);
  }
}

TEST(Lstm, LastOnlyIsTheLastStep) {
  const Lstm all{{.in = 4, .units = 6}}, last{{.in = 4, .units = 6, .last_only = true}};
  last.load_state(all.state());
  const Tensor x = normal({5, 7, 4}, 3);
  EXPECT_EQ(difference(last(x), select(all(x), 1, 6)), 0);
}

TEST(Lstm, ClipsItsCells) {
  // A gate that is always open and adds one each step: cells of 1, 2, 3 ... would be 8.
  const Tensor weight = zeros({4, 1}), recurrent = zeros({4, 1});
  const Tensor bias = from_values<float>({100, 100, 100, 100}, {4});
  const Tensor x = zeros({2, 8, 1}), state = zeros({1, 1});
  EXPECT_EQ(lstm(x, weight, recurrent, bias, state, state).cell.to_vector<float>(),
            (std::vector<float>{8, 8}));
  const LstmResult clipped = lstm(x, weight, recurrent, bias, state, state, {.cell_clip = 2.5});
  EXPECT_EQ(clipped.cell.to_vector<float>(), (std::vector<float>{2.5, 2.5}));
  EXPECT_NEAR(clipped.hidden.to_vector<float>()[1], std::tanh(2.5), 1e-6);
}

TEST(Lstm, KeepsNaNToItsSequenceAndTheStepsBehind) {
  const Lstm lstm{{.in = 2, .units = 9}};
  auto values = normal({5, 4, 2}, 1).to_vector<float>();
  values[2 * 8 + 1 * 2] = std::nanf("");  // sequence 2, step 1
  const auto y = lstm(from_values(values, {5, 4, 2})).to_vector<float>();
  for (int64_t i = 0; i < 5 * 4 * 9; ++i)
    EXPECT_EQ(std::isnan(y[i]), i / 36 == 2 && i / 9 % 4 >= 1) << i;
}

// What a sequence gives does not depend on which thread takes it.
TEST(Lstm, GivesTheSameBytesOnAnyNumberOfThreads) {
  const int before = num_threads();
  for (const auto& [n, t, c, u] :
       {std::array<int64_t, 4>{2, 3, 5, 300}, {64, 9, 28, 40}, {37, 5, 3, 70}}) {
    const Lstm lstm{{.in = c, .units = u}};
    std::vector<std::vector<float>> found[3];
    for (const auto& [threads, results] :
         {std::pair{1, &found[0]}, {2, &found[1]}, {5, &found[2]}}) {
      set_num_threads(threads);
      const Tensor x = normal({n, t, c}, 1).requires_grad_();
      for (const Tensor& parameter : lstm.parameters()) Tensor(parameter).set_grad({});
      const LstmResult r = lstm(x, normal({n, u}, 2), normal({1, u}, 3));
      (sum(r.y * normal(r.y.shape(), 4)) + sum(r.cell)).backward();
      for (const Tensor& tensor : {r.y, r.hidden, r.cell, x.grad(), lstm->weight->grad(),
                                   lstm->recurrent->grad(), lstm->bias->grad()})
        results->push_back(tensor.to_vector<float>());
    }
    set_num_threads(before);
    for (const int i : {1, 2})
      for (size_t k = 0; k < found[0].size(); ++k)
        EXPECT_EQ(found[i][k], found[0][k]) << "result " << k << ", units " << u;
  }
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Lstm, SaysWhatDoesNotFit) {
  EXPECT_EQ(message_of([] { Lstm{{.in = 3}}; }),
            "Lstm: .in = 3, .units = 0, expected positive numbers");
  EXPECT_EQ(message_of([] { Lstm{{.in = 3, .units = 2, .cell_clip = -1}}; }),
            "Lstm: .cell_clip = -1, expected 0 or more");
  const Lstm net{{.in = 3, .units = 2}};
  EXPECT_EQ(message_of([&] { net(ones({4, 3})); }), "Lstm: lstm: input (4, 3), expected (n, t, c)");
  EXPECT_EQ(message_of([&] {
              net(ones({4, 5, 2}));
            }),
            "Lstm: lstm: input (4, 5, 2) and 2 units want a weight (8, 2), got (8, 3)");
  EXPECT_EQ(message_of([&] {
              net(ones({4, 5, 3}), zeros({3, 2}), zeros({1, 2}));
            }),
            "lstm: 4 sequences and 2 units want a hidden state (4, 2) or (1, 2), got (3, 2)");
  EXPECT_EQ(message_of([&] {
              net(ones({4, 5, 3}), zeros({1, 2}), zeros({2}));
            }),
            "lstm: 4 sequences and 2 units want a cell state (4, 2) or (1, 2), got (2,)");
  EXPECT_EQ(
      message_of([&] {
        lstm(ones({1, 1, 3}), ones({8, 3}), ones({6, 2}), ones({8}), zeros({1, 2}), zeros({1, 2}));
      }),
      "lstm: recurrent weight (6, 2), expected (4u, u)");
}

TEST(Lstm, IsCountedInSummaries) {
  const Summary s = summary(
      Sequential{Lstm{{.in = 28, .units = 20, .last_only = true}}, Linear{{.in = 20, .out = 10}}},
      {1, 28, 28});
  ASSERT_EQ(s.rows.size(), 2u);
  EXPECT_EQ(s.rows[0].parameters, 80 * 28 + 80 * 20 + 80);
  EXPECT_EQ(s.rows[0].products, 28 * (80 * 28 + 80 * 20));
}

TEST(Lstm, IsTracedAsOneNodeForAnyBatch) {
  const Sequential net{Lstm{{.in = 3, .units = 4, .last_only = true, .cell_clip = 5}},
                       Linear{{.in = 4, .out = 2}}};
  net.eval();
  for (const int64_t batch : {1, 2}) {
    const Graph graph = deploy::trace(net, normal({batch, 6, 3}, 1));
    ASSERT_EQ(graph.nodes.size(), 2u);
    const Graph::Node& node = graph.nodes[0];
    ASSERT_TRUE(std::holds_alternative<op::Lstm>(node.op));
    EXPECT_EQ(std::get<op::Lstm>(node.op).cell_clip, 5);
    EXPECT_EQ(node.name, "0");
    EXPECT_EQ(graph.values[node.inputs[1]].name, "0.weight");
    for (const int state : {4, 5}) {
      const Graph::Value& value = graph.values[node.inputs[state]];
      EXPECT_EQ(value.constant.to_vector<float>(), std::vector<float>(4, 0));
      EXPECT_EQ(value.meta.shape, Shape({1, 4}));
    }
    EXPECT_EQ(deploy::infer_shapes(graph, 5)[graph.outputs[0]], Shape({5, 2}));
    const test::TemporaryFolder folder;
    deploy::save_graph(folder.path() / "lstm.safetensors", graph);
    const Graph loaded = deploy::load_graph(folder.path() / "lstm.safetensors");
    EXPECT_EQ(std::get<op::Lstm>(loaded.nodes.at(0).op).cell_clip, 5);
    const Tensor x = normal({7, 6, 3}, 2);
    EXPECT_EQ(difference(deploy::run_graph(loaded, {x}).at(0), net(x)), 0);
  }
}

// Plans have no place for results that nobody reads: of one layer the hidden states, of the other
// the last ones.
TEST(Lstm, RunsInPlans) {
  for (const bool last_only : {false, true}) {
    const Sequential net{Lstm{{.in = 3, .units = 5, .last_only = last_only}},
                         Linear{{.in = 5, .out = 2}}};
    net.eval();
    const auto plan = deploy::Plan::compile(net, normal({2, 6, 3}, 1), {.max_batch = 8});
    deploy::Context context(plan);
    for (const int64_t batch : {1, 3, 8, 11}) {
      const Tensor x = normal({batch, 6, 3}, 2);
      for (int again = 0; again < 2; ++again) EXPECT_LT(difference(context(x), net(x)), 1e-6);
    }
  }
}

struct Digits {
  Tensor images, labels;
};

/// Digits [first, last) of MNIST's test files: (n, 28, 28) in [0, 1], and their labels.
Digits read_digits(const std::filesystem::path& images_path,
                   const std::filesystem::path& labels_path, int64_t first, int64_t last) {
  const auto images = data::read_idx(File::open(images_path.string())),
             labels = data::read_idx(File::open(labels_path.string()));
  std::vector<float> pixels;
  std::vector<int64_t> digits;
  for (int64_t i = first * 784; i < last * 784; ++i)
    pixels.push_back(static_cast<float>(images.bytes.at(i)) / 255);
  for (int64_t i = first; i < last; ++i) digits.push_back(labels.bytes.at(i));
  return {from_values(pixels, {last - first, 28, 28}), from_values(digits, {last - first})};
}

// A digit is 28 rows of ink, one after the other, of which 20 units have to keep what matters.
TEST(Lstm, LearnsToReadDigitsRowByRow) {
  const std::string images = "data/mnist-t10k-images-idx3-ubyte.gz",
                    labels = "data/mnist-t10k-labels-idx1-ubyte.gz";
  const auto images_path = test::shared_data(images), labels_path = test::shared_data(labels);
  TUCO_NEEDS_SHARED(images_path, images);
  TUCO_NEEDS_SHARED(labels_path, labels);
  constexpr int64_t kTrain = 6000, kBatch = 50;
  const Digits train = read_digits(images_path, labels_path, 0, kTrain),
               held_out = read_digits(images_path, labels_path, 9000, 10000);
  manual_seed(7);
  const Sequential net{Lstm{{.in = 28, .units = 20, .last_only = true, .forget_bias = 1}},
                       Linear{{.in = 20, .out = 10}}};
  AdamW optimizer(net.parameters(), {.lr = 0.01});
  for (int epoch = 0; epoch < 8; ++epoch)
    for (int64_t i = 0; i < kTrain; i += kBatch) {
      optimizer.zero_grad();
      cross_entropy(net(slice(train.images, 0, i, i + kBatch)),
                    slice(train.labels, 0, i, i + kBatch))
          .backward();
      optimizer.step();
    }
  const NoGrad quiet;
  net.eval();
  const int64_t correct = count_correct(net(held_out.images), held_out.labels);
  RecordProperty("correct of 1000", static_cast<int>(correct));
  EXPECT_GE(correct, 870);
}

}  // namespace
}  // namespace tuco

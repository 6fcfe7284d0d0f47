#include <cudnn.h>

#include <algorithm>
#include <cmath>

#include "cudnn_builder.h"
#include "faults.h"
#include "numbers.h"

namespace standin::test {
namespace {

template <class T>
constexpr cudnnDataType_t type_of() {
  if constexpr (std::is_same_v<T, float>) return CUDNN_DATA_FLOAT;
  if constexpr (std::is_same_v<T, double>) return CUDNN_DATA_DOUBLE;
  if constexpr (std::is_same_v<T, __half>) return CUDNN_DATA_HALF;
  return CUDNN_DATA_BFLOAT16;
}

template <class T>
std::vector<T> numbers(std::size_t n, unsigned seed) {
  std::vector<T> v(n);
  for (T& x : v) {
    seed = seed * 1664525u + 1013904223u;
    if constexpr (std::is_same_v<T, double>)
      x = double(seed) / (1u << 31) - 1;
    else
      store(&x, float(seed >> 9) / float(1 << 22) - 1);
  }
  return v;
}

struct Cudnn : ::testing::Test {
  cudnnHandle_t h = nullptr;
  cudaStream_t s = new_stream();

  Cudnn() {
    EXPECT_CUDNN(cudnnCreate(&h));
    EXPECT_CUDNN(cudnnSetStream(h, s));
  }
  ~Cudnn() override {
    EXPECT_CUDNN(cudnnDestroy(h));
    EXPECT_CUDA(cudaStreamDestroy(s));
  }
  void wait() { EXPECT_CUDA(cudaStreamSynchronize(s)); }

  // Runs what the configuration makes of a graph.
  void execute(const Described& configuration, const Dims& ids,
               const std::vector<void*>& pointers) {
    const Described plan = unfinished_plan(h, configuration).finalize();
    const std::int64_t bytes = workspace_of(plan);
    EXPECT_GT(bytes, 0);
    char* work = device_memory<char>(std::size_t(bytes));
    EXPECT_CUDNN(cudnnBackendExecute(h, plan.get(), pack(ids, pointers, work).finalize().get()));
    wait();
    EXPECT_CUDA(cudaFree(work));
  }
};

double number(double v) { return v; }
template <class T>
double number(T v) {
  return load(&v);
}

// What the three convolutions give, in double.
struct Truth {
  std::vector<double> y, dx, dw;
  template <class T>
  Truth(const Sizes& q, const std::vector<T>& x, const std::vector<T>& w, const std::vector<T>& dy)
      : y(count(q.y())), dx(count(q.x())), dw(count(q.filter())) {
    const auto cg = q.c / q.groups, kg = q.k / q.groups;
    for (std::int64_t n = 0; n < q.n; ++n)
      for (std::int64_t i = 0; i < q.out(0); ++i)
        for (std::int64_t j = 0; j < q.out(1); ++j)
          for (std::int64_t k = 0; k < q.k; ++k)
            for (std::int64_t r = 0; r < q.r; ++r)
              for (std::int64_t t = 0; t < q.s; ++t)
                for (std::int64_t c = 0; c < cg; ++c) {
                  const auto a = i * q.stride[0] - q.pre[0] + r * q.dilation[0];
                  const auto b = j * q.stride[1] - q.pre[1] + t * q.dilation[1];
                  if (a < 0 || a >= q.h || b < 0 || b >= q.w) continue;
                  const bool turn = q.mode == CUDNN_CONVOLUTION;
                  const auto fr = turn ? q.r - 1 - r : r, ft = turn ? q.s - 1 - t : t;
                  const auto xi = std::size_t(((n * q.h + a) * q.w + b) * q.c + k / kg * cg + c);
                  const auto wi = std::size_t(((k * q.r + fr) * q.s + ft) * cg + c);
                  const auto yi = std::size_t(((n * q.out(0) + i) * q.out(1) + j) * q.k + k);
                  y[yi] += number(x[xi]) * number(w[wi]);
                  dx[xi] += number(dy[yi]) * number(w[wi]);
                  dw[wi] += number(dy[yi]) * number(x[xi]);
                }
  }
};

template <class T>
void compare(const char* what, const std::vector<double>& want, const T* p, double tolerance) {
  const auto got = download(p, want.size());
  double largest = 1;
  for (double v : want) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(number(got[i]), want[i], tolerance * largest) << what << " " << i;
}

template <class T>
void all_directions(Cudnn& test, const Sizes& q, double tolerance) {
  const auto type = type_of<T>();
  const auto x = numbers<T>(count(q.x()), 1), w = numbers<T>(count(q.filter()), 2);
  const auto dy = numbers<T>(count(q.y()), 3);
  const Truth truth(q, x, w, dy);
  T *X = upload(x), *W = upload(w), *DY = upload(dy);
  const Described tx = tensor(1, q.x(), type), tw = tensor(2, q.filter(), type);
  const Described ty = tensor(3, q.y(), type);
  for (int direction = 0; direction < 3; ++direction) {
    const Described graph =
        unfinished_graph(test.h, {(direction == 0   ? forward(q, tx, tw, ty)
                                   : direction == 1 ? backward_data(q, tx, tw, ty)
                                                    : backward_filter(q, tx, tw, ty))
                                      .finalize()})
            .finalize();
    int ran = 0;
    for (const Described& c : configurations(graph)) {
      if (unfinished_plan(test.h, c).try_finalize() != CUDNN_STATUS_SUCCESS) continue;
      ++ran;
      if (direction == 0) {
        T* y = device_memory<T>(truth.y.size());
        test.execute(c, {1, 2, 3}, {X, W, y});
        compare("y", truth.y, y, tolerance);
      } else if (direction == 1) {
        T* dx = device_memory<T>(truth.dx.size());
        test.execute(c, {1, 2, 3}, {dx, W, DY});
        compare("dx", truth.dx, dx, tolerance);
      } else {
        T* dw = device_memory<T>(truth.dw.size());
        test.execute(c, {1, 2, 3}, {X, dw, DY});
        compare("dw", truth.dw, dw, tolerance);
      }
    }
    EXPECT_GE(ran, type == CUDNN_DATA_DOUBLE ? 1 : 2);
  }
}

TEST_F(Cudnn, ConvolutionsOfEveryKindAgreeWithPlainSums) {
  std::vector<Sizes> all;
  all.push_back({2, 9, 7, 6, 4, 3, 3});
  all.push_back({1, 8, 10, 6, 8, 3, 3, 2});
  all.push_back({2, 11, 9, 5, 7, 1, 1});
  all.back().pre = all.back().post = {0, 0};
  all.push_back({3, 12, 11, 3, 8, 5, 3});  // strides, dilations, more padding behind than before
  all.back().pre = {0, 1};
  all.back().post = {1, 2};
  all.back().stride = {2, 3};
  all.back().dilation = {1, 2};
  all.push_back({2, 9, 9, 6, 6, 3, 3, 6});  // depth-wise
  all.back().stride = {2, 2};
  all.push_back({2, 9, 9, 6, 12, 3, 3, 6});
  all.push_back({2, 9, 7, 4, 4, 3, 3});
  all.back().mode = CUDNN_CONVOLUTION;
  for (const Sizes& q : all) all_directions<float>(*this, q, 3e-3);  // TF32 among them
  all_directions<__half>(*this, all[0], 2e-3);
  all_directions<__nv_bfloat16>(*this, all[1], 1e-2);
  for (Sizes q : all) {
    q.compute = CUDNN_DATA_DOUBLE;
    all_directions<double>(*this, q, 1e-14);
  }
}

TEST_F(Cudnn, EnginesSayWhatTheyDoToNumbers) {
  const Sizes q{1, 4, 4, 2, 2, 3, 3};
  const float fine = 1 + std::ldexp(1.0f, -12);
  std::vector<float> x(count(q.x()), 0), w(count(q.filter()), 0);
  x[0] = w[std::size_t(4 * 2)] = fine;  // the filter's centre, so y[0] is their product
  const Described graph =
      unfinished_graph(
          h, {forward(q, tensor(1, q.x()), tensor(2, q.filter()), tensor(3, q.y())).finalize()})
          .finalize();
  float *X = upload(x), *W = upload(w), *y = device_memory<float>(count(q.y()));
  bool lossy = false, exact = false;
  for (const Described& c : configurations(graph)) {
    execute(c, {1, 2, 3}, {X, W, y});
    const auto notes = notes_of(c);
    const bool cores =
        std::find(notes.begin(), notes.end(), CUDNN_NUMERICAL_NOTE_TENSOR_CORE) != notes.end();
    EXPECT_EQ(download(y, 1)[0], cores ? 1.0f : fine * fine);
    (cores ? lossy : exact) = true;
  }
  EXPECT_TRUE(lossy && exact);
  EXPECT_EQ(configurations(graph, CUDNN_HEUR_MODE_FALLBACK).size(), 1u);
  EXPECT_EQ(configurations(graph, CUDNN_HEUR_MODE_B).size(), 3u);
  const Described gradient =
      unfinished_graph(
          h, {backward_filter(q, tensor(1, q.x()), tensor(2, q.filter()), tensor(3, q.y()))
                  .finalize()})
          .finalize();
  EXPECT_EQ(notes_of(configurations(gradient)[0]),
            std::vector{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC});
}

// Convolution, bias and ReLU6 in one graph, with its descriptors gone before it runs.
struct Fused : Cudnn {
  Sizes q{2, 6, 5, 3, 4, 3, 3};
  std::vector<float> x = numbers<float>(count(q.x()), 1), w = numbers<float>(count(q.filter()), 2);
  std::vector<float> b{-1, 0.5f, 1, 2}, y;
  float *X = upload(x), *W = upload(w), *B = upload(b);
  float* Y = device_memory<float>(count(q.y()));

  Described graph() {
    const Described ty = tensor(3, q.y(), CUDNN_DATA_FLOAT, true);
    const Described ta = tensor(5, q.y(), CUDNN_DATA_FLOAT, true);
    const Described bias = tensor(4, {1, q.k, 1, 1});
    Described relu = mode(CUDNN_POINTWISE_RELU_FWD);
    relu.set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, CUDNN_TYPE_FLOAT, 0.0f);
    relu.set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 3.0);
    // In an order that the graph must find.
    return unfinished_graph(h, {pointwise(relu, ta, nullptr, tensor(6, q.y())).finalize(),
                                forward(q, tensor(1, q.x()), tensor(2, q.filter()), ty).finalize(),
                                pointwise(mode(CUDNN_POINTWISE_ADD), ty, &bias, ta).finalize()})
        .finalize();
  }
};

TEST_F(Fused, BiasAndReluBehindAConvolution) {
  Truth truth(q, x, w, std::vector<float>(count(q.y())));
  for (std::size_t i = 0; i < truth.y.size(); ++i)
    truth.y[i] = std::clamp(truth.y[i] + b[i % 4], 0.0, 3.0);
  int ran = 0;
  for (const Described& c : configurations(graph())) {
    if (unfinished_plan(h, c).try_finalize() != CUDNN_STATUS_SUCCESS) continue;
    ++ran;
    EXPECT_CUDA(cudaMemset(Y, 0xff, truth.y.size() * 4));
    EXPECT_CUDA(cudaDeviceSynchronize());
    execute(c, {1, 2, 4, 6}, {X, W, B, Y});
    compare("fused", truth.y, Y, 2e-3);
  }
  EXPECT_EQ(ran, 2);
}

TEST_F(Fused, ATestMayHaveItRefused) {
  const auto finalized = [&] {
    std::vector<cudnnStatus_t> all;
    for (const Described& c : configurations(graph()))
      all.push_back(unfinished_plan(h, c).try_finalize());
    return std::count(all.begin(), all.end(), CUDNN_STATUS_SUCCESS);
  };
  EXPECT_EQ(finalized(), 2);
  {
    const CudnnRefuses fusion({.fusion = true});
    EXPECT_EQ(finalized(), 0);
  }
  {
    const CudnnRefuses first({.engines = 1});
    EXPECT_EQ(finalized(), 1);
  }
  {
    const CudnnRefuses gradients(
        {.everything = true,
         .operation = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR});
    EXPECT_EQ(finalized(), 2);
  }
  const CudnnRefuses all({.everything = true});
  EXPECT_EQ(finalized(), 0);
  EXPECT_NE(Described::last_reason().find("refuse everything"), std::string::npos);
  const FailCall execute("cudnnBackendExecute", CUDNN_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(cudnnBackendExecute(h, nullptr, nullptr), CUDNN_STATUS_EXECUTION_FAILED);
}

TEST_F(Cudnn, PointwiseModesAreTheirFormulas) {
  const std::vector<float> x{-3, -0.5f, 0, 0.75f, 4, NAN}, b{2, -2, 5, 0.5f, 3, 1};
  const Dims d{1, 6, 1, 1};
  float *X = upload(x), *B = upload(b), *y = device_memory<float>(6);
  const auto run = [&](Described m, bool binary) {
    const Described tb = tensor(2, d);
    const Described graph =
        unfinished_graph(
            h, {pointwise(std::move(m), tensor(1, d), binary ? &tb : nullptr, tensor(3, d))
                    .finalize()})
            .finalize();
    execute(configurations(graph, CUDNN_HEUR_MODE_FALLBACK).at(0), {1, 2, 3}, {X, B, y});
    return download(y, 6);
  };
  const auto expect = [&](cudnnPointwiseMode_t m, bool binary, auto formula) {
    const auto got = run(mode(m), binary);
    for (int i = 0; i < 5; ++i) EXPECT_FLOAT_EQ(got[i], formula(x[i], b[i])) << m << " " << i;
  };
  expect(CUDNN_POINTWISE_ADD, true, [](float v, float w) { return v + w; });
  expect(CUDNN_POINTWISE_SUB, true, [](float v, float w) { return v - w; });
  expect(CUDNN_POINTWISE_MUL, true, [](float v, float w) { return v * w; });
  expect(CUDNN_POINTWISE_DIV, true, [](float v, float w) { return v / w; });
  expect(CUDNN_POINTWISE_MAX, true, [](float v, float w) { return std::max(v, w); });
  expect(CUDNN_POINTWISE_MIN, true, [](float v, float w) { return std::min(v, w); });
  expect(CUDNN_POINTWISE_IDENTITY, false, [](float v, float) { return v; });
  expect(CUDNN_POINTWISE_ABS, false, [](float v, float) { return std::abs(v); });
  expect(CUDNN_POINTWISE_NEG, false, [](float v, float) { return -v; });
  expect(CUDNN_POINTWISE_EXP, false, [](float v, float) { return std::exp(v); });
  expect(CUDNN_POINTWISE_TANH_FWD, false, [](float v, float) { return std::tanh(v); });
  expect(CUDNN_POINTWISE_SIGMOID_FWD, false, [](float v, float) { return 1 / (1 + std::exp(-v)); });
  expect(CUDNN_POINTWISE_SWISH_FWD, false, [](float v, float) { return v / (1 + std::exp(-v)); });
  expect(CUDNN_POINTWISE_ELU_FWD, false, [](float v, float) { return v > 0 ? v : std::expm1(v); });
  expect(CUDNN_POINTWISE_RELU_FWD, false, [](float v, float) { return std::max(v, 0.0f); });
  Described leaky = mode(CUDNN_POINTWISE_RELU_FWD);
  leaky.set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, CUDNN_TYPE_DOUBLE, 0.25);
  EXPECT_FLOAT_EQ(run(leaky, false)[0], -0.75f);
  EXPECT_EQ(run(mode(CUDNN_POINTWISE_RELU_FWD), false)[5], 0);
  Described keeps = mode(CUDNN_POINTWISE_RELU_FWD);
  keeps.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, CUDNN_PROPAGATE_NAN);
  EXPECT_TRUE(std::isnan(run(keeps, false)[5]));
  const Described odd =
      unfinished_graph(
          h, {pointwise(mode(CUDNN_POINTWISE_GEN_INDEX), tensor(1, d), nullptr, tensor(3, d))
                  .finalize()})
          .finalize();
  EXPECT_TRUE(configurations(odd).empty());
}

TEST_F(Cudnn, ScalesAndAddsToWhatIsThere) {
  const Sizes q{1, 3, 3, 2, 2, 1, 1, 1, {0, 0}, {0, 0}};
  const auto x = numbers<float>(count(q.x()), 1), w = numbers<float>(count(q.filter()), 2);
  const auto before = numbers<float>(count(q.y()), 3);
  Truth truth(q, x, w, before);
  for (std::size_t i = 0; i < truth.y.size(); ++i) truth.y[i] = 2 * truth.y[i] - before[i];
  Described o = forward(q, tensor(1, q.x()), tensor(2, q.filter()), tensor(3, q.y()));
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 2.0f);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_DOUBLE, -1.0).finalize();
  const Described graph = unfinished_graph(h, {o}).finalize();
  float* y = upload(before);
  execute(configurations(graph, CUDNN_HEUR_MODE_FALLBACK)[0], {1, 2, 3}, {upload(x), upload(w), y});
  compare("y", truth.y, y, 1e-6);
}

TEST_F(Cudnn, WhatNoEngineHasIsNotSuggested) {
  const Sizes q{1, 4, 4, 2, 2, 3, 3};
  const auto graph = [&](Described x, Described w, Described y) {
    return unfinished_graph(h, {forward(q, x, w, y).finalize()}).finalize();
  };
  const auto plain = [&](std::int64_t uid, const Dims& d) {  // channels not innermost
    Described t = unfinished_tensor(uid, d, CUDNN_DATA_FLOAT);
    return t.set(CUDNN_ATTR_TENSOR_STRIDES, {d[1] * d[2] * d[3], d[2] * d[3], d[3], 1}).finalize();
  };
  const Described right = graph(tensor(1, q.x()), tensor(2, q.filter()), tensor(3, q.y()));
  EXPECT_FALSE(configurations(right).empty());
  const Described nchw = graph(plain(1, q.x()), tensor(2, q.filter()), tensor(3, q.y()));
  EXPECT_TRUE(configurations(nchw).empty());
  // double with sums of float, or with float.
  const auto d = CUDNN_DATA_DOUBLE;
  EXPECT_TRUE(
      configurations(graph(tensor(1, q.x(), d), tensor(2, q.filter(), d), tensor(3, q.y(), d)))
          .empty());
  EXPECT_TRUE(
      configurations(graph(tensor(1, q.x(), d), tensor(2, q.filter()), tensor(3, q.y()))).empty());
  // And made by hand, the plan is refused.
  Described engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  engine.set(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, nchw)
      .set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1)
      .finalize();
  Described config(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  config.set(CUDNN_ATTR_ENGINECFG_ENGINE, engine).finalize();
  EXPECT_EQ(unfinished_plan(h, config).try_finalize(), CUDNN_STATUS_NOT_SUPPORTED_LAYOUT);
  EXPECT_STREQ(cudnnGetErrorString(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT),
               "CUDNN_STATUS_NOT_SUPPORTED_LAYOUT");
}

TEST_F(Cudnn, ExecutionChecksItsPointers) {
  const Sizes q{1, 4, 4, 4, 4, 3, 3};
  const Described graph =
      unfinished_graph(
          h, {forward(q, tensor(1, q.x()), tensor(2, q.filter()), tensor(3, q.y())).finalize()})
          .finalize();
  const Described plan = unfinished_plan(h, configurations(graph)[0]).finalize();
  const auto bytes = std::size_t(workspace_of(plan));
  float* x = device_memory<float>(count(q.x()));
  float* w = device_memory<float>(count(q.filter()));
  float* y = device_memory<float>(count(q.y()));
  char* work = device_memory<char>(bytes);
  const auto run = [&](const Dims& ids, std::vector<void*> p, void* workspace) {
    return cudnnBackendExecute(h, plan.get(), pack(ids, p, workspace).finalize().get());
  };
  EXPECT_CUDNN(run({1, 2, 3}, {x, w, y}, work));
  EXPECT_EQ(run({1, 2}, {x, w}, work), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(run({1, 2, 3}, {x, w + 1, y}, work), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  EXPECT_EQ(run({1, 2, 3}, {x, w, y}, nullptr), CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  EXPECT_EQ(cudnnBackendExecute(h, plan.get(), pack({1, 2, 3}, {x, w, y}, work).get()),
            CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  EXPECT_MISTAKE(run({1, 2, 3}, {x, w, y + 4}, work), "a tensor needs 256 bytes");
  EXPECT_MISTAKE(run({1, 2, 3}, {x, w, y}, work + 16), "the workspace needs");
  alignas(16) float host[64];
  EXPECT_MISTAKE(run({1, 2, 3}, {host, w, y}, work), "is a pointer of the host");
  // The workspace is overwritten.
  EXPECT_CUDA(cudaMemsetAsync(work, 0, bytes, s));
  EXPECT_CUDNN(run({1, 2, 3}, {x, w, y}, work));
  wait();
  EXPECT_EQ(download(work, bytes)[bytes - 1], char(0xff));
  // Freed before the work ran.
  EXPECT_CUDNN(run({1, 2, 3}, {x, w, y}, work));
  cudaStream_t other = new_stream();
  EXPECT_CUDA(cudaFreeAsync(work, other));
  EXPECT_CUDA(cudaStreamSynchronize(other));
  EXPECT_MISTAKE(wait(), "no live allocation");
  EXPECT_CUDA(cudaStreamDestroy(other));
}

TEST_F(Fused, IsCapturedIntoAGraph) {
  const Described plan = unfinished_plan(h, configurations(graph())[0]).finalize();
  char* work = device_memory<char>(std::size_t(workspace_of(plan)));
  cudaGraph_t captured = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  EXPECT_CUDNN(
      cudnnBackendExecute(h, plan.get(), pack({1, 2, 4, 6}, {X, W, B, Y}, work).finalize().get()));
  ASSERT_CUDA(cudaStreamEndCapture(s, &captured));
  ASSERT_CUDA(cudaGraphInstantiate(&exec, captured, 0));
  EXPECT_CUDA(cudaGraphLaunch(exec, s));
  wait();
  const auto first = download(Y, count(q.y()));
  EXPECT_FALSE(std::isnan(first[0]));
  const std::vector<float> zeros(x.size());
  EXPECT_CUDA(cudaMemcpy(X, zeros.data(), zeros.size() * 4, cudaMemcpyHostToDevice));
  EXPECT_CUDA(cudaGraphLaunch(exec, s));
  wait();
  const auto second = download(Y, count(q.y()));
  for (std::size_t i = 0; i < second.size(); ++i)
    EXPECT_EQ(second[i], std::clamp(b[i % 4], 0.0f, 3.0f));
  EXPECT_CUDA(cudaGraphDestroy(captured));
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
  EXPECT_CUDA(cudaSetDevice(1));
  EXPECT_MISTAKE(
      cudnnBackendExecute(h, plan.get(), pack({1, 2, 4, 6}, {X, W, B, Y}, work).finalize().get()),
      "the handle was made for device 0");
  EXPECT_CUDA(cudaSetDevice(0));
  int no_descriptor = 0;
  EXPECT_MISTAKE(cudnnBackendFinalize(&no_descriptor), "a descriptor that is not alive");
}

TEST(CudnnHandles, AreOfADeviceAndAlive) {
  cudnnHandle_t h = nullptr;
  ASSERT_EQ(cudnnCreate(&h), CUDNN_STATUS_SUCCESS);
  cudaStream_t s = nullptr;
  EXPECT_CUDA(cudaSetDevice(1));
  const cudaStream_t other = new_stream();
  EXPECT_EQ(cudnnSetStream(h, other), CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH);
  EXPECT_CUDA(cudaStreamDestroy(other));
  EXPECT_CUDA(cudaSetDevice(0));
  EXPECT_CUDNN(cudnnGetStream(h, &s));
  EXPECT_EQ(s, nullptr);
  EXPECT_CUDNN(cudnnDestroy(h));
  EXPECT_EQ(cudnnDestroy(h), CUDNN_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(cudnnGetVersion(), std::size_t{CUDNN_VERSION});
  const FailCall create("cudnnCreate", CUDNN_STATUS_INTERNAL_ERROR);
  EXPECT_EQ(cudnnCreate(&h), CUDNN_STATUS_INTERNAL_ERROR);
}

}  // namespace
}  // namespace standin::test

// What the real cuDNN supports on an H100, asked without one: its heuristics and plans take a
// description of the device. The backend's graphs must find plans there, and these are they.
#include <cudnn.h>

#include <algorithm>

#include "cudnn_builder.h"

namespace standin::test {
namespace {

#if CUDNN_VERSION >= 90800
Described h100() {
  const std::string json =
      R"({"maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
          "regsPerBlock": 65536, "multiProcessorCount": 132, "warpSize": 32,
          "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
          "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
          "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "pciDeviceId": 0, "isTccDriver": 0,
          "supportCoopLaunch": 1, "totalGlobalMem": 85000000000, "smClockRateKHz": 1980000,
          "memClockRateKHz": 2619000, "l2CacheSize": 52428800, "cudaDeviceId": 0, "deviceVer": 900,
          "driverVer": 13000, "deviceName": "NVIDIA H100"})";
  Described d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  EXPECT_CUDNN(d.try_set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                         std::vector<char>(json.begin(), json.end())));
  return d.finalize();
}

// How many plans there are that keep all bits of float and give the same numbers in every run, and
// how many in all.
struct Plans {
  int exact = 0, all = 0;
};
Plans plans(const std::vector<Described>& operations) {
  const Described device = h100(), graph = unfinished_graph(nullptr, operations).finalize();
  Plans found;
  for (const auto heuristics : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (const Described& c : configurations(graph, heuristics, &device)) {
      Described plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, c);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
      if (plan.try_finalize() != CUDNN_STATUS_SUCCESS) continue;
      const auto notes = notes_of(c);
      ++found.all;
      found.exact += std::none_of(notes.begin(), notes.end(), [](auto note) {
        return note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE ||
               note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ||
               note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
      });
    }
  return found;
}

Sizes sizes(std::int64_t channels = 32, std::int64_t outputs = 32, std::int64_t groups = 1) {
  return {32, 64, 64, channels, outputs, 3, 3, groups};
}
struct Tensors {
  explicit Tensors(const Sizes& q)
      : x(tensor(1, q.x())), w(tensor(2, q.filter())), y(tensor(3, q.y())) {}
  Described x, w, y;
};

TEST(CudnnLibrary, FloatConvolutionsHaveExactPlans) {
  Sizes same = sizes();
  Sizes asymmetric = sizes();  // half the size, padded behind alone
  asymmetric.pre = {0, 0};
  asymmetric.stride = {2, 2};
  for (const Sizes& q : {same, asymmetric, sizes(3, 8), sizes(32, 32, 4), sizes(32, 32, 32)}) {
    const Tensors t(q);
    EXPECT_GT(plans({forward(q, t.x, t.w, t.y).finalize()}).exact, 0);
    EXPECT_GT(plans({backward_data(q, t.x, t.w, t.y).finalize()}).exact, 0);
    EXPECT_GT(plans({backward_filter(q, t.x, t.w, t.y).finalize()}).exact, 0);
  }
}

TEST(CudnnLibrary, DoubleHasPlans) {
  Sizes q = sizes();
  q.compute = CUDNN_DATA_DOUBLE;
  const auto d = CUDNN_DATA_DOUBLE;
  EXPECT_GT(plans({forward(q, tensor(1, q.x(), d), tensor(2, q.filter(), d), tensor(3, q.y(), d))
                       .finalize()})
                .exact,
            0);
}

// A convolution and what follows: z adds an image, b a bias, r is ReLU, c is ReLU clipped at 6.
Plans fused(const std::string& steps) {
  const Sizes q = sizes();
  const Tensors t(q);
  std::int64_t uid = 10;
  Described last = tensor(uid++, q.y(), CUDNN_DATA_FLOAT, true);
  std::vector<Described> operations{forward(q, t.x, t.w, last).finalize()};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Described next =
        i + 1 == steps.size() ? t.y : tensor(uid++, q.y(), CUDNN_DATA_FLOAT, true);
    const bool adds = steps[i] == 'z' || steps[i] == 'b';
    const Described other =
        tensor(steps[i] == 'z' ? 5 : 4, steps[i] == 'z' ? q.y() : Dims{1, q.k, 1, 1});
    Described m = mode(adds ? CUDNN_POINTWISE_ADD : CUDNN_POINTWISE_RELU_FWD);
    if (steps[i] == 'c') m.set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_FLOAT, 6.0f);
    operations.push_back(pointwise(m, last, adds ? &other : nullptr, next).finalize());
    last = next;
  }
  return plans(operations);
}

// The engines that are compiled already have one pattern: an image is added before the bias, and
// ReLU has no upper limit. (Others are compiled when they are first asked for, which needs a
// driver.)
TEST(CudnnLibrary, BiasAndReluAreFusedBehindAConvolution) {
  for (const char* steps : {"b", "br", "zb", "zbr"}) {
    EXPECT_GT(fused(steps).exact, 1) << steps;
    EXPECT_GT(fused(steps).all, 10) << steps;
  }
  EXPECT_LE(fused("bc").exact, 2);  // the slow engine that has everything
}
#endif

}  // namespace
}  // namespace standin::test

// The point-wise formulas as CUDA compiles them: core/pointwise_formulas.h with V = float, on the
// host and on the device, from the same text as the CPU's. The program checks the host's side
// against <cmath>; where there is a device it runs the kernels, too, and compares.
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "tuco/core/pointwise.h"

namespace tuco::cuda {

#define TUCO_FORMULA __host__ __device__ inline
TUCO_FORMULA float like(float, double c) { return static_cast<float>(c); }
TUCO_FORMULA float exp(float x) { return ::expf(x); }
TUCO_FORMULA float log(float x) { return ::logf(x); }
TUCO_FORMULA float sqrt(float x) { return ::sqrtf(x); }
TUCO_FORMULA float tanh(float x) { return ::tanhf(x); }
TUCO_FORMULA float abs(float x) { return ::fabsf(x); }
TUCO_FORMULA float pow(float x, double e) { return ::powf(x, static_cast<float>(e)); }
TUCO_FORMULA float max(float a, float b) { return a < b ? b : a; }
TUCO_FORMULA float min(float a, float b) { return b < a ? b : a; }
TUCO_FORMULA float if_less(float a, float b, float x, float y) { return a < b ? x : y; }
TUCO_FORMULA float if_equal(float a, float b, float x, float y) { return a == b ? x : y; }
#include "tuco/core/pointwise_formulas.h"
#undef TUCO_FORMULA

template <class Op>
__global__ void forward_kernel(Op op, const float* x, float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = forward(op, x[i]);
}
template <class Op>
__global__ void grad_kernel(Op op, const float* g, const float* saved, float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = grad(op, g[i], saved[i]);
}
template <class Op>
__global__ void binary_kernel(Op op, const float* a, const float* b, float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = forward(op, a[i], b[i]);
}

}  // namespace tuco::cuda

namespace {

using namespace tuco;

int failures = 0;

void expect_near(const char* what, double got, double expected) {
  if (std::fabs(got - expected) <= 1e-5 * (1 + std::fabs(expected))) return;
  std::printf("%s: %g, expected %g\n", what, got, expected);
  ++failures;
}

const std::vector<float> kInputs = {0.25f, 0.5f, 0.75f, 1.5f, 2.5f, 3.25f, 5.5f};

bool has_device() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

/// A vector of floats on the device.
struct OnDevice {
  explicit OnDevice(const std::vector<float>& values) : size(values.size()) {
    if (cudaMalloc(&data, size * sizeof(float)) != cudaSuccess ||
        cudaMemcpy(data, values.data(), size * sizeof(float), cudaMemcpyHostToDevice) != cudaSuccess)
      ++failures;
  }
  ~OnDevice() { cudaFree(data); }
  std::vector<float> values() const {
    std::vector<float> result(size);
    if (cudaMemcpy(result.data(), data, size * sizeof(float), cudaMemcpyDeviceToHost) !=
        cudaSuccess) {
      std::printf("a kernel failed\n");
      ++failures;
    }
    return result;
  }
  size_t size;
  float* data = nullptr;
};

/// The formula against `expected`, its gradient against central differences of that, and the device
/// against the host.
template <class Op, class F>
void check(const Op& op, F&& expected) {
  const char* name = Op::name.data();
  const int n = static_cast<int>(kInputs.size());
  std::vector<float> y(n), saved(n), g(n, 2.0f), gradient(n);
  for (int i = 0; i < n; ++i) {
    const float x = kInputs[i];
    y[i] = cuda::forward(op, x);
    saved[i] = Op::grad_from == op::From::input ? x : y[i];
    gradient[i] = cuda::grad(op, g[i], saved[i]);
    const double step = 1e-4;
    expect_near(name, y[i], expected(static_cast<double>(x)));
    expect_near(name, gradient[i], (expected(x + step) - expected(x - step)) / step);
  }
  // Where there is no device, this only has nvcc generate the kernels' code.
  if (!has_device()) return;
  const OnDevice x(kInputs), out(y), from(saved), incoming(g);
  cuda::forward_kernel<<<1, 32>>>(op, x.data, out.data, n);
  const auto device_y = out.values();
  cuda::grad_kernel<<<1, 32>>>(op, incoming.data, from.data, out.data, n);
  const auto device_gradient = out.values();
  for (int i = 0; i < n; ++i) {
    expect_near(name, device_y[i], y[i]);
    expect_near(name, device_gradient[i], gradient[i]);
  }
}

template <class Op, class F>
void check_binary(F&& expected) {
  const char* name = Op::name.data();
  const int n = static_cast<int>(kInputs.size());
  const std::vector<float> b(kInputs.rbegin(), kInputs.rend());
  std::vector<float> y(n);
  for (int i = 0; i < n; ++i) {
    y[i] = cuda::forward(Op{}, kInputs[i], b[i]);
    expect_near(name, y[i], expected(kInputs[i], b[i]));
  }
  if (!has_device()) return;
  const OnDevice first(kInputs), second(b), out(y);
  cuda::binary_kernel<<<1, 32>>>(Op{}, first.data, second.data, out.data, n);
  const auto device_y = out.values();
  for (int i = 0; i < n; ++i) expect_near(name, device_y[i], y[i]);
}

}  // namespace

int main() {
  check(op::Affine{2.5, -1}, [](double x) { return 2.5 * x - 1; });
  check(op::Power{1.5}, [](double x) { return std::pow(x, 1.5); });
  check(op::Clamp{0.6, 4}, [](double x) { return std::fmin(std::fmax(x, 0.6), 4); });
  check(op::Abs{}, [](double x) { return std::fabs(x); });
  check(op::Exp{}, [](double x) { return std::exp(x); });
  check(op::Log{}, [](double x) { return std::log(x); });
  check(op::Sqrt{}, [](double x) { return std::sqrt(x); });
  check(op::Tanh{}, [](double x) { return std::tanh(x); });
  check(op::Sigmoid{}, [](double x) { return 1 / (1 + std::exp(-x)); });
  check(op::Relu{}, [](double x) { return std::fmax(x, 0); });
  check(op::LeakyRelu{0.3}, [](double x) { return x < 0 ? 0.3 * x : x; });
  check(op::HardSwish{}, [](double x) { return x * std::fmin(std::fmax(x + 3, 0), 6) / 6; });
  check(op::Elu{}, [](double x) { return x < 0 ? std::expm1(x) : x; });
  static_assert(op::UnaryList::size == 13, "a new formula wants its line above");
  check_binary<op::Add>([](double a, double b) { return a + b; });
  check_binary<op::Sub>([](double a, double b) { return a - b; });
  check_binary<op::Mul>([](double a, double b) { return a * b; });
  check_binary<op::Div>([](double a, double b) { return a / b; });
  check_binary<op::Maximum>([](double a, double b) { return std::fmax(a, b); });
  check_binary<op::Minimum>([](double a, double b) { return std::fmin(a, b); });
  check_binary<op::AddRelu>([](double a, double b) { return std::fmax(a + b, 0); });
  check_binary<op::PRelu>([](double a, double b) { return a < 0 ? a * b : a; });
  static_assert(op::BinaryList::size == 8, "a new formula wants its line above");
  std::printf("%d failures; kernels %s\n", failures,
              has_device() ? "ran on the device" : "compiled, no device here to run them");
  return failures != 0;
}

#include "context.h"  // STANDIN_ASAN

#include <cmath>
#include <numeric>

#include "kernels.h"
#include "settings.h"

namespace standin::test {
namespace {

using tuco::cuda::dynamic_shared;
using tuco::cuda::shared;

constexpr unsigned kAll = 0xffffffffu;

void wait() { EXPECT_CUDA(cudaDeviceSynchronize()); }

// What a block reduction may lack.
enum Missing { kNothing, kMiddle, kLast };

/// The sum over the block in every thread.
__device__ float block_sum(float v, Missing missing) {
  auto& partial = shared<float[32]>();
  for (unsigned d = 16; d > 0; d /= 2) v += __shfl_down_sync(kAll, v, d);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) {
    v = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0;
    for (unsigned d = 16; d > 0; d /= 2) v += __shfl_down_sync(kAll, v, d);
    if (threadIdx.x == 0) partial[0] = v;
  }
  if (missing != kMiddle) __syncthreads();
  v = partial[0];
  if (missing != kLast) __syncthreads();
  return v;
}

__global__ void exponentials_kernel(const float* x, float* y, int columns, Missing missing) {
  float* row = dynamic_shared<float>();
  const float* in = x + std::size_t{blockIdx.x} * columns;
  float sum = 0, squares = 0;
  for (int j = threadIdx.x; j < columns; j += blockDim.x) {
    row[j] = __expf(in[j]);
    sum += row[j];
    squares += row[j] * row[j];
  }
  sum = block_sum(sum, missing);
  squares = block_sum(squares, missing);
  for (int j = threadIdx.x; j < columns; j += blockDim.x)
    y[std::size_t{blockIdx.x} * columns + j] = row[j] + squares / sum;
}

// The largest error of the kernel above; NaN counts as infinite.
double error_of_sums(Missing missing, int rows = 5, int columns = 333) {
  std::vector<float> x(std::size_t(rows) * columns);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i * 37 % 101) / 50 - 1;
  float* y = device_memory<float>(x.size());
  launch(exponentials_kernel, rows, 128, columns * sizeof(float), nullptr, upload(x), y, columns,
         missing);
  const auto out = download(y, x.size());
  double worst = 0;
  for (int r = 0; r < rows; ++r) {
    double sum = 0, squares = 0;
    for (int j = 0; j < columns; ++j) {
      const double e = std::exp(double(x[std::size_t(r * columns + j)]));
      sum += e;
      squares += e * e;
    }
    for (int j = 0; j < columns; ++j) {
      const double want = std::exp(double(x[std::size_t(r * columns + j)])) + squares / sum;
      const double error = std::abs(want - out[std::size_t(r * columns + j)]);
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  }
  return worst;
}

TEST(Fibers, BarriersAndShufflesWorkInEveryOrderOfWarps) {
  for (unsigned seed : {0u, 1u, 2u, 3u}) {
    const WarpOrder order(seed);
    EXPECT_LT(error_of_sums(kNothing), 1e-5) << seed;
  }
}

TEST(Fibers, AMissingBarrierShowsInSomeOrderOfWarps) {
  for (Missing missing : {kMiddle, kLast}) {
    int found = 0;
    for (unsigned seed : {0u, 1u, 2u, 3u}) {
      const WarpOrder order(seed);
      found += error_of_sums(missing) > 1e-3;
    }
    EXPECT_GE(found, 2) << missing;
  }
}

__global__ void lanes_kernel(int* out) {
  const int t = int(threadIdx.x), lane = t % 32;
  int* mine = out + t * 10;
  mine[0] = __shfl_sync(kAll, t, 3);
  mine[1] = __shfl_sync(kAll, t, 5, 8);
  mine[2] = __shfl_up_sync(kAll, t, 2);
  mine[3] = __shfl_down_sync(kAll, t, 4, 16);
  mine[4] = __shfl_xor_sync(kAll, t, 7);
  mine[5] = int(__ballot_sync(kAll, lane % 3 == 0));
  mine[6] = __any_sync(kAll, lane == 31) * 2 + __all_sync(kAll, lane < 31);
  mine[7] = __syncthreads_count(t % 2);
  mine[8] = __syncthreads_and(t < 40) * 2 + __syncthreads_or(t == 40);
  mine[9] = int(__double_as_longlong(__shfl_sync(kAll, __longlong_as_double(t), 31)));
}

TEST(Fibers, WarpOperationsGiveWhatCudaDocuments) {
  const int threads = 64;
  int* p = device_memory<int>(threads * 10);
  launch(lanes_kernel, 1, threads, 0, nullptr, p);
  const auto out = download(p, threads * 10);
  for (int t = 0; t < threads; ++t) {
    const int warp = t / 32 * 32, lane = t % 32;
    const int* mine = out.data() + t * 10;
    EXPECT_EQ(mine[0], warp + 3);
    EXPECT_EQ(mine[1], t / 8 * 8 + 5);
    EXPECT_EQ(mine[2], lane < 2 ? t : t - 2);
    EXPECT_EQ(mine[3], t % 16 > 11 ? t : t + 4);
    EXPECT_EQ(mine[4], t ^ 7);
    EXPECT_EQ(unsigned(mine[5]), 0x49249249u);
    EXPECT_EQ(mine[6], 2);
    EXPECT_EQ(mine[7], threads / 2);
    EXPECT_EQ(mine[8], 1);
    EXPECT_EQ(mine[9], warp + 31);
  }
}

__global__ void part_of_a_warp_kernel(int* out) {
  int sum = 1;
  for (int d = 16; d > 0; d /= 2) {
    const int other = __shfl_down_sync(kAll, sum, d);
    if (int(threadIdx.x) + d < int(blockDim.x)) sum += other;
  }
  if (threadIdx.x == 0) *out = sum;
  if (threadIdx.x < 4) {  // and some lanes alone
    const int first = __shfl_sync(0xfu, int(threadIdx.x) + 7, 0);
    __syncwarp(0xfu);
    if (threadIdx.x == 3) out[1] = first;
  }
}

TEST(Fibers, ABlockMayEndInsideAWarpAndLanesMayMeetAlone) {
  int* p = device_memory<int>(2);
  launch(part_of_a_warp_kernel, 1, 20, 0, nullptr, p);
  EXPECT_EQ(download(p, 2), (std::vector{20, 7}));
}

__global__ void grid_kernel(int* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  __syncthreads();
  atomicAdd(&out[block * threads + thread], int(block * 1000 + thread));
}

TEST(Fibers, EveryThreadOfAGridRunsOnceWithItsNumbers) {
  const int blocks = 3 * 2 * 4, threads = 5 * 4 * 7;
  int* p = device_memory<int>(blocks * threads);
  EXPECT_CUDA(cudaMemset(p, 0, blocks * threads * sizeof(int)));
  launch(grid_kernel, dim3(3, 2, 4), dim3(5, 4, 7), 0, nullptr, p);
  const auto out = download(p, blocks * threads);
  for (int i = 0; i < blocks * threads; ++i) EXPECT_EQ(out[i], i / threads * 1000 + i % threads);
}

// Groups of lanes that do not wait for each other.
__global__ void halves_kernel(int* out) {
  const int lane = int(threadIdx.x);
  const bool upper = lane >= 12;
  const unsigned mask = upper ? 0xfffff000u : 0x00000fffu;
  int sum = lane;
  for (int i = 0; i < (upper ? 200 : 7); ++i) sum = __shfl_sync(mask, sum + 1, upper ? 12 : 3);
  out[lane] = sum;
}
TEST(Fibers, DisjointGroupsOfLanesRunApart) {
  for (unsigned seed : {0u, 1u}) {
    const WarpOrder order(seed);
    int* p = device_memory<int>(32);
    launch(halves_kernel, 1, 32, 0, nullptr, p);
    const auto out = download(p, 32);
    for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(out[lane], lane >= 12 ? 212 : 10);
  }
}

// ---- planted mistakes ---------------------------------------------------------------------------
enum Plant {
  kEarlyReturn,
  kLateReturn,
  kTwoLines,
  kNotAllAtBarrier,
  kMaskWithoutCaller,
  kMasksDiffer,
  kLinesOfWarpDiffer,
  kLaneMissing,
  kPastDynamic,
  kPastStatic,
  kBigStatic,
  kStaticAndDynamic
};

__global__ void planted_kernel(float* y, Plant plant) {
  const unsigned t = threadIdx.x;
  switch (plant) {
    case kEarlyReturn:
      if (t == 0) return;
      __syncthreads();
      break;
    case kLateReturn:
      if (t == 40) return;
      __syncthreads();
      break;
    case kTwoLines:
      if (t < 32)
        __syncthreads();
      else
        __syncthreads();
      break;
    case kNotAllAtBarrier:
      if (t >= 32 && t != 40)
        __shfl_sync(kAll, t, 0);
      else
        __syncthreads();
      break;
    case kMaskWithoutCaller:
      __shfl_sync(0x0000ffffu, t, 0);
      break;
    case kMasksDiffer:
      __shfl_sync(t % 32 < 16 ? kAll : 0xffffff00u, t, 0);
      break;
    case kLinesOfWarpDiffer:
      if (t % 2)
        __shfl_sync(kAll, t, 0);
      else
        __shfl_sync(kAll, t, 0);
      break;
    case kLaneMissing:
      if (t % 32 != 5) __shfl_sync(kAll, t, 0);
      break;
    case kPastDynamic:
      dynamic_shared<float>()[16] = 1;
      break;
    case kPastStatic: {
      struct Second {};
      float* const first = shared<float[8]>();
      shared<float[8], Second>()[0] = 2;
      first[8] = 1;
      break;
    }
    case kBigStatic:
      shared<float[12 * 1024 + 1]>()[0] = 1;
      break;
    case kStaticAndDynamic:
      shared<float[1024]>()[0] = dynamic_shared<float>()[0];
      break;
  }
  y[0] = 1;
}

TEST(Fibers, PlantedMistakesAreFound) {
  float* y = device_memory<float>(1);
  const auto run = [&](Plant plant, std::size_t bytes = 64) {
    launch(planted_kernel, 1, 64, bytes, nullptr, y, plant);
    wait();
  };
  EXPECT_MISTAKE(run(kEarlyReturn), "return");
  EXPECT_MISTAKE(run(kLateReturn), "return");
  EXPECT_MISTAKE(run(kTwoLines), "__syncthreads of different lines meet");
  EXPECT_MISTAKE(run(kNotAllAtBarrier), "(33 of 64 came)");
  EXPECT_MISTAKE(run(kMaskWithoutCaller), "mask leaves out the calling lane");
  EXPECT_MISTAKE(run(kMasksDiffer), "different masks");
  EXPECT_MISTAKE(run(kLinesOfWarpDiffer), "warp operations of different lines meet");
  EXPECT_MISTAKE(run(kLaneMissing), "(31 of 32 lanes of warp 0 came)");
  EXPECT_MISTAKE(run(kPastDynamic), "past the end of dynamic shared memory (64 bytes)");
  EXPECT_MISTAKE(run(kPastStatic), "past the end of a static shared object (32 bytes)");
  EXPECT_MISTAKE(run(kBigStatic), "49152 is the limit");
  EXPECT_MISTAKE(run(kStaticAndDynamic, 46 * 1024), "the kernel may have 49152");
  // And it goes on after each.
  EXPECT_LT(error_of_sums(kNothing), 1e-5);
}

__global__ void deep_kernel(float* y) {
  y[threadIdx.x] = dynamic_shared<float>()[threadIdx.x] + shared<float[2]>()[threadIdx.x];
}

TEST(Fibers, SharedMemoryStartsAsNaN) {
  float* y = device_memory<float>(2);
  launch(deep_kernel, 1, 2, 8, nullptr, y);
  for (float v : download(y, 2)) EXPECT_TRUE(std::isnan(v));
}

#ifndef STANDIN_ASAN  // which has a report of its own, where it can
__device__ int recurse(int depth, volatile char* outer) {
  volatile char mine[1024];
  mine[0] = char(depth);
  return depth == 0 ? outer[0] : recurse(depth - 1, mine) + mine[0];
}
__global__ void recursive_kernel(int* out, int depth) {
  volatile char start[1] = {};
  *out = recurse(depth, start);
}
TEST(FibersDeathTest, AKernelWithoutStackLeftSaysSo) {
  int* p = device_memory<int>(1);
  launch(recursive_kernel, 1, 1, 0, nullptr, p, 100);
  wait();
  EXPECT_EXIT(
      {
        launch(recursive_kernel, 1, 1, 0, nullptr, p, 1000);
        wait();
      },
      ::testing::ExitedWithCode(3), "no more stack");
}
#endif

struct First;
struct Second;
__global__ void tags_kernel(int* out) {
  shared<int, First>() = 1;
  shared<int, Second>() = 2;
  out[0] = shared<int, First>();
  out[1] = int(&shared<int, First>() != &shared<int, Second>());
  out[2] = int(&shared<int, First>() == &shared<int, First>());
}
TEST(Fibers, TagsTellSharedObjectsApart) {
  int* p = device_memory<int>(3);
  launch(tags_kernel, 1, 1, 0, nullptr, p);
  EXPECT_EQ(download(p, 3), (std::vector{1, 1, 1}));
}

TEST(Fibers, LaunchesOutsideTheLimitsAreRefused) {
  float* y = device_memory<float>(4);
  const auto refused = [&](dim3 grid, dim3 block, std::size_t bytes) -> std::string {
    try {
      launch(fill_kernel, grid, block, bytes, nullptr, y, 1.0f, 4);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "";
  };
  const std::string configuration = "invalid configuration argument";
  EXPECT_EQ(refused(1, 1024, 0), "");
  EXPECT_EQ(refused(1, 1025, 0), configuration);
  EXPECT_EQ(refused(0, 32, 0), configuration);
  EXPECT_EQ(refused(dim3(1, 65536), 32, 0), configuration);
  EXPECT_EQ(refused(1, dim3(1, 1, 65), 0), configuration);
  EXPECT_EQ(refused(1, dim3(64, 17), 0), configuration);
  EXPECT_EQ(refused(1, 32, 48 * 1024), "");
  EXPECT_EQ(refused(1, 32, 48 * 1024 + 1), "invalid argument");
  const void* kernel = reinterpret_cast<const void*>(&fill_kernel);
  const auto allow = [&](int bytes) {
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  EXPECT_EQ(allow(227 * 1024 + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_CUDA(allow(100 * 1024));
  EXPECT_EQ(refused(1, 32, 100 * 1024), "");
  EXPECT_EQ(refused(1, 32, 100 * 1024 + 1), "invalid argument");
  EXPECT_CUDA(allow(48 * 1024));
  int blocks = 0;
  EXPECT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, 256, 0));
  EXPECT_EQ(blocks, 8);
  EXPECT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, 32, 47 * 1024));
  EXPECT_EQ(blocks, 4);
  wait();
}

__global__ void functions_kernel(double* out) {
  int i = 0;
  out[i++] = __float2int_rn(2.5f);
  out[i++] = __float2int_rz(-2.7f);
  out[i++] = __float2int_rd(-2.2f);
  out[i++] = __float2int_ru(2.2f);
  out[i++] = __float2int_rn(3e9f);
  out[i++] = __float2uint_rn(-1);
  out[i++] = __dp4a(0x01ff7f80, 0x02020202, 10);
  out[i++] = __umulhi(0x80000000u, 6);
  out[i++] = __mulhi(-0x40000000, 8);
  out[i++] = double(__mul64hi(-(1ll << 62), 8));
  out[i++] = __popc(0xf0f) * 100 + __clz(1) * 10 + __ffs(8);
  out[i++] = rsqrtf(4) + rsqrt(16.0);
  out[i++] = __int_as_float(__float_as_int(1.5f));
  out[i++] = max(3, -4) + min(2.0f, 1.0f) + fmaf(2, 3, 4);
  const float4 v = make_float4(1, 2, 3, 4);
  out[i++] = v.x + v.w;
  int target = 5;
  int old = atomicCAS(&target, 5, 9);
  old += atomicExch(&target, 3);
  old += atomicMax(&target, 7);
  old += atomicMin(&target, 2);
  old += atomicAdd(&target, 1);
  out[i++] = old * 10 + target;
  float sum = 1;
  unsigned long long wide = ~0ull;
  atomicAdd(&sum, 2);
  atomicAdd(&wide, 2ull);
  out[i++] = sum + double(wide);
  out[i++] = __activemask();
}
TEST(Fibers, DeviceFunctionsGiveWhatCudaDocuments) {
  const std::vector<double> want{2, -2,  -3, 3,    2147483647, 0,   10 + 2 * (1 - 1 + 127 - 128),
                                 3, -2,  -2, 1114, 0.75,       1.5, 14,
                                 5, 263, 4,  1};
  double* p = device_memory<double>(want.size());
  launch(functions_kernel, 1, 1, 0, nullptr, p);
  EXPECT_EQ(download(p, want.size()), want);
}

}  // namespace
}  // namespace standin::test

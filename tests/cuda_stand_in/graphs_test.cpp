#include <cmath>
#include <thread>

#include "kernels.h"
#include "settings.h"

namespace standin::test {
namespace {

struct Graphs : ::testing::Test {
  cudaStream_t s = new_stream(), other = new_stream();
  cudaEvent_t event = nullptr, back = nullptr;
  float* x = device_memory<float>(4);
  float* y = device_memory<float>(4);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;

  Graphs() {
    EXPECT_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    EXPECT_CUDA(cudaEventCreateWithFlags(&back, cudaEventDisableTiming));
  }
  ~Graphs() override {
    cudaGraph_t rest = nullptr;  // of a test that failed
    (void)cudaStreamEndCapture(s, &rest);
    (void)cudaGetLastError();
    for (cudaEvent_t e : {event, back}) EXPECT_CUDA(cudaEventDestroy(e));
    for (cudaStream_t t : {s, other}) EXPECT_CUDA(cudaStreamDestroy(t));
    if (graph) cudaGraphDestroy(graph);
    if (exec) cudaGraphExecDestroy(exec);
    EXPECT_CUDA(cudaFree(x));
    EXPECT_CUDA(cudaFree(y));
  }
  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    ASSERT_CUDA(cudaStreamBeginCapture(s, mode));
  }
  void launch_twice() {
    ASSERT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
    ASSERT_CUDA(cudaGraphLaunch(exec, s));
    ASSERT_CUDA(cudaGraphLaunch(exec, s));
    ASSERT_CUDA(cudaStreamSynchronize(s));
  }
  void fill(float* p, float value, cudaStream_t t) { launch(fill_kernel, 1, 4, 0, t, p, value, 4); }
};

TEST_F(Graphs, CaptureRunsNothingAndALaunchSeesTheMemoryOfItsTime) {
  begin();
  launch(add_kernel, 1, 4, 0, s, x, x, x, 4);
  cudaStreamCaptureStatus status{};
  EXPECT_CUDA(cudaStreamIsCapturing(s, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
  EXPECT_CUDA(cudaStreamIsCapturing(s, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  std::size_t nodes = 0;
  EXPECT_CUDA(cudaGraphGetNodes(graph, nullptr, &nodes));
  EXPECT_EQ(nodes, 1u);
  fill(x, 3, s);
  EXPECT_CUDA(cudaStreamSynchronize(s));
  launch_twice();
  EXPECT_EQ(download(x, 4)[0], 12);
  fill(x, 1, s);
  EXPECT_CUDA(cudaGraphLaunch(exec, s));
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(download(x, 4)[0], 2);
}

TEST_F(Graphs, EventsForkAndJoinACapture) {
  for (const char* order : {"lazy", "eager", "random:3"}) {
    const RunOrder run(order);
    begin();
    fill(x, 1, s);
    EXPECT_CUDA(cudaEventRecord(event, s));
    EXPECT_CUDA(cudaStreamWaitEvent(other, event, 0));
    launch(add_kernel, 1, 4, 0, other, x, x, y, 4);
    EXPECT_CUDA(cudaEventRecord(back, other));
    EXPECT_CUDA(cudaStreamWaitEvent(s, back, 0));
    launch(add_kernel, 1, 4, 0, s, x, y, y, 4);
    ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
    launch_twice();
    EXPECT_EQ(download(y, 4)[3], 3) << order;
    cudaStreamCaptureStatus status{};
    EXPECT_CUDA(cudaStreamIsCapturing(other, &status));
    EXPECT_EQ(status, cudaStreamCaptureStatusNone);
    EXPECT_CUDA(cudaGraphDestroy(graph));
    EXPECT_CUDA(cudaGraphExecDestroy(exec));
    graph = nullptr;
    exec = nullptr;
  }
}

TEST_F(Graphs, ABranchThatNothingOrdersShows) {
  begin();
  EXPECT_CUDA(cudaEventRecord(event, s));  // too early: before x is there
  fill(x, 1, s);
  EXPECT_CUDA(cudaStreamWaitEvent(other, event, 0));
  launch(add_kernel, 1, 4, 0, other, x, x, y, 4);
  EXPECT_CUDA(cudaEventRecord(back, other));
  EXPECT_CUDA(cudaStreamWaitEvent(s, back, 0));
  ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
  ASSERT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
  ASSERT_CUDA(cudaGraphLaunch(exec, s));
  ASSERT_CUDA(cudaStreamSynchronize(s));
  EXPECT_TRUE(std::isnan(download(y, 4)[0]));
}

TEST_F(Graphs, UnjoinedWorkIsRefused) {
  begin();
  EXPECT_CUDA(cudaEventRecord(event, s));
  EXPECT_CUDA(cudaStreamWaitEvent(other, event, 0));
  fill(x, 1, other);
  EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph, nullptr);
  begin();  // and the streams are free again
  EXPECT_CUDA(cudaStreamEndCapture(s, &graph));
}

TEST_F(Graphs, WaitingAndAllocatingSpoilACapture) {
  void* p = nullptr;
  const std::vector<std::function<cudaError_t()>> unsafe{
      [&] { return cudaStreamSynchronize(s); },
      [&] { return cudaStreamSynchronize(other); },
      [&] { return cudaDeviceSynchronize(); },
      [&] { return cudaMalloc(&p, 4); },
      [&] { return cudaMemset(x, 0, 4), cudaMemcpy(y, x, 4, cudaMemcpyDefault); },
      [&] { return cudaFree(x); },
      [&] { return cudaMallocHost(&p, 4); },
      [&] { return cudaStreamQuery(s); },
      [&] { return cudaMallocAsync(&p, 4, s); },
  };
  for (std::size_t i = 0; i < unsafe.size(); ++i) {
    begin();
    fill(x, 1, s);
    EXPECT_EQ(unsafe[i](), cudaErrorStreamCaptureUnsupported) << i;
    EXPECT_THROW(
        {
          (void)cudaGetLastError();
          fill(x, 1, s);
        },
        std::runtime_error);
    EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureInvalidated) << i;
    (void)cudaGetLastError();
  }
}

TEST_F(Graphs, AThreadMayRelaxTheRules) {
  begin();
  auto mode = cudaStreamCaptureModeRelaxed;
  EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  void* p = nullptr;
  EXPECT_CUDA(cudaMalloc(&p, 4));
  EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_CUDA(cudaStreamEndCapture(s, &graph));
  EXPECT_CUDA(cudaFree(p));
}

TEST_F(Graphs, CapturesDoNotMixWithWhatIsOutside) {
  cudaStream_t blocking = nullptr;
  ASSERT_CUDA(cudaStreamCreate(&blocking));
  // An event from before the capture.
  fill(x, 1, other);
  EXPECT_CUDA(cudaEventRecord(event, other));
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(s, event, 0), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureInvalidated);
  // An event of a capture outside of it.
  begin();
  EXPECT_CUDA(cudaEventRecord(event, s));
  EXPECT_EQ(cudaEventQuery(event), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaEventSynchronize(event), cudaErrorCapturedEvent);
  ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
  // The legacy stream while a blocking one is captured.
  ASSERT_CUDA(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed));
  EXPECT_EQ(cudaMemsetAsync(x, 0, 4, nullptr), cudaErrorStreamCaptureImplicit);
  cudaGraph_t none = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(blocking, &none), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(s, &none), cudaErrorIllegalState);
  EXPECT_CUDA(cudaStreamDestroy(blocking));
}

TEST_F(Graphs, PinnedMemoryFreedAfterTheCaptureIsFound) {
  void* pinned = nullptr;
  ASSERT_CUDA(cudaMallocHost(&pinned, 16));
  begin();
  EXPECT_CUDA(cudaMemcpyAsync(x, pinned, 16, cudaMemcpyHostToDevice, s));
  ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
  EXPECT_CUDA(cudaFreeHost(pinned));
  ASSERT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
  ASSERT_CUDA(cudaGraphLaunch(exec, s));
  EXPECT_MISTAKE(cudaStreamSynchronize(s), "the pinned memory was freed before the copy");
}

TEST_F(Graphs, TwoCapturesDoNotMergeAndOneEndsWhereItBegan) {
  const auto relaxed = cudaStreamCaptureModeRelaxed;
  begin();
  ASSERT_CUDA(cudaStreamBeginCapture(other, relaxed));
  EXPECT_CUDA(cudaEventRecord(event, s));
  EXPECT_EQ(cudaStreamWaitEvent(other, event, 0), cudaErrorStreamCaptureMerge);
  EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamEndCapture(other, &graph), cudaErrorStreamCaptureInvalidated);
  begin();
  EXPECT_CUDA(cudaEventRecord(event, s));
  EXPECT_CUDA(cudaStreamWaitEvent(other, event, 0));
  EXPECT_EQ(cudaStreamEndCapture(other, &graph), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureInvalidated);
  begin();
  cudaError_t status = cudaSuccess;
  std::thread([&] { status = cudaStreamEndCapture(s, &graph); }).join();
  EXPECT_EQ(status, cudaErrorStreamCaptureWrongThread);
  // Another thread may not wait either, unless the capture is of its thread alone.
  std::thread([&] { status = cudaDeviceSynchronize(); }).join();
  EXPECT_EQ(status, cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureInvalidated);
  begin(cudaStreamCaptureModeThreadLocal);
  std::thread([&] { status = cudaDeviceSynchronize(); }).join();
  EXPECT_CUDA(status);
  EXPECT_CUDA(cudaStreamEndCapture(s, &graph));
}

TEST_F(Graphs, MemoryFreedAfterTheCaptureIsFound) {
  float* gone = device_memory<float>(4);
  begin();
  launch(add_kernel, 1, 4, 0, s, gone, gone, x, 4);
  ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
  EXPECT_CUDA(cudaFree(gone));
  ASSERT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
  ASSERT_CUDA(cudaGraphLaunch(exec, s));
  EXPECT_MISTAKE(cudaStreamSynchronize(s), "no live allocation");
}

}  // namespace
}  // namespace standin::test

// The pretended devices, as the stand-ins of the CUDA runtime, cuBLAS and cuDNN share them, and
// what a test may ask about them.
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace standin {

/// A mistake that a real device would answer with garbage, a fault, or nothing at all. It is
/// printed before it is thrown, since on its way it may meet a destructor.
struct Mistake : std::logic_error {
  using logic_error::logic_error;
};
[[noreturn]] void mistake(const std::string& what);

/// One buffer in device memory that a task reads or writes.
struct Buffer {
  const void* at;
  std::size_t bytes;
  const char* name;
  /// What may be no pointer at all: left out where its memory was freed.
  bool is_guess = false;
};

/// One call from the host into a library: holds the one lock of the stand-in, counts the call, and
/// closes device memory again before the host goes on.
class Call {
 public:
  explicit Call(const char* function);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  /// The status that a test planned for this call (faults.h); 0 for none.
  int planned() const { return planned_; }

 private:
  int planned_;
};

/// Whether `p` is an address of device memory, of whichever device, in use or not.
bool in_device(const void* p);
/// Whether `p` lies in device memory that is in use.
bool is_allocated(const void* p);
/// The device of a stream; of the current device for the legacy stream. A mistake for a stream that
/// is not alive.
int device_of(cudaStream_t stream);
/// The device that cudaSetDevice chose for this thread.
int current_device();
/// A mistake unless [at, at + bytes) lies in one live allocation of `device`.
void require_device(const Buffer& buffer, const std::string& task, int device);
/// The buffer from `p` to the end of its allocation; of one byte where there is none.
Buffer whole_allocation(const void* p);
/// Puts work into the stream's queue. It may touch `buffers` and nothing else of device memory; a
/// mistake where one of them is no such buffer.
cudaError_t enqueue(cudaStream_t stream, std::string name, std::vector<Buffer> buffers,
                    std::function<void()> work);
/// Runs `one_thread` for every thread of the grid, on fibres.
void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, std::size_t shared_limit,
              const std::function<void()>& one_thread);
/// Whether `p` lies in the guard page below the stack of a thread's fibre: its kernel went too
/// deep.
bool below_a_stack(const void* p);

/// What is allocated and not freed, of all devices: a test of an allocator compares before and
/// after.
struct Live {
  std::size_t allocations = 0;
  std::size_t bytes = 0;
  std::size_t pinned = 0;
  std::size_t streams = 0;
  std::size_t events = 0;
};
Live live();

/// How often the host called `function` ("cudaMalloc", "cublasGemmEx"; kernels:
/// "cudaLaunchKernel").
std::int64_t calls(const std::string& function);

}  // namespace standin

// Reductions.
#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/reduce_kernels.h"
#include "tuco/devices/reduce_blocks.h"

namespace tuco::cuda {
namespace {

/// Calls body(shape, pointer to x, scratch memory) for the blocks of a reduction.
template <class T, class Body>
void with_blocks(const Tensor& x, const Shape& dims, Call& call, const Body& body) {
  const ReduceBlocks blocks = to_blocks(x, dims);
  const ReduceShape shape{blocks.outer, blocks.reduced, blocks.inner};
  const int64_t bytes = reduce_scratch_bytes(shape);
  void* scratch = bytes ? call.scratch<std::byte>(bytes, x.device()) : nullptr;
  body(shape, ptr<T>(blocks.x), scratch);
}

}  // namespace

void run(const op::Sum& op, Inputs in, Out out, Call& call) {
  dispatch_all(op.name, in[0].dtype(), [&]<class T>() {
    if constexpr (sizeof(T) >= 4)
      with_blocks<T>(in[0], op.dims, call,
                     [&](const ReduceShape& shape, const T* x, void* scratch) {
                       reduce_sum(shape, x, 1, ptr<T>(out[0]), scratch, call.stream);
                     });
    else
      unsupported_dtype(op.name, in[0].dtype());
  });
}

void run(const op::Mean& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    with_blocks<T>(in[0], op.dims, call, [&](const ReduceShape& shape, const T* x, void* scratch) {
      reduce_sum(shape, x, static_cast<double>(shape.reduced), ptr<T>(out[0]), scratch,
                 call.stream);
    });
  });
}

void run(const op::Max& op, Inputs in, Out out, Call& call) {
  dispatch_all(op.name, in[0].dtype(), [&]<class T>() {
    with_blocks<T>(in[0], op.dims, call, [&](const ReduceShape& shape, const T* x, void* scratch) {
      reduce_max(shape, x, ptr<T>(out[0]), scratch, call.stream);
    });
  });
}

void run(const op::ArgMax& op, Inputs in, Out out, Call& call) {
  dispatch_all(op.name, in[0].dtype(), [&]<class T>() {
    with_blocks<T>(in[0], op.dims, call, [&](const ReduceShape& shape, const T* x, void* scratch) {
      reduce_argmax(shape, x, ptr<int64_t>(out[0]), scratch, call.stream);
    });
  });
}

}  // namespace tuco::cuda

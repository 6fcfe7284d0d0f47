// Ops that write tensors from nothing or change them in place: fills, random numbers, and the
// optimizers' steps.
#include <algorithm>

#include "tuco/core/convert.h"
#include "tuco/core/error.h"
#include "tuco/devices/cuda/fill_kernels.h"
#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/walk.h"

namespace tuco::cuda {
namespace {

PhiloxPlace philox_place(const op::RandomPlace& place) {
  return {place.seed, place.stream, place.block};
}

/// Calls launch(list) for lists that cover the tensors: role 0 is in[k], and role r out[(r - 1) *
/// in.size() + k].
template <class T, int N, class Launch>
void for_each_list(Inputs in, Out out, const Launch& launch) {
  TensorList<T, N> list;
  for (size_t k = 0; k < in.size(); ++k) {
    list.at[0][list.count] = ptr<T>(in[k]);
    for (int role = 1; role < N; ++role)
      list.at[role][list.count] = ptr<T>(out[(role - 1) * in.size() + k]);
    list.begin[list.count + 1] = list.begin[list.count] + in[k].numel();
    ++list.count;
    if (list.count < list.kMost && k + 1 < in.size()) continue;
    launch(list);
    list = {};
  }
}

}  // namespace

void run(const op::Fill& op, Inputs, Out out, Call& call) {
  dispatch_all(op.name, out[0].dtype(), [&]<class T>() {
    if (op.step == 0) {
      const T value = convert<T>(op.start);
      for_each_walk<1>({out[0].layout()}, [&](const Strided<1>& walk, const auto& start) {
        fill(base<T>(out[0]) + start[0], value, walk, call.stream);
      });
      return;
    }
    require<Error>(out[0].is_contiguous(), "fill: an increasing fill needs a dense tensor");
    fill_steps(ptr<T>(out[0]), op.start, op.step, out[0].numel(), call.stream);
  });
}

void run(const op::Random& op, Inputs, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    random(philox_place(op.place), op.normal, ptr<T>(out[0]), out[0].numel(), call.stream);
  });
}

void run(const op::Dropout& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T scale = op.p < 1 ? static_cast<T>(1 / (1 - op.p)) : T{0};
    dropout<T>(philox_place(op.place), static_cast<float>(op.p), scale, ptr<T>(in[0]),
               ptr<T>(out[0]), out[0].numel(), call.stream);
  });
}

void run(const op::Accumulate& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T alpha = static_cast<T>(op.alpha), keep = static_cast<T>(op.keep);
    const auto dense = [](const Tensor& t) { return t.is_contiguous(); };
    if (std::ranges::all_of(in, dense) && std::ranges::all_of(out, dense))
      return for_each_list<T, 2>(
          in, out, [&](const auto& list) { accumulate(alpha, keep, list, call.stream); });
    for (size_t k = 0; k < in.size(); ++k)
      for_each_walk<2>({in[k].layout(), out[k].layout()},
                       [&](const Strided<2>& walk, const auto& start) {
                         accumulate<T>(alpha, keep, base<T>(in[k]) + start[0],
                                       base<T>(out[k]) + start[1], walk, call.stream);
                       });
  });
}

void run(const op::SgdStep& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const auto formula = sgd_formula<T>(op);
    for_each_list<T, 3>(in, out, [&](const auto& list) { sgd_step(formula, list, call.stream); });
  });
}

void run(const op::AdamWStep& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const auto formula = adamw_formula<T>(op);
    for_each_list<T, 4>(in, out, [&](const auto& list) { adamw_step(formula, list, call.stream); });
  });
}

}  // namespace tuco::cuda

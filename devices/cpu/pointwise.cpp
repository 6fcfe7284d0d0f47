// Point-wise ops: the formulas of core/pointwise_formulas.h in plain C++ for every type and stride,
// and for float32 along dense or broadcast runs in Highway, for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/pointwise.cpp"
// clang-format off: the order matters.
#include "tuco/devices/cpu/highway_targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

#include "tuco/core/error.h"
#include "tuco/core/pointwise.h"
#include "tuco/devices/cpu/convert.h"
#include "tuco/devices/cpu/strided.h"

#ifndef TUCO_DEVICES_CPU_POINTWISE_TABLE
#define TUCO_DEVICES_CPU_POINTWISE_TABLE
namespace tuco::cpu {

/// Float32 kernels over runs, by an op's place in its list. A binary operand's step is 1 or 0.
struct PointwiseTable {
  using Unary = void (*)(const void* op, const float* x, float* y, int64_t n);
  using UnaryGrad = void (*)(const void* op, const float* g, const float* saved, float* out,
                             int64_t n);
  using Binary = void (*)(const float* a, int a_step, const float* b, int b_step, float* out,
                          int64_t n);
  Unary unary[op::UnaryList::size];
  UnaryGrad unary_grad[op::UnaryList::size];
  Binary binary[op::BinaryList::size];
};

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using Vector = hn::Vec<D>;
constexpr D kF32;

#define TUCO_FORMULA HWY_INLINE
TUCO_FORMULA Vector like(Vector, double c) { return hn::Set(kF32, static_cast<float>(c)); }
TUCO_FORMULA Vector exp(Vector x) {
  // Highway's Exp is for finite arguments; infinities and NaN keep their meaning here.
  const Vector y = hn::Exp(kF32, hn::Min(hn::Max(x, hn::Set(kF32, -104.f)), hn::Set(kF32, 88.7f)));
  const Vector big = hn::IfThenElse(hn::Gt(x, hn::Set(kF32, 88.72283f)),
                                    hn::Set(kF32, std::numeric_limits<float>::infinity()), y);
  return hn::IfThenElse(hn::IsNaN(x), x, big);
}
TUCO_FORMULA Vector sqrt(Vector x) { return hn::Sqrt(x); }
TUCO_FORMULA Vector abs(Vector x) { return hn::Abs(x); }
TUCO_FORMULA Vector if_less(Vector a, Vector b, Vector x, Vector y) {
  return hn::IfThenElse(hn::Lt(a, b), x, y);
}
TUCO_FORMULA Vector if_equal(Vector a, Vector b, Vector x, Vector y) {
  return hn::IfThenElse(hn::Eq(a, b), x, y);
}
TUCO_FORMULA Vector max(Vector a, Vector b) {
  return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b));
}
TUCO_FORMULA Vector min(Vector a, Vector b) {
  return hn::IfThenElse(hn::IsNaN(a), a, hn::Min(a, b));
}
/// For functions without a vector form of the accuracy that we want.
template <class F>
TUCO_FORMULA Vector each_lane(Vector x, F&& f) {
  HWY_ALIGN float lanes[hn::MaxLanes(kF32)];
  hn::Store(x, kF32, lanes);
  for (size_t i = 0; i < hn::Lanes(kF32); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(kF32, lanes);
}
TUCO_FORMULA Vector log(Vector x) {
  return each_lane(x, [](float v) { return std::log(v); });
}
TUCO_FORMULA Vector tanh(Vector x) {
  return each_lane(x, [](float v) { return std::tanh(v); });
}
TUCO_FORMULA Vector pow(Vector x, double e) {
  if (e == 2) return x * x;
  if (e == 1) return x;
  return each_lane(x, [e](float v) { return std::pow(v, static_cast<float>(e)); });
}
#include "tuco/core/pointwise_formulas.h"
#undef TUCO_FORMULA

/// y[i] = f(inputs...) over n elements, where inputs of step 0 stay at their first element. The rest
/// that does not fill a vector goes through a buffer.
template <class F, class... In>
HWY_INLINE void map(int64_t n, float* y, F&& f, In... in) {
  const int64_t lanes = hn::Lanes(kF32);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(in.load(i)...), kF32, y + i);
  if (i < n) {
    HWY_ALIGN float rest[hn::MaxLanes(kF32)];
    hn::Store(f(in.load_first(i, n - i)...), kF32, rest);
    std::copy_n(rest, n - i, y + i);
  }
}
struct Dense {
  const float* p;
  HWY_INLINE Vector load(int64_t i) const { return hn::LoadU(kF32, p + i); }
  HWY_INLINE Vector load_first(int64_t i, int64_t count) const {
    HWY_ALIGN float buffer[hn::MaxLanes(kF32)] = {};
    std::copy_n(p + i, count, buffer);
    return hn::Load(kF32, buffer);
  }
};
struct Broadcast {
  const float* p;
  HWY_INLINE Vector load(int64_t) const { return hn::Set(kF32, *p); }
  HWY_INLINE Vector load_first(int64_t, int64_t) const { return hn::Set(kF32, *p); }
};

template <class Op>
void unary(const void* op, const float* x, float* y, int64_t n) {
  const Op& f = *static_cast<const Op*>(op);
  map(n, y, [&](Vector v) HWY_ATTR { return forward(f, v); }, Dense{x});
}
template <class Op>
void unary_grad(const void* op, const float* g, const float* saved, float* out, int64_t n) {
  const Op& f = *static_cast<const Op*>(op);
  map(n, out, [&](Vector a, Vector b) HWY_ATTR { return grad(f, a, b); }, Dense{g}, Dense{saved});
}
template <class Op>
void binary(const float* a, int a_step, const float* b, int b_step, float* out, int64_t n) {
  const auto f = [](Vector x, Vector y) HWY_ATTR { return forward(Op{}, x, y); };
  if (a_step && b_step)
    map(n, out, f, Dense{a}, Dense{b});
  else if (a_step)
    map(n, out, f, Dense{a}, Broadcast{b});
  else
    map(n, out, f, Broadcast{a}, Dense{b});
}

template <class... U, class... B>
constexpr PointwiseTable make_table(op::TypeList<U...>, op::TypeList<B...>) {
  return {{unary<U>...}, {unary_grad<U>...}, {binary<B>...}};
}

}  // namespace

const PointwiseTable* pointwise_table() {
  static constexpr PointwiseTable table = make_table(op::UnaryList{}, op::BinaryList{});
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace tuco::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(pointwise_table);

namespace {

namespace plain {

using std::abs, std::exp, std::log, std::sqrt, std::tanh;
template <class T>
T like(T, double c) {
  return convert<T>(c);
}
template <class T>
T pow(T x, double e) {
  if (e == 2) return x * x;
  return static_cast<T>(std::pow(x, e));
}
template <class T>
T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
T if_less(T a, T b, T x, T y) {
  return a < b ? x : y;
}
template <class T>
T if_equal(T a, T b, T x, T y) {
  return a == b ? x : y;
}
#define TUCO_FORMULA inline
#include "tuco/core/pointwise_formulas.h"
#undef TUCO_FORMULA

bool forward(const op::Equal&, auto a, auto b) { return a == b; }
bool forward(const op::Less&, auto a, auto b) { return a < b; }
bool forward(const op::LessEqual&, auto a, auto b) { return a <= b; }

}  // namespace plain

const PointwiseTable& vectors() { return *TUCO_DISPATCH(pointwise_table)(); }

/// Unary formulas of integers are those that need no transcendental function.
template <class Op>
constexpr bool takes_integers =
    std::is_same_v<Op, op::Affine> || std::is_same_v<Op, op::Clamp> ||
    std::is_same_v<Op, op::Abs> || std::is_same_v<Op, op::Relu>;

template <class Op, class F>
void dispatch_unary(DType dtype, F&& f) {
  if constexpr (takes_integers<Op>) {
    if (dtype == DType::int32) return f.template operator()<int32_t>();
    if (dtype == DType::int64) return f.template operator()<int64_t>();
  }
  dispatch_floating(Op::name, dtype, f);
}

template <class T, class R, class Op>
void run_binary(const Op& op, Inputs in, Out out) {
  const Shape& shape = out[0].shape();
  const std::array<Layout, 3> layouts = {in[0].layout().expand(shape),
                                         in[1].layout().expand(shape), out[0].layout()};
  const T *a = base<T>(in[0]), *b = base<T>(in[1]);
  R* y = base<R>(out[0]);
  parallel_runs<3>(layouts, [&](const auto& at, const auto& step, int64_t n) {
    if constexpr (std::is_same_v<T, float> && op::Binary<Op>) {
      if (step[2] == 1 && step[0] + step[1] >= 1 && step[0] >= 0 && step[0] <= 1 &&
          step[1] >= 0 && step[1] <= 1) {
        vectors().binary[op::index_in<Op, op::BinaryList>](
            a + at[0], static_cast<int>(step[0]), b + at[1], static_cast<int>(step[1]), y + at[2],
            n);
        return;
      }
    }
    for (int64_t i = 0; i < n; ++i)
      y[at[2] + i * step[2]] =
          static_cast<R>(plain::forward(op, a[at[0] + i * step[0]], b[at[1] + i * step[1]]));
  });
}

}  // namespace

template <op::Unary Op>
void run(const Op& op, Inputs in, Out out, Workspace&) {
  dispatch_unary<Op>(in[0].dtype(), [&]<class T>() {
    const T* x = base<T>(in[0]);
    T* y = base<T>(out[0]);
    parallel_runs<2>({in[0].layout(), out[0].layout()},
                     [&](const auto& at, const auto& step, int64_t n) {
                       if constexpr (std::is_same_v<T, float>) {
                         if (step[0] == 1 && step[1] == 1) {
                           vectors().unary[op::index_in<Op, op::UnaryList>](&op, x + at[0],
                                                                            y + at[1], n);
                           return;
                         }
                       }
                       for (int64_t i = 0; i < n; ++i)
                         y[at[1] + i * step[1]] = plain::forward(op, x[at[0] + i * step[0]]);
                     });
  });
}

template <op::Unary Op>
void run(const op::UnaryGrad<Op>& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(Op::name, in[0].dtype(), [&]<class T>() {
    const T *g = ptr<T>(in[0]), *saved = ptr<T>(in[1]);
    T* y = ptr<T>(out[0]);
    parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
      if constexpr (std::is_same_v<T, float>)
        vectors().unary_grad[op::index_in<Op, op::UnaryList>](&op.forward, g + begin,
                                                              saved + begin, y + begin,
                                                              end - begin);
      else
        for (int64_t i = begin; i < end; ++i) y[i] = plain::grad(op.forward, g[i], saved[i]);
    });
  });
}

template <op::Binary Op>
void run(const Op& op, Inputs in, Out out, Workspace&) {
  dispatch_all(Op::name, in[0].dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>)
      unsupported_dtype(Op::name, DType::bool_);
    else
      run_binary<T, T>(op, in, out);
  });
}

template <op::Compare Op>
void run(const Op& op, Inputs in, Out out, Workspace&) {
  dispatch_all(Op::name, in[0].dtype(), [&]<class T>() { run_binary<T, bool>(op, in, out); });
}

namespace {

template <class Op>
using Kernel = void (*)(const Op&, Inputs, Out, Workspace&);

/// Takes the address of every kernel, so that all of them are compiled here.
template <class... U, class... B, class... C>
auto instantiate(op::TypeList<U...>, op::TypeList<B...>, op::TypeList<C...>) {
  return std::tuple{Kernel<U>(run)..., Kernel<op::UnaryGrad<U>>(run)..., Kernel<B>(run)...,
                    Kernel<C>(run)...};
}
[[maybe_unused]] const auto kInstances =
    instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{});

}  // namespace
}  // namespace tuco::cpu
#endif  // HWY_ONCE

// How cuDNN's stand-in runs a graph: each tensor as a dense array of float, or of
// double where all are that, channels innermost; what
// is virtual never leaves that form.
#include <cmath>

#include "convolution.h"
#include "cudnn_state.h"
#include "numbers.h"

namespace standin::dnn {

namespace {

template <class T>
using Values = std::vector<T>;

// Calls at(place in the dense array, place in memory) for all elements.
template <class At>
void each_element(const Tensor& t, At at) {
  const auto &d = t.dims, &s = t.strides;
  int64_t i = 0;
  for (int64_t n = 0; n < d[0]; ++n)
    for (int64_t y = 0; y < d[2]; ++y)
      for (int64_t x = 0; x < d[3]; ++x)
        for (int64_t c = 0; c < d[1]; ++c, ++i)
          at(std::size_t(i), n * s[0] + c * s[1] + y * s[2] + x * s[3]);
}

float rounded(float v, cudnnDataType_t type) {
  return type == CUDNN_DATA_HALF ? to_half(v) : type == CUDNN_DATA_BFLOAT16 ? to_bfloat16(v) : v;
}
double rounded(double v, cudnnDataType_t) { return v; }

template <class Stored>
void read_as(const Tensor& t, const void* from, Values<float>& to) {
  each_element(
      t, [&](std::size_t i, int64_t at) { to[i] = load(static_cast<const Stored*>(from) + at); });
}
void read_into(Values<float>& to, const Tensor& t, const void* from) {
  switch (t.type) {
    case CUDNN_DATA_HALF:
      return read_as<__half>(t, from, to);
    case CUDNN_DATA_BFLOAT16:
      return read_as<__nv_bfloat16>(t, from, to);
    default:
      return read_as<float>(t, from, to);
  }
}
void read_into(Values<double>& to, const Tensor& t, const void* from) {
  each_element(t, [&](std::size_t i, int64_t at) { to[i] = static_cast<const double*>(from)[at]; });
}

template <class Stored>
void write_as(const Tensor& t, const Values<float>& from, void* to) {
  each_element(t,
               [&](std::size_t i, int64_t at) { store(static_cast<Stored*>(to) + at, from[i]); });
}
void write_from(const Values<float>& from, const Tensor& t, void* to) {
  switch (t.type) {
    case CUDNN_DATA_HALF:
      return write_as<__half>(t, from, to);
    case CUDNN_DATA_BFLOAT16:
      return write_as<__nv_bfloat16>(t, from, to);
    default:
      return write_as<float>(t, from, to);
  }
}
void write_from(const Values<double>& from, const Tensor& t, void* to) {
  each_element(t, [&](std::size_t i, int64_t at) { static_cast<double*>(to)[at] = from[i]; });
}

// The tensors of a graph while it runs.
template <class T>
class Tensors {
 public:
  explicit Tensors(const std::map<int64_t, void*>& pointers) : pointers_(pointers) {}

  // A copy, which the caller may change.
  Values<T> read(const Tensor& t) const {
    if (t.is_virtual || made_.contains(t.uid)) return made_.at(t.uid);
    Values<T> v(std::size_t(t.count()));
    read_into(v, t, pointers_.at(t.uid));
    return v;
  }
  void write(const Tensor& t, Values<T> v) {
    if (!t.is_virtual) write_from(v, t, pointers_.at(t.uid));
    for (T& x : v) x = rounded(x, t.type);
    made_[t.uid] = std::move(v);
  }

 private:
  const std::map<int64_t, void*>& pointers_;
  std::map<int64_t, Values<T>> made_;
};

ConvolutionShape shape_of(const Operation& o) {
  const auto &x = o.image.dims, &w = o.filter.dims, &y = o.result.dims;
  const Convolution& c = o.convolution;
  return {x[0],         x[2],         x[3],           x[1],          w[0],     w[2],
          w[3],         o.groups(),   y[2],           y[3],          c.pre[0], c.pre[1],
          c.strides[0], c.strides[1], c.dilations[0], c.dilations[1]};
}

// A filter for a convolution proper, turned by half a turn.
template <class T>
Values<T> turned(const Operation& o, Values<T> w) {
  if (o.convolution.mode == CUDNN_CROSS_CORRELATION) return w;
  const auto& d = o.filter.dims;
  const int64_t taps = d[2] * d[3], channels = d[1];
  Values<T> out(w.size());
  for (int64_t k = 0; k < d[0]; ++k)
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t c = 0; c < channels; ++c)
        out[std::size_t((k * taps + t) * channels + c)] =
            w[std::size_t((k * taps + taps - 1 - t) * channels + c)];
  return out;
}

template <class T>
void run_convolution(const Operation& o, Engine engine, Tensors<T>& tensors) {
  static int64_t runs = 0;
  const ConvolutionShape s = shape_of(o);
  Values<T> out(std::size_t(o.output().count()));
  const auto input = [&](const Tensor& t) {
    Values<T> v = tensors.read(t);
    if (engine == Engine::kTensorCore && t.type == CUDNN_DATA_FLOAT)
      for (T& x : v) x = to_tf32(float(x));
    return v;
  };
  switch (o.kind) {
    case Kind::kForward:
      convolve<T>(s, input(o.image).data(), turned(o, input(o.filter)).data(), out.data());
      break;
    case Kind::kBackwardData:
      convolve_gradient_of_image<T>(s, turned(o, input(o.filter)).data(), input(o.result).data(),
                                    out.data());
      break;
    default: {
      const int64_t first = engine == Engine::kNondeterministic ? runs++ % s.batch : 0;
      convolve_gradient_of_filter<T>(s, input(o.image).data(), input(o.result).data(), out.data(),
                                     first);
      out = turned(o, std::move(out));
    }
  }
  const auto alpha = T(o.alpha), beta = T(o.beta);
  if (alpha != 1)
    for (T& v : out) v *= alpha;
  if (beta != 0) {
    const Values<T> before = tensors.read(o.output());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += beta * before[i];
  }
  tensors.write(o.output(), std::move(out));
}

template <class T>
T apply(const Pointwise& p, T x, T b) {
  switch (p.mode) {
    case CUDNN_POINTWISE_ADD:
      return x + b;
    case CUDNN_POINTWISE_SUB:
      return x - b;
    case CUDNN_POINTWISE_MUL:
      return x * b;
    case CUDNN_POINTWISE_DIV:
      return x / b;
    case CUDNN_POINTWISE_MAX:
      return std::fmax(x, b);
    case CUDNN_POINTWISE_MIN:
      return std::fmin(x, b);
    case CUDNN_POINTWISE_RELU_FWD: {
      const auto lower = T(p.lower), upper = T(p.upper);
      if (std::isnan(x)) return p.keeps_nan ? x : lower;
      return x < lower ? lower + T(p.slope) * (x - lower) : x > upper ? upper : x;
    }
    case CUDNN_POINTWISE_TANH_FWD:
      return std::tanh(x);
    case CUDNN_POINTWISE_SIGMOID_FWD:
      return 1 / (1 + std::exp(-x));
    case CUDNN_POINTWISE_SWISH_FWD:
      return x / (1 + std::exp(-T(p.beta) * x));
    case CUDNN_POINTWISE_ELU_FWD:
      return x > 0 ? x : T(p.elu) * std::expm1(x);
    case CUDNN_POINTWISE_ABS:
      return std::abs(x);
    case CUDNN_POINTWISE_EXP:
      return std::exp(x);
    case CUDNN_POINTWISE_NEG:
      return -x;
    case CUDNN_POINTWISE_SQRT:
      return std::sqrt(x);
    default:
      return x;  // identity; others are refused before
  }
}

template <class T>
void run_pointwise(const Operation& o, Tensors<T>& tensors) {
  const Values<T> x = tensors.read(o.image);
  const Values<T> b = o.binary ? tensors.read(o.filter) : Values<T>{0};
  Values<T> out(std::size_t(o.result.count()));
  // The steps in a dense array that broadcasts to the result's dimensions.
  struct Steps {
    explicit Steps(const std::vector<int64_t>& d)
        : n(d[0] > 1 ? d[1] * d[2] * d[3] : 0),
          y(d[2] > 1 ? d[3] * d[1] : 0),
          x(d[3] > 1 ? d[1] : 0),
          c(d[1] > 1 ? 1 : 0) {}
    int64_t n, y, x, c;
  };
  const Steps sx(o.image.dims), sb(o.binary ? o.filter.dims : std::vector<int64_t>{1, 1, 1, 1});
  const auto& d = o.result.dims;
  const auto alpha = T(o.alpha), beta = T(o.beta);
  std::size_t i = 0;
  for (int64_t n = 0; n < d[0]; ++n)
    for (int64_t h = 0; h < d[2]; ++h)
      for (int64_t w = 0; w < d[3]; ++w) {
        const T* xs = x.data() + n * sx.n + h * sx.y + w * sx.x;
        const T* bs = b.data() + n * sb.n + h * sb.y + w * sb.x;
        for (int64_t c = 0; c < d[1]; ++c, ++i)
          out[i] = apply(o.pointwise, alpha * xs[c * sx.c], beta * bs[c * sb.c]);
      }
  tensors.write(o.result, std::move(out));
}

template <class T>
void run_as(const std::vector<Operation>& graph, Engine engine,
            const std::map<int64_t, void*>& pointers) {
  Tensors<T> tensors(pointers);
  for (const Operation& o : graph)
    if (o.kind == Kind::kPointwise)
      run_pointwise(o, tensors);
    else
      run_convolution(o, engine, tensors);
}

}  // namespace

void run(const std::vector<Operation>& graph, Engine engine,
         const std::map<int64_t, void*>& pointers) {
  if (graph.front().image.type == CUDNN_DATA_DOUBLE)
    run_as<double>(graph, engine, pointers);
  else
    run_as<float>(graph, engine, pointers);
}

}  // namespace standin::dnn

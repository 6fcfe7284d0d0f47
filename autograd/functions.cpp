#include "tuco/autograd/functions.h"

#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco {
namespace {

/// Dimensions counted from the front, ascending, without repeats; none given stands for all.
Shape reduced_dims(std::string_view op, const Tensor& x, const Dims& dims) {
  std::vector<int64_t> sorted;
  for (const int dim : dims) sorted.push_back(normalize_dim(op, dim, x.rank()));
  std::ranges::sort(sorted);
  require<ShapeError>(std::ranges::adjacent_find(sorted) == sorted.end(),
                      "{}: a dimension is given twice", op);
  return Shape(sorted);
}

Dims all_dims(const Tensor& x) {
  Dims dims(x.rank());
  for (int i = 0; i < x.rank(); ++i) dims[i] = i;
  return dims;
}

/// Runs f on x with `dim` moved to the last place, and moves it back.
template <class F>
Tensor over_last(std::string_view op, const Tensor& x, int dim, F&& f) {
  const int d = normalize_dim(op, dim, x.rank());
  if (d == x.rank() - 1) return f(x);
  return transpose(f(transpose(x, d, -1)), d, -1);
}

}  // namespace

Tensor operator+(const Tensor& a, const Tensor& b) { return run_op1(op::Add{}, {a, b}); }
Tensor operator-(const Tensor& a, const Tensor& b) { return run_op1(op::Sub{}, {a, b}); }
Tensor operator*(const Tensor& a, const Tensor& b) { return run_op1(op::Mul{}, {a, b}); }
Tensor operator/(const Tensor& a, const Tensor& b) { return run_op1(op::Div{}, {a, b}); }
Tensor operator+(const Tensor& x, double c) { return run_op1(op::Affine{1, c}, {x}); }
Tensor operator-(const Tensor& x, double c) { return run_op1(op::Affine{1, -c}, {x}); }
Tensor operator*(const Tensor& x, double c) { return run_op1(op::Affine{c, 0}, {x}); }
Tensor operator/(const Tensor& x, double c) { return run_op1(op::Affine{1 / c, 0}, {x}); }
Tensor operator+(double c, const Tensor& x) { return x + c; }
Tensor operator-(double c, const Tensor& x) { return run_op1(op::Affine{-1, c}, {x}); }
Tensor operator*(double c, const Tensor& x) { return x * c; }
Tensor operator/(double c, const Tensor& x) { return pow(x, -1) * c; }
Tensor operator-(const Tensor& x) { return run_op1(op::Affine{-1, 0}, {x}); }
Tensor maximum(const Tensor& a, const Tensor& b) { return run_op1(op::Maximum{}, {a, b}); }
Tensor minimum(const Tensor& a, const Tensor& b) { return run_op1(op::Minimum{}, {a, b}); }

Tensor equal(const Tensor& a, const Tensor& b) { return run_op1(op::Equal{}, {a, b}); }
Tensor less(const Tensor& a, const Tensor& b) { return run_op1(op::Less{}, {a, b}); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return run_op1(op::LessEqual{}, {a, b}); }
Tensor greater(const Tensor& a, const Tensor& b) { return less(b, a); }
Tensor greater_equal(const Tensor& a, const Tensor& b) { return less_equal(b, a); }
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return run_op1(op::Where{}, {condition, a, b});
}

Tensor abs(const Tensor& x) { return run_op1(op::Abs{}, {x}); }
Tensor exp(const Tensor& x) { return run_op1(op::Exp{}, {x}); }
Tensor log(const Tensor& x) { return run_op1(op::Log{}, {x}); }
Tensor sqrt(const Tensor& x) { return run_op1(op::Sqrt{}, {x}); }
Tensor tanh(const Tensor& x) { return run_op1(op::Tanh{}, {x}); }
Tensor sigmoid(const Tensor& x) { return run_op1(op::Sigmoid{}, {x}); }
Tensor relu(const Tensor& x) { return run_op1(op::Relu{}, {x}); }
Tensor leaky_relu(const Tensor& x, double slope) { return run_op1(op::LeakyRelu{slope}, {x}); }
Tensor hard_swish(const Tensor& x) { return run_op1(op::HardSwish{}, {x}); }
Tensor elu(const Tensor& x) { return run_op1(op::Elu{}, {x}); }
Tensor prelu(const Tensor& x, const Tensor& slope) { return run_op1(op::PRelu{}, {x, slope}); }
Tensor add_relu(const Tensor& a, const Tensor& b) { return run_op1(op::AddRelu{}, {a, b}); }
Tensor relu6(const Tensor& x) { return clamp(x, 0, 6); }
Tensor clamp(const Tensor& x, double low, double high) {
  require<Error>(low <= high, "clamp: low {} is above high {}", low, high);
  return run_op1(op::Clamp{low, high}, {x});
}
Tensor pow(const Tensor& x, double exponent) { return run_op1(op::Power{exponent}, {x}); }

Tensor sum(const Tensor& x) { return sum(x, all_dims(x)); }
Tensor sum(const Tensor& x, const Dims& dims, bool keep) {
  return run_op1(op::Sum{{reduced_dims("sum", x, dims), keep}}, {x});
}
Tensor mean(const Tensor& x) { return mean(x, all_dims(x)); }
Tensor mean(const Tensor& x, const Dims& dims, bool keep) {
  return run_op1(op::Mean{{reduced_dims("mean", x, dims), keep}}, {x});
}
Tensor max(const Tensor& x) { return max(x, all_dims(x)); }
Tensor max(const Tensor& x, const Dims& dims, bool keep) {
  return run_op1(op::Max{{reduced_dims("max", x, dims), keep}}, {x});
}
Tensor argmax(const Tensor& x, int dim, bool keep) {
  return run_op1(op::ArgMax{{reduced_dims("argmax", x, {dim}), keep}}, {x});
}

Tensor reshape(const Tensor& x, const Shape& shape) { return run_op1(op::Reshape{shape}, {x}); }
Tensor flatten(const Tensor& x, int first) {
  const int dim = normalize_dim("flatten", first, x.rank());
  Shape shape;
  int64_t merged = 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (i < dim)
      shape.push_back(x.shape()[i]);
    else
      merged *= x.shape()[i];
  }
  shape.push_back(merged);
  return reshape(x, shape);
}
Tensor permute(const Tensor& x, const Dims& order) {
  Shape dims;
  for (const int dim : order) dims.push_back(normalize_dim("permute", dim, x.rank()));
  return run_op1(op::Permute{dims}, {x});
}
Tensor transpose(const Tensor& x, int a, int b) {
  Dims order = all_dims(x);
  std::swap(order[normalize_dim("transpose", a, x.rank())],
            order[normalize_dim("transpose", b, x.rank())]);
  return permute(x, order);
}
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t stop, int64_t step) {
  require<ShapeError>(step > 0, "slice: step {}, expected a positive one", step);
  const int d = normalize_dim("slice", dim, x.rank());
  const int64_t size = x.shape()[d];
  const auto to_range = [&](int64_t index) {
    return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size);
  };
  start = to_range(start);
  stop = std::max(start, to_range(stop));
  return run_op1(op::Slice{d, start, stop, step}, {x});
}
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim) {
  const int d = normalize_dim("split", dim, x.rank());
  int64_t sum = 0;
  for (const int64_t size : sizes) {
    require<ShapeError>(size >= 0, "split: a part of size {}", size);
    sum += size;
  }
  require<ShapeError>(sum == x.shape()[d], "split: parts of {} in all, dimension {} of {} has {}",
                      sum, d, x.shape(), x.shape()[d]);
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const int64_t size : sizes) {
    parts.push_back(slice(x, d, start, start + size));
    start += size;
  }
  return parts;
}
Tensor select(const Tensor& x, int dim, int64_t index) {
  const int d = normalize_dim("select", dim, x.rank());
  const int64_t size = x.shape()[d], at = index < 0 ? index + size : index;
  require<ShapeError>(at >= 0 && at < size, "select: index {} of dimension {} of {}", index, d,
                      x.shape());
  return squeeze(slice(x, d, at, at + 1), d);
}
Tensor expand(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : run_op1(op::Expand{shape}, {x});
}
Tensor unsqueeze(const Tensor& x, int dim) {
  const int at = normalize_dim("unsqueeze", dim, x.rank() + 1);
  Shape shape;
  for (int i = 0; i <= x.rank(); ++i) {
    if (i == at) shape.push_back(1);
    if (i < x.rank()) shape.push_back(x.shape()[i]);
  }
  return reshape(x, shape);
}
Tensor squeeze(const Tensor& x, int dim) {
  const int at = normalize_dim("squeeze", dim, x.rank());
  require<ShapeError>(x.shape()[at] == 1, "squeeze: dimension {} of {} is not 1", at, x.shape());
  Shape shape;
  for (int i = 0; i < x.rank(); ++i)
    if (i != at) shape.push_back(x.shape()[i]);
  return reshape(x, shape);
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : run_op1(op::Copy{}, {x}); }
Tensor concat(const std::vector<Tensor>& parts, int dim) {
  require<ShapeError>(!parts.empty(), "concat: no tensors");
  return run_op(op::Concat{normalize_dim("concat", dim, parts[0].rank())}, parts)[0];
}
Tensor stack(const std::vector<Tensor>& parts, int dim) {
  std::vector<Tensor> rows;
  for (const Tensor& part : parts) rows.push_back(unsqueeze(part, dim));
  return concat(rows, dim);
}
Tensor pad(const Tensor& x, const Shape& before, const Shape& after, double value) {
  return run_op1(op::Pad{before, after, value}, {x});
}
Tensor gather(const Tensor& x, int dim, const Tensor& index) {
  return run_op1(op::Gather{normalize_dim("gather", dim, x.rank())}, {x, index});
}
Tensor index_select(const Tensor& x, int dim, const Tensor& index) {
  const int d = normalize_dim("index_select", dim, x.rank());
  require<ShapeError>(index.rank() == 1, "index_select: index {}, expected one dimension",
                      index.shape());
  Shape column = Shape::filled(x.rank(), 1), full = x.shape();
  column[d] = full[d] = index.shape()[0];
  return gather(x, d, expand(reshape(index, column), full));
}

Tensor matmul(const Tensor& a, const Tensor& b) { return run_op1(op::MatMul{}, {a, b}); }
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return bias.defined() ? run_op1(op::Linear{}, {x, weight, bias})
                        : run_op1(op::Linear{}, {x, weight});
}
Tensor conv2d(const Tensor& images, const Tensor& weight, const Tensor& bias,
              const op::Conv2d& options) {
  return bias.defined() ? run_op1(options, {images, weight, bias})
                        : run_op1(options, {images, weight});
}
Tensor linear_relu(const Tensor& x, const Tensor& weight, const Tensor& bias, double high) {
  std::vector<Tensor> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return run_op(op::FusedLinear{bias.defined(), 0, high}, inputs)[0];
}
Tensor conv2d_relu(const Tensor& images, const Tensor& weight, const Tensor& bias,
                   const op::Conv2d& options, const Tensor& addend, double high) {
  std::vector<Tensor> inputs = {images, weight};
  for (const Tensor& optional : {bias, addend})
    if (optional.defined()) inputs.push_back(optional);
  return run_op(op::FusedConv2d{options, bias.defined(), addend.defined(), 0, high}, inputs)[0];
}

Tensor max_pool2d(const Tensor& images, const op::PoolWindow& window) {
  return run_op1(op::MaxPool2d{window}, {images});
}
Tensor avg_pool2d(const Tensor& images, const op::PoolWindow& window) {
  return run_op1(op::AvgPool2d{window}, {images});
}
namespace {

op::PoolWindow whole_image(std::string_view op, const Tensor& images) {
  require<ShapeError>(images.rank() == 4, "{}: input {}, expected (n, h, w, c)", op,
                      images.shape());
  const Hw size(images.dim(1), images.dim(2));
  return {.kernel = size, .stride = size};
}

}  // namespace
Tensor global_max_pool2d(const Tensor& images) {
  return max_pool2d(images, whole_image("global_max_pool2d", images));
}
Tensor global_avg_pool2d(const Tensor& images) {
  return avg_pool2d(images, whole_image("global_avg_pool2d", images));
}

Tensor resize_nearest(const Tensor& images, const op::ResizeNearest& options) {
  return run_op1(options, {images});
}

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                  const Tensor& variance, double eps) {
  return run_op1(op::BatchNorm{eps}, {x, gamma, beta, mean, variance});
}
BatchNormResult batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                 double eps) {
  const Tensor inputs[] = {x, gamma, beta};
  const auto results = run_op(op::BatchNormTrain{eps}, inputs);
  return {results[0], results[1], results[2]};
}
BatchNormResult batch_norm_relu(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                const Tensor& skip, double eps) {
  const Tensor inputs[] = {x, gamma, beta, skip};
  const auto results =
      run_op(op::BatchNormRelu{eps}, Inputs(inputs, skip.defined() ? size_t{4} : size_t{3}));
  return {results[0], results[1], results[2]};
}
BatchNormResult batch_norm_relu_pool(const Tensor& images, const Tensor& gamma, const Tensor& beta,
                                     int64_t pool, double eps) {
  const Tensor inputs[] = {images, gamma, beta};
  const auto results = run_op(op::BatchNormReluPool{eps, pool}, inputs);
  return {results[0], results[1], results[2]};
}

LstmResult lstm(const Tensor& x, const Tensor& weight, const Tensor& recurrent, const Tensor& bias,
                const Tensor& hidden, const Tensor& cell, const op::Lstm& options) {
  const Tensor inputs[] = {x, weight, recurrent, bias, hidden, cell};
  const auto results = run_op(options, inputs);
  return {results[0], results[1], results[2]};
}

Tensor softmax(const Tensor& x, int dim) {
  return over_last("softmax", x, dim, [](const Tensor& t) { return run_op1(op::Softmax{}, {t}); });
}
Tensor log_softmax(const Tensor& x, int dim) {
  return over_last("log_softmax", x, dim,
                   [](const Tensor& t) { return run_op1(op::LogSoftmax{}, {t}); });
}

Tensor dropout(const Tensor& x, double p) {
  require<Error>(p >= 0 && p < 1, "dropout: probability {}, expected [0, 1)", p);
  const Rng rng = reserve_random(static_cast<uint64_t>(x.numel()));
  return run_op1(op::Dropout{p, {rng.seed(), rng.stream(), rng.position() / 4}}, {x});
}

Tensor one_hot(const Tensor& labels, int64_t classes) {
  require<ShapeError>(labels.rank() == 1, "one_hot: labels {}, expected one dimension",
                      labels.shape());
  const Tensor columns =
      arange(0, static_cast<double>(classes), 1, {labels.dtype(), labels.device()});
  Tensor known = unsqueeze(labels, 1);
  if (labels.device() == Device::cpu())
    require<ShapeError>(labels.numel() == 0 || (max(labels).item<int64_t>() < classes &&
                                                -max(-labels).item<int64_t>() >= 0),
                        "one_hot: a label is outside [0, {})", classes);
  else  // the column with the label's number: a look-up is checked on the device, without waiting
    known = gather(expand(columns, {labels.dim(0), classes}), 1, known);
  return equal(known, columns).to(DType::float32);
}

std::vector<Tensor> custom(std::shared_ptr<const CustomOp> op, const std::vector<Tensor>& inputs) {
  require<Error>(op != nullptr, "custom: no op");
  return run_op(op::Custom{std::move(op)}, inputs);
}

}  // namespace tuco

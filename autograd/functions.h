// The functions that users call: everything that computes on tensors. All of them are recorded for
// backward where an input requires a gradient, broadcast as NumPy does where they take two tensors,
// and throw ShapeError, DTypeError or DeviceError naming the function when the inputs do not fit.
// Dimensions may be negative, counted from the back.
#pragma once
#include <limits>
#include <optional>
#include <vector>

#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/lstm.h"
#include "tuco/core/ops/pool2d.h"
#include "tuco/core/ops/resize.h"
#include "tuco/core/tensor.h"

namespace tuco {

class CustomOp;

// Point-wise arithmetic of floating-point (and integer, but for division) tensors of one type.
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& x, double c);
Tensor operator-(const Tensor& x, double c);
Tensor operator*(const Tensor& x, double c);
Tensor operator/(const Tensor& x, double c);
Tensor operator+(double c, const Tensor& x);
Tensor operator-(double c, const Tensor& x);
Tensor operator*(double c, const Tensor& x);
Tensor operator/(double c, const Tensor& x);
Tensor operator-(const Tensor& x);
/// The larger or smaller of each pair, NaN if either is; equal ones share the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

// Comparisons of tensors of one type, or with a number; the result is bool.
Tensor equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);
/// a where `condition` (bool) holds, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

// Point-wise functions of floating-point tensors; abs, clamp and relu take int32 and int64 too.
Tensor abs(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
/// x from 0 on, slope * x below.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// x * relu6(x + 3) / 6 (Howard et al., arXiv:1905.02244).
Tensor hard_swish(const Tensor& x);
/// x from 0 on, exp(x) - 1 below (Clevert et al., arXiv:1511.07289).
Tensor elu(const Tensor& x);
/// x from 0 on, slope * x below, where `slope` broadcasts with x: (channels,) for a slope of each
/// channel (He et al., arXiv:1502.01852).
Tensor prelu(const Tensor& x, const Tensor& slope);
/// relu(a + b), in one pass.
Tensor add_relu(const Tensor& a, const Tensor& b);
/// min(max(x, 0), 6).
Tensor relu6(const Tensor& x);
/// min(max(x, low), high); the gradient passes strictly between.
Tensor clamp(const Tensor& x, double low, double high);
/// x to the power of `exponent`.
Tensor pow(const Tensor& x, double exponent);

// Reductions over all dimensions, or over those given; `keep` leaves them as size 1.
using Dims = std::vector<int>;
Tensor sum(const Tensor& x);
Tensor sum(const Tensor& x, const Dims& dims, bool keep = false);
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, const Dims& dims, bool keep = false);
/// The largest value, NaN if there is one; equal ones share the gradient.
Tensor max(const Tensor& x);
Tensor max(const Tensor& x, const Dims& dims, bool keep = false);
/// Index (int64) of the first largest value along `dim`.
Tensor argmax(const Tensor& x, int dim, bool keep = false);

// Views: no copies, unless strides leave a reshape no other way.
/// Another shape for the same elements; one size may be -1.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Merges dimensions `first` to the last into one.
Tensor flatten(const Tensor& x, int first = 1);
/// Dimension i of the result is dimension order[i] of x.
Tensor permute(const Tensor& x, const Dims& order);
/// Exchanges two dimensions.
Tensor transpose(const Tensor& x, int a = -2, int b = -1);
/// Indices start, start + step, ... before `stop` of dimension `dim`; negative ones count from the
/// end, and the range is cut to the tensor, as in Python. step > 0.
Tensor slice(const Tensor& x, int dim, int64_t start, int64_t stop, int64_t step = 1);
/// The parts of x along `dim` of the sizes given, which must add up to its size.
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int dim = 0);
/// Index `index` of dimension `dim`, which disappears.
Tensor select(const Tensor& x, int dim, int64_t index);
/// Broadcast to `shape`.
Tensor expand(const Tensor& x, const Shape& shape);
/// Inserts or drops a dimension of size 1.
Tensor unsqueeze(const Tensor& x, int dim);
Tensor squeeze(const Tensor& x, int dim);

// Moves.
/// A dense tensor with the same values; itself if it is dense.
Tensor contiguous(const Tensor& x);
/// Joins tensors of one type along `dim`.
Tensor concat(const std::vector<Tensor>& parts, int dim = 0);
/// Joins tensors of one shape along a new dimension `dim`.
Tensor stack(const std::vector<Tensor>& parts, int dim = 0);
/// Surrounds x with `value`: before[i] and after[i] elements along dimension i.
Tensor pad(const Tensor& x, const Shape& before, const Shape& after, double value = 0);
/// x at `index` (int64, of x's rank) along `dim`, as NumPy's take_along_axis.
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// The slices of x along `dim` that `index` (int64, one-dimensional) names, as NumPy's take.
Tensor index_select(const Tensor& x, int dim, const Tensor& index);

// Products.
/// (..., m, k) times (..., k, n); leading dimensions broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);
/// x (..., in) times weight (out, in) transposed, plus bias (out,) if it is defined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
/// Images (n, h, w, in) convolved with weight (out, kh, kw, in / groups), plus bias (out,).
Tensor conv2d(const Tensor& images, const Tensor& weight, const Tensor& bias = {},
              const op::Conv2d& options = {});
/// relu(linear(x, weight, bias)) in one pass, cut at `high` (6: ReLU6).
Tensor linear_relu(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                   double high = std::numeric_limits<double>::infinity());
/// relu(conv2d(images, weight, bias, options) + addend) in one pass, cut at `high`; bias and
/// addend, of the result's shape, may be undefined.
Tensor conv2d_relu(const Tensor& images, const Tensor& weight, const Tensor& bias = {},
                   const op::Conv2d& options = {}, const Tensor& addend = {},
                   double high = std::numeric_limits<double>::infinity());

// Pooling of images (n, h, w, c).
Tensor max_pool2d(const Tensor& images, const op::PoolWindow& window);
Tensor avg_pool2d(const Tensor& images, const op::PoolWindow& window);
/// Over the whole image: (n, 1, 1, c).
Tensor global_max_pool2d(const Tensor& images);
Tensor global_avg_pool2d(const Tensor& images);

/// Images (n, h, w, c) resized by the nearest pixel.
Tensor resize_nearest(const Tensor& images, const op::ResizeNearest& options);

// Normalisation over all but the last dimension.
/// With given statistics (c,): (x - mean) / sqrt(variance + eps) * gamma + beta.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                  const Tensor& variance, double eps = 1e-5);
/// The result of a batch norm in training, with the batch's mean and biased variance (c,).
struct BatchNormResult {
  Tensor y, mean, variance;
};
BatchNormResult batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                 double eps = 1e-5);
/// The same followed by ReLU in one pass, `skip` (of x's shape) added before it if it is defined.
BatchNormResult batch_norm_relu(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                const Tensor& skip = {}, double eps = 1e-5);
/// The same followed by ReLU and max pooling with window and stride `pool`, 2 to 15, in one pass.
BatchNormResult batch_norm_relu_pool(const Tensor& images, const Tensor& gamma, const Tensor& beta,
                                     int64_t pool = 2, double eps = 1e-5);

/// The hidden states of an LSTM at all steps (n, t, u), and the last hidden and cell (n, u).
struct LstmResult {
  Tensor y, hidden, cell;
};
/// Sequences x (n, t, c) through a long short-term memory of u units (core/ops/lstm.h): weight
/// (4u, c), recurrent (4u, u) and bias (4u,), with the gates in the order input, forget, cell,
/// output, and the states to begin with, (n, u) or (1, u) for all. `options` may clip the cells.
LstmResult lstm(const Tensor& x, const Tensor& weight, const Tensor& recurrent, const Tensor& bias,
                const Tensor& hidden, const Tensor& cell, const op::Lstm& options = {});

// Over dimension `dim`.
Tensor softmax(const Tensor& x, int dim = -1);
Tensor log_softmax(const Tensor& x, int dim = -1);

/// Zeroes elements with probability p in [0, 1) and divides the others by 1 - p, from the program's
/// generator.
Tensor dropout(const Tensor& x, double p);

/// Rows of `classes` float32 numbers, 1 at the label: (n,) int64 becomes (n, classes). Throws
/// ShapeError if a label is out of range; a device other than the CPU says so when it is next waited
/// for.
Tensor one_hot(const Tensor& labels, int64_t classes);

/// Runs a user's op.
std::vector<Tensor> custom(std::shared_ptr<const CustomOp> op, const std::vector<Tensor>& inputs);

}  // namespace tuco

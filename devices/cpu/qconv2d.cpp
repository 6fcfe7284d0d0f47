// Convolution and linear layers on int8: constants checked and packed, once by `prepare` or for
// each run, and handed to the kernels of qproduct.h.
#include <optional>

#include "tuco/core/error.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/qproduct.h"

namespace tuco::cpu {

QScale scale_of(const Multiplier& m, int32_t zero_point, QForm form) {
  // With x = (sum * value + 2^30) >> 31 and half a unit and the zero point in `half`, the result is
  // (x + half) >> right, one less in the sum for negative x; nested floors are one. A negative sum
  // whose x is 0 gives 0 either way.
  const int32_t right = -m.shift;
  const int64_t half = (1 << (right - 1)) + zero_point * (1 << right);
  const int64_t nudge = (int64_t{1} << 30) + half * (int64_t{1} << 31);
  if (form == QForm::ties_up) return {right - 1, nudge};
  return {right, 2 * nudge};
}

namespace {

/// The largest sum, positive or negative, that a channel can have.
int64_t largest_sum(const QProduct& p, int64_t channel) {
  const int64_t each = p.depth * p.taps();
  int64_t sum = std::abs(int64_t{p.bias[channel]});
  for (int64_t k = 0; k < each; ++k) sum += 255 * std::abs(int64_t{p.weight[channel * each + k]});
  return sum;
}

}  // namespace

void allocate(QPacked& packed) {
  const auto zeros = [](size_t size) {
    AlignedBytes bytes(size);
    std::memset(bytes.as<std::byte>(), 0, size + 64);
    return bytes;
  };
  const auto lanes = static_cast<size_t>(packed.count * packed.width);
  packed.weights = zeros(packed.weight_bytes * static_cast<size_t>(packed.count));
  packed.lanes = zeros(lanes * kQArrays * sizeof(int32_t));
  packed.nudges = zeros(lanes * sizeof(int64_t));
  for (int64_t i = 0; i < packed.count; ++i) {
    const int64_t width = packed.width;
    const int32_t* first = packed.lanes.as<int32_t>() + i * kQArrays * width;
    packed.constants.push_back({first, first + width, first + 2 * width, first + 3 * width,
                                packed.nudges.as<int64_t>() + i * width, width / 2,
                                packed.product.requantize, packed.form});
  }
}

void set_lane(const QProduct& p, int64_t channel, int32_t correction, QPacked& packed,
              int64_t block, int64_t lane) {
  const int64_t each = p.depth * p.taps();
  int32_t weights = 0;
  for (int64_t k = 0; k < each; ++k) weights += p.weight[channel * each + k];
  int32_t* at = packed.lanes.as<int32_t>() + block * kQArrays * packed.width + lane;
  const auto set = [&](int array, int32_t value) { at[array * packed.width] = value; };
  const Multiplier m{p.multipliers[2 * channel], p.multipliers[2 * channel + 1]};
  set(0, static_cast<int32_t>(static_cast<uint32_t>(p.bias[channel]) +
                              static_cast<uint32_t>(weights) * static_cast<uint32_t>(correction)));
  set(1, m.value);
  set(2, m.shift);
  if (packed.form == QForm::general) return;
  const QScale scale = scale_of(m, p.requantize.zero_point, packed.form);
  set(3, scale.right);
  packed.nudges.as<int64_t>()[block * packed.width + lane % 2 * (packed.width / 2) + lane / 2] =
      scale.nudge;
}

QPacked pack(const QProduct& product) {
  std::vector<int32_t> multipliers(product.multipliers, product.multipliers + 2 * product.out);
  bool is_short = product.requantize.rounding == Rounding::kDouble;
  for (int64_t o = 0; o < product.out; ++o) {
    int32_t &value = multipliers[2 * o], &shift = multipliers[2 * o + 1];
    require<Error>(value >= 0 && shift >= -31 && shift <= 30,
                   "a multiplier of value {} and shift {}", value, shift);
    const int64_t largest = largest_sum(product, o);
    if (largest == 0 || value == 0) value = 0, shift = -1;  // always a real zero
    is_short = is_short && shift >= -22 && shift <= -1 && largest < 1 << 30;
  }
  QPacked packed;
  packed.isa = active_isa();
  packed.product = product;
  packed.product.multipliers = multipliers.data();
  packed.form = is_short ? short_form(product.requantize) : QForm::general;
  if (is_short && product.add && !product.depthwise()) packed.fused = linear_add(*product.add);
  if (packed.fused) packed.form = QForm::ties_away;  // right for all
  (product.depthwise() ? pack_depthwise : pack_panels)(QProduct(packed.product), packed);
  packed.product.weight = nullptr;
  packed.product.bias = packed.product.multipliers = nullptr;
  return packed;
}

void qconvolve(const WindowGeometry& g, const QPacked& packed, const int8_t* x, const int8_t* added,
               int8_t* y) {
  require<Error>(packed.isa == active_isa(), "weights packed for {} on {}", isa_name(packed.isa),
                 isa_name(active_isa()));
  const int64_t size = g.batch * g.out_h * g.out_w * g.out_c;
  if (size == 0) return;
  if (packed.product.depthwise())
    convolve_depthwise(g, packed, x, y);
  else
    convolve_panels(g, packed, x, added, y);
  if (packed.product.add && !packed.fused) add(*packed.product.add, y, added, y, size);
}

namespace {

/// Few output channels leave lanes empty. Two neighbouring pixels are then one with twice the
/// channels, under a window that is wider by a stride; the outputs lie in memory as they did. A
/// stride of 0 says that pixels have no neighbours.
std::optional<QPacked> pack_pairs(const QProduct& p, int64_t stride) {
  const int64_t lanes = active_isa() >= Isa::avx512 ? 16 : active_isa() >= Isa::avx2 ? 8 : 0;
  if (stride == 0 || !p.joined || 2 * p.out > lanes) return {};
  QProduct pair = p;
  pair.kernel.w += stride;
  pair.out *= 2;
  const int64_t run = p.kernel.w * p.depth, pair_run = pair.kernel.w * p.depth;
  std::vector<int8_t> weight(pair.out * p.kernel.h * pair_run, 0);
  for (int64_t o = 0; o < pair.out; ++o)
    for (int64_t ky = 0; ky < p.kernel.h; ++ky)
      std::copy_n(p.weight + (o % p.out * p.kernel.h + ky) * run, run,
                  weight.data() + (o * p.kernel.h + ky) * pair_run + o / p.out * stride * p.depth);
  std::vector<int32_t> bias, multipliers;
  for (int copy = 0; copy < 2; ++copy) {
    bias.insert(bias.end(), p.bias, p.bias + p.out);
    multipliers.insert(multipliers.end(), p.multipliers, p.multipliers + 2 * p.out);
  }
  pair.weight = weight.data();
  pair.bias = bias.data();
  pair.multipliers = multipliers.data();
  return pack(pair);
}

struct PreparedProduct final : Prepared {
  PreparedProduct(const QProduct& product, int64_t stride)
      : packed(pack(product)), pairs(pack_pairs(product, stride)) {}

  /// The constants for such images; makes pairs of pixels where that is better.
  const QPacked& constants_for(WindowGeometry& g) const {
    if (!pairs || g.out_w % 2 != 0) return packed;
    g.kernel.w += g.stride.w;
    g.stride.w *= 2;
    g.out_w /= 2;
    g.out_c *= 2;
    return *pairs;
  }

  QPacked packed;
  std::optional<QPacked> pairs;
};

int64_t stride_of(const op::QConv2d& op) { return op.conv.stride.w; }
int64_t stride_of(const op::QConv2dAdd& op) { return stride_of(op.conv); }
int64_t stride_of(const op::QLinear&) { return 0; }

/// inputs[1..3] are weight, bias and multipliers.
QProduct with_constants(QProduct product, Inputs inputs) {
  product.weight = ptr<int8_t>(inputs[1]);
  product.bias = ptr<int32_t>(inputs[2]);
  product.multipliers = ptr<int32_t>(inputs[3]);
  return product;
}

QProduct product_of(const op::QConv2d& op, const Tensor& weight) {
  const int64_t groups = op.conv.groups;
  return {.kernel = {weight.dim(1), weight.dim(2)},
          .depth = weight.dim(3),
          .out = weight.dim(0),
          .groups = groups,
          .joined = groups == 1 && op.conv.dilation.w == 1,
          .in_zero_point = op.in_zero_point,
          .requantize = op.out};
}

QProduct product_of(const op::QConv2dAdd& op, const Tensor& weight) {
  QProduct product = product_of(op.conv, weight);
  product.add = op.add;
  return product;
}

QProduct product_of(const op::QLinear& op, const Tensor& weight) {
  return {.kernel = 1,
          .depth = weight.dim(1),
          .out = weight.dim(0),
          .groups = 1,
          .joined = true,
          .in_zero_point = op.in_zero_point,
          .requantize = op.out};
}

WindowGeometry geometry_of(const op::QConv2d& op, Inputs in, const Tensor&) {
  return geometry(op.conv, in[0].shape(), in[1].shape());
}
WindowGeometry geometry_of(const op::QConv2dAdd& op, Inputs in, const Tensor& out) {
  return geometry_of(op.conv, in, out);
}

/// An image of one column.
WindowGeometry geometry_of(const op::QLinear&, Inputs in, const Tensor& out) {
  WindowGeometry g;
  g.batch = g.in_w = g.out_w = 1;
  g.in_c = in[1].dim(1);
  g.out_c = in[1].dim(0);
  g.in_h = g.out_h = g.out_c ? out.numel() / g.out_c : 0;
  return g;
}

const int8_t* addend_of(Inputs in) { return in.size() > 4 ? ptr<int8_t>(in[4]) : nullptr; }

template <class Op>
void run_product(const Op& op, Inputs in, Out out, Workspace& workspace) {
  WindowGeometry g = geometry_of(op, in, out[0]);
  const int8_t *x = ptr<int8_t>(in[0]), *added = addend_of(in);
  int8_t* y = ptr<int8_t>(out[0]);
  if (const auto* prepared = static_cast<const PreparedProduct*>(workspace.prepared())) {
    const QPacked& packed = prepared->constants_for(g);
    qconvolve(g, packed, x, added, y);
  } else {
    qconvolve(g, pack(with_constants(product_of(op, in[1]), in)), x, added, y);
  }
}

/// With geometry and constants chosen once.
class BoundProduct final : public Bound {
 public:
  BoundProduct(WindowGeometry g, const PreparedProduct& prepared, Inputs in, Tensor y)
      : packed_(prepared.constants_for(g)), g_(g), in_(in.begin(), in.end()), y_(std::move(y)) {}
  void run() override {
    qconvolve(g_, packed_, ptr<int8_t>(in_[0]), addend_of(in_), ptr<int8_t>(y_));
  }

 private:
  const QPacked& packed_;
  WindowGeometry g_;
  std::vector<Tensor> in_;
  Tensor y_;
};

template <class Op>
std::unique_ptr<Bound> bind_product(const Op& op, Inputs in, std::span<const Tensor> out,
                                    const Prepared* prepared) {
  if (!prepared) return std::make_unique<BoundKernel<Op>>(op, in, out, prepared);
  return std::make_unique<BoundProduct>(geometry_of(op, in, out[0]),
                                        static_cast<const PreparedProduct&>(*prepared), in, out[0]);
}

template <class Op>
std::unique_ptr<Prepared> prepare_product(const Op& op, Inputs constants) {
  if (constants.size() < 4) return nullptr;
  std::array<Tensor, 4> inputs;
  for (size_t i = 1; i < 4; ++i) {
    if (!constants[i].defined()) return nullptr;
    inputs[i] = dense(constants[i]);
  }
  return std::make_unique<PreparedProduct>(with_constants(product_of(op, inputs[1]), inputs),
                                           stride_of(op));
}

}  // namespace

#define TUCO_PRODUCT(Op)                                                                \
  void run(const op::Op& op, Inputs in, Out out, Workspace& workspace) {                \
    run_product(op, in, out, workspace);                                                \
  }                                                                                     \
  std::unique_ptr<Bound> bind(const op::Op& op, Inputs in, std::span<const Tensor> out, \
                              const Prepared* prepared) {                               \
    return bind_product(op, in, out, prepared);                                         \
  }                                                                                     \
  std::unique_ptr<Prepared> prepare(const op::Op& op, Inputs constants) {               \
    return prepare_product(op, constants);                                              \
  }
TUCO_PRODUCT(QConv2d)
TUCO_PRODUCT(QConv2dAdd)
TUCO_PRODUCT(QLinear)
#undef TUCO_PRODUCT

}  // namespace tuco::cpu

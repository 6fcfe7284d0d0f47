// Convolution and linear layers on int8: constants checked and packed, once by `prepare` or for
// each run, and handed to the kernels of qproduct.h.
#include <optional>

#include "tuco/core/error.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/qproduct.h"

namespace tuco::cpu {

QConstants QPacked::constants(int64_t i) const {
  const int32_t* first = lanes.as<int32_t>() + i * kQArrays * width;
  return {first,
          first + width,
          first + 2 * width,
          first + 3 * width,
          first + 4 * width,
          product.requantize,
          simple};
}

namespace {

/// The multiplier and right shift of a channel in the simple form, if it has one.
struct SimpleForm {
  bool exists;
  int32_t multiplier, right;
};

SimpleForm simple_form(const QProduct& p, int64_t channel) {
  const int64_t each = p.depth * p.taps();
  int64_t bound = std::abs(int64_t{p.bias[channel]});
  for (int64_t k = 0; k < each; ++k) bound += 255 * std::abs(int64_t{p.weight[channel * each + k]});
  const int32_t value = p.multipliers[2 * channel], shift = p.multipliers[2 * channel + 1];
  if (bound == 0 || value == 0) return {true, 0, 1};  // always a real zero
  if (shift > -1 || shift < -22) return {false, 0, 0};
  return {bound + (int64_t{1} << (-shift + 8)) < INT32_MAX, value, -shift};
}

}  // namespace

void allocate(QPacked& packed) {
  const auto zeros = [](size_t size) {
    AlignedBytes bytes(size);
    std::memset(bytes.as<std::byte>(), 0, size + 64);
    return bytes;
  };
  packed.weights = zeros(packed.weight_bytes * static_cast<size_t>(packed.count));
  packed.lanes = zeros(static_cast<size_t>(packed.count * packed.width * kQArrays) * 4);
}

void set_lane(const QProduct& p, int64_t channel, int32_t correction, QPacked& packed,
              int64_t block, int64_t lane) {
  const int64_t each = p.depth * p.taps();
  int32_t weights = 0;
  for (int64_t k = 0; k < each; ++k) weights += p.weight[channel * each + k];
  int32_t* at = packed.lanes.as<int32_t>() + block * kQArrays * packed.width + lane;
  const auto set = [&](int array, int32_t value) { at[array * packed.width] = value; };
  set(0, static_cast<int32_t>(static_cast<uint32_t>(p.bias[channel]) +
                              static_cast<uint32_t>(weights) * static_cast<uint32_t>(correction)));
  set(1, p.multipliers[2 * channel]);
  set(2, p.multipliers[2 * channel + 1]);
  if (!packed.simple) return;
  const SimpleForm form = simple_form(p, channel);
  set(1, form.multiplier);
  set(3, form.right);
  set(4, (1 << (form.right - 1)) + p.requantize.zero_point * (1 << form.right));
}

QPacked pack(const QProduct& product) {
  QPacked packed;
  packed.isa = active_isa();
  packed.product = product;
  packed.simple = product.requantize.rounding == Rounding::kDouble;
  for (int64_t o = 0; o < product.out; ++o) {
    const int32_t value = product.multipliers[2 * o], shift = product.multipliers[2 * o + 1];
    require<Error>(value >= 0 && shift >= -31 && shift <= 30,
                   "a multiplier of value {} and shift {}", value, shift);
    packed.simple = packed.simple && simple_form(product, o).exists;
  }
  (product.depthwise() ? pack_depthwise : pack_panels)(product, packed);
  packed.product.weight = nullptr;
  packed.product.bias = packed.product.multipliers = nullptr;
  return packed;
}

void qconvolve(const WindowGeometry& g, const QPacked& packed, const int8_t* x, int8_t* y) {
  require<Error>(packed.isa == active_isa(), "weights packed for {} on {}", isa_name(packed.isa),
                 isa_name(active_isa()));
  if (g.batch * g.out_h * g.out_w * g.out_c == 0) return;
  (packed.product.depthwise() ? convolve_depthwise : convolve_panels)(g, packed, x, y);
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

/// An image of one column.
WindowGeometry geometry_of(const op::QLinear&, Inputs in, const Tensor& out) {
  WindowGeometry g;
  g.batch = g.in_w = g.out_w = 1;
  g.in_c = in[1].dim(1);
  g.out_c = in[1].dim(0);
  g.in_h = g.out_h = g.out_c ? out.numel() / g.out_c : 0;
  return g;
}

template <class Op>
void run_product(const Op& op, Inputs in, Out out, Workspace& workspace) {
  WindowGeometry g = geometry_of(op, in, out[0]);
  const int8_t* x = ptr<int8_t>(in[0]);
  int8_t* y = ptr<int8_t>(out[0]);
  if (const auto* prepared = static_cast<const PreparedProduct*>(workspace.prepared())) {
    const QPacked& packed = prepared->constants_for(g);
    qconvolve(g, packed, x, y);
  } else {
    qconvolve(g, pack(with_constants(product_of(op, in[1]), in)), x, y);
  }
}

/// With geometry and constants chosen once.
class BoundProduct final : public Bound {
 public:
  BoundProduct(WindowGeometry g, const PreparedProduct& prepared, Tensor x, Tensor y)
      : packed_(prepared.constants_for(g)), g_(g), x_(std::move(x)), y_(std::move(y)) {}
  void run() override { qconvolve(g_, packed_, ptr<int8_t>(x_), ptr<int8_t>(y_)); }

 private:
  const QPacked& packed_;
  WindowGeometry g_;
  Tensor x_, y_;
};

template <class Op>
std::unique_ptr<Bound> bind_product(const Op& op, Inputs in, std::span<const Tensor> out,
                                    const Prepared* prepared) {
  if (!prepared) return std::make_unique<BoundKernel<Op>>(op, in, out, prepared);
  return std::make_unique<BoundProduct>(
      geometry_of(op, in, out[0]), static_cast<const PreparedProduct&>(*prepared), in[0], out[0]);
}

template <class Op>
std::unique_ptr<Prepared> prepare_product(const Op& op, Inputs constants) {
  if (constants.size() != 4) return nullptr;
  std::array<Tensor, 4> inputs;
  for (size_t i = 1; i < 4; ++i) {
    if (!constants[i].defined()) return nullptr;
    inputs[i] = dense(constants[i]);
  }
  return std::make_unique<PreparedProduct>(with_constants(product_of(op, inputs[1]), inputs),
                                           stride_of(op));
}

}  // namespace

void run(const op::QConv2d& op, Inputs in, Out out, Workspace& workspace) {
  run_product(op, in, out, workspace);
}
void run(const op::QLinear& op, Inputs in, Out out, Workspace& workspace) {
  run_product(op, in, out, workspace);
}

std::unique_ptr<Bound> bind(const op::QConv2d& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared) {
  return bind_product(op, in, out, prepared);
}
std::unique_ptr<Bound> bind(const op::QLinear& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared) {
  return bind_product(op, in, out, prepared);
}

std::unique_ptr<Prepared> prepare(const op::QConv2d& op, Inputs constants) {
  return prepare_product(op, constants);
}
std::unique_ptr<Prepared> prepare(const op::QLinear& op, Inputs constants) {
  return prepare_product(op, constants);
}

}  // namespace tuco::cpu

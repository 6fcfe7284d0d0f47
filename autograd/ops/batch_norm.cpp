#include "tuco/core/ops/batch_norm.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

void check(std::string_view op, Metas in, size_t count) {
  require_inputs(op, in.size(), count, count);
  require_alike(op, in);
  require_floating(op, in[0].dtype);
  require<ShapeError>(in[0].shape.rank() >= 2, "{}: input {}, expected rank 2 or more", op,
                      in[0].shape);
  for (const TensorMeta& parameter : in.subspan(1))
    require<ShapeError>(parameter.shape == Shape({in[0].shape.back()}),
                        "{}: input {} wants parameters of {} channels, got {}", op, in[0].shape,
                        in[0].shape.back(), parameter.shape);
}

OutputMetas infer_with_statistics(std::string_view op, Metas in, const Shape& result) {
  check(op, in, 3);
  require<ShapeError>(in[0].shape.numel() > 0, "{}: no elements in {} to take statistics of", op,
                      in[0].shape);
  const TensorMeta statistics{{in[0].shape.back()}, in[0].dtype, in[0].device};
  return {{result, in[0].dtype, in[0].device}, statistics, statistics};
}

/// Whether the tensor's memory may become a gradient's: nobody else looks at it.
bool is_free(const Tensor& tensor) { return tensor.is_unique() && tensor.is_contiguous(); }

/// The gradients from what was kept: x, gamma, beta, mean, variance and, with a skip, y. x's memory
/// becomes its gradient's, and the memory of y's gradient that of the skip's, or else of x's.
Grads normalisation_gradients(std::string_view name, const op::BatchNormTrainGrad& op,
                              Saved&& saved, Tensor gradient) {
  std::vector<Tensor> inputs = {std::move(gradient)};
  const int kept = saved.size();
  for (int i = 0; i < kept; ++i) inputs.push_back(saved.take(name, i));
  saved.clear();
  const bool skip = kept > 5, free = is_free(inputs[0]);
  Grads results(skip ? 4 : 3);
  if (is_free(inputs[1]))
    results[0] = inputs[1];
  else if (!skip && free)
    results[0] = inputs[0];
  if (skip && free) results[3] = inputs[0];
  return compute(op, inputs, std::move(results));
}

}  // namespace

OutputMetas infer(const op::BatchNorm& op, Metas in) {
  check(op.name, in, 5);
  return {in[0]};
}
Outputs forward(const op::BatchNorm& op, Inputs in, Saved* saved) {
  if (saved)
    for (const Tensor& input : in) saved->keep(input);
  return compute(op, in);
}
Grads backward(const op::BatchNorm& op, Saved&& saved, Grads grads, const Needs& needs) {
  const Tensor x = saved.take(op.name, 0), gamma = saved.take(op.name, 1),
               mean = saved.take(op.name, 3), variance = saved.take(op.name, 4), &g = grads[0];
  const Tensor inverse = pow(variance + op.eps, -0.5);
  const Tensor scale = gamma * inverse;
  const Tensor g_sum = sum_to(g, gamma.shape());
  const Tensor centred_sum = sum_to(g * (x - mean), gamma.shape());
  Grads result(5);
  if (needs[0]) result[0] = g * scale;
  if (needs[1]) result[1] = centred_sum * inverse;
  if (needs[2]) result[2] = g_sum;
  if (needs[3]) result[3] = -(g_sum * scale);
  if (needs[4]) result[4] = centred_sum * gamma * pow(variance + op.eps, -1.5) * -0.5;
  return result;
}

OutputMetas infer(const op::BatchNormTrain& op, Metas in) {
  return infer_with_statistics(op.name, in, in.empty() ? Shape() : in[0].shape);
}
Outputs forward(const op::BatchNormTrain& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved)
    for (const Tensor& kept : {in[0], in[1], in[2], out[1], out[2]}) saved->keep(kept);
  return out;
}
Grads backward(const op::BatchNormTrain& op, Saved&& saved, Grads g, const Needs&) {
  return normalisation_gradients(op.name, {op.eps}, std::move(saved), std::move(g[0]));
}
OutputMetas infer(const op::BatchNormTrainGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 6, 7);
  OutputMetas metas = {in[1], in[2], in[2]};
  if (in.size() > 6) metas.push_back(in[0]);
  return metas;
}

OutputMetas infer(const op::BatchNormRelu& op, Metas in) {
  require_inputs(op.name, in.size(), 3, 4);
  require_alike(op.name, in);
  if (in.size() > 3)
    require<ShapeError>(in[3].shape == in[0].shape, "{}: skip {} for an input {}", op.name,
                        in[3].shape, in[0].shape);
  return infer_with_statistics(op.name, in.first(3), in[0].shape);
}
Outputs forward(const op::BatchNormRelu& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved) {
    for (const Tensor& kept : {in[0], in[1], in[2], out[1], out[2]}) saved->keep(kept);
    if (in.size() > 3) saved->keep(out[0]);
  }
  return out;
}
Grads backward(const op::BatchNormRelu& op, Saved&& saved, Grads g, const Needs&) {
  return normalisation_gradients(op.name, {op.eps, true}, std::move(saved), std::move(g[0]));
}
Outputs lower(const op::BatchNormRelu& op, Inputs in) {
  const auto [y, mean, variance] = batch_norm_train(in[0], in[1], in[2], op.eps);
  return {relu(in.size() > 3 ? y + in[3] : y), mean, variance};
}

OutputMetas infer(const op::BatchNormReluPool& op, Metas in) {
  require_inputs(op.name, in.size(), 3, 3);
  require<ShapeError>(in[0].shape.rank() == 4, "{}: input {}, expected (n, h, w, c)", op.name,
                      in[0].shape);
  require<ShapeError>(op.pool >= 2 && op.pool <= 15, "{}: pooling window of {}, expected 2 to 15",
                      op.name, op.pool);
  const Shape& s = in[0].shape;
  require<ShapeError>(s[1] >= op.pool && s[2] >= op.pool, "{}: pooling window of {} in images {}",
                      op.name, op.pool, s);
  auto metas = infer_with_statistics(op.name, in, {s[0], s[1] / op.pool, s[2] / op.pool, s[3]});
  metas.push_back({metas[0].shape, DType::uint8, in[0].device});
  return metas;
}
Outputs forward(const op::BatchNormReluPool& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved)
    for (const Tensor& kept : {in[0], in[1], in[2], out[1], out[2], out[0], out[3]})
      saved->keep(kept);
  return out;
}
Grads backward(const op::BatchNormReluPool& op, Saved&& saved, Grads g, const Needs&) {
  std::vector<Tensor> inputs = {g[0]};
  for (int i = 0; i < 7; ++i) inputs.push_back(saved.take(op.name, i));
  saved.clear();
  Grads results(3);
  if (is_free(inputs[1])) results[0] = inputs[1];
  return compute(op::BatchNormReluPoolGrad{op.eps, op.pool}, inputs, std::move(results));
}
OutputMetas infer(const op::BatchNormReluPoolGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 8, 8);
  return {in[1], in[2], in[2]};
}
Outputs lower(const op::BatchNormReluPool& op, Inputs in) {
  const auto [y, mean, variance] = batch_norm_train(in[0], in[1], in[2], op.eps);
  return {max_pool2d(relu(y), {.kernel = op.pool, .stride = op.pool}), mean, variance, Tensor()};
}

}  // namespace tuco

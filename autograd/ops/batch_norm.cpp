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
    for (const Tensor& kept : {in[0], in[1], out[1], out[2]}) saved->keep(kept);
  return out;
}
Grads backward(const op::BatchNormTrain& op, Saved&& saved, Grads g, const Needs&) {
  return compute(op::BatchNormTrainGrad{op.eps},
                 std::array{g[0], saved.take(op.name, 0), saved.take(op.name, 1),
                            saved.take(op.name, 2), saved.take(op.name, 3)});
}
OutputMetas infer(const op::BatchNormTrainGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 5, 5);
  return {in[1], in[2], in[2]};
}

OutputMetas infer(const op::BatchNormReluPool& op, Metas in) {
  require_inputs(op.name, in.size(), 3, 3);
  require<ShapeError>(in[0].shape.rank() == 4, "{}: input {}, expected (n, h, w, c)", op.name,
                      in[0].shape);
  require<ShapeError>(op.pool >= 1 && op.pool <= 15, "{}: pooling window of {}, expected 1 to 15",
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
  // The images' memory becomes their gradient's where nobody else looks at it.
  saved.clear();
  const op::BatchNormReluPoolGrad grad{op.eps, op.pool};
  if (!inputs[1].is_unique() || !inputs[1].is_contiguous()) return compute(grad, inputs);
  const TensorMeta parameter = inputs[2].meta();
  Grads result = {inputs[1], empty(parameter), empty(parameter)};
  Workspace workspace;
  backend(inputs[1].device()).run(grad, inputs, result, workspace);
  return result;
}
OutputMetas infer(const op::BatchNormReluPoolGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 8, 8);
  return {in[1], in[2], in[2]};
}
Outputs lower(const op::BatchNormReluPool& op, Inputs in) {
  const auto [y, mean, variance] = batch_norm_train(in[0], in[1], in[2], op.eps);
  const Tensor rectified = relu(y);
  return {op.pool == 1 ? rectified : max_pool2d(rectified, {.kernel = op.pool, .stride = op.pool}),
          mean, variance, Tensor()};
}

}  // namespace tuco

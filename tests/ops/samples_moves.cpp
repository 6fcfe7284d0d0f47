// Samples of the ops that move elements, look at them in another way, or draw lots; and a user's op.
#include "tests/ops/samples.h"
#include "tuco/autograd/functions.h"

namespace tuco::test {

Samples samples(Tag<op::Where>) {
  return {{op::Where{}, {coins({3, 4}, 1), spread({3, 4}, 2), spread({3, 4}, 3)}, {0, 1, 2}},
          {op::Where{}, {coins({3, 1}, 4), spread({2, 1, 5}, 2), spread({}, 3)}, {1}},
          {op::Where{}, {coins({}, 5), spread({2, 3}, 2), spread({3}, 3)}, {1}}};
}

Samples samples(Tag<op::Cast>) {
  // Multiples of 1/16, and a step that float32 takes exactly: the step to float32 has a gradient.
  const Tensor coarse = arange(-2, 2, 0.0625, {DType::float64});
  return {{op::Cast{DType::float32}, {reshape(coarse, {4, 16})}, {0}, 0x1p-10},
          {op::Cast{DType::float64}, {spread({3, 5}, 1)}, {0}},
          {op::Cast{DType::int8}, {spread({3, 5}, 1, -200, 200)}, {0}},
          {op::Cast{DType::bool_}, {from_values<double>({0, 1, -0.0, 0.5}, {4})}, {0}},
          {op::Cast{DType::float64}, {from_values<int32_t>({0, 1, -7}, {3})}, {0}}};
}

Samples samples(Tag<op::Copy>) {
  return {{op::Copy{}, {spread({3, 4, 5}, 1)}, {0}},
          {op::Copy{}, {spread({}, 1)}},
          {op::Copy{}, {coins({5, 2}, 1)}, {0}}};
}

Samples samples(Tag<op::ToDevice>) {
  return {{op::ToDevice{Device::cpu()}, {spread({3, 4}, 1)}, {0}}};
}

Samples samples(Tag<op::Concat>) {
  return {{op::Concat{0}, {spread({2, 3}, 1), spread({1, 3}, 2), spread({4, 3}, 3)}, {0, 2}},
          {op::Concat{1}, {spread({2, 3, 2}, 1), spread({2, 1, 2}, 2)}, {0, 1}},
          {op::Concat{2}, {spread({2, 1, 3}, 1), spread({2, 1, 0}, 2), spread({2, 1, 1}, 3)}},
          {op::Concat{0}, {spread({5}, 1)}, {0}}};
}

Samples samples(Tag<op::Pad>) {
  return {{op::Pad{{0, 1, 2}, {0, 2, 0}, -1.5}, {spread({2, 3, 2}, 1)}, {0}},
          {op::Pad{{3}, {0}, 0}, {spread({4}, 1)}, {0}},
          {op::Pad{{}, {}, 7}, {spread({}, 1)}}};
}

namespace {

Tensor indices(const Shape& shape, int64_t size) {
  std::vector<int64_t> values(shape.numel());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int64_t>((i * 7 + i / 3) % static_cast<size_t>(size));
  return from_values(values, shape);
}

}  // namespace

Samples samples(Tag<op::Gather>) {
  return {{op::Gather{1}, {spread({3, 5}, 1), indices({3, 4}, 5)}, {0, 1}},
          {op::Gather{0}, {spread({3, 2, 2}, 1), indices({7, 2, 2}, 3)}},
          {op::Gather{2}, {spread({2, 3, 4}, 1), indices({2, 3, 1}, 4)}, {0, 1}}};
}

Samples samples(Tag<op::GatherGrad>) {
  return {{op::GatherGrad{1, 5}, {spread({3, 4}, 1), indices({3, 4}, 5)}, {0, 1}},
          {op::GatherGrad{0, 3}, {spread({7, 2, 2}, 1), indices({7, 2, 2}, 3)}}};
}

Samples samples(Tag<op::Slice>) {
  return {{op::Slice{1, 1, 5, 3}, {spread({2, 6, 3}, 1)}, {0}},
          {op::Slice{0, 2, 2, 1}, {spread({4, 2}, 1)}},
          {op::Slice{2, 0, 3, 1}, {spread({2, 2, 3}, 1)}, {0}}};
}

Samples samples(Tag<op::Permute>) {
  return {{op::Permute{{2, 0, 1}}, {spread({2, 3, 4}, 1)}, {0}},
          {op::Permute{{1, 0}}, {spread({3, 2}, 1)}, {0}},
          {op::Permute{{}}, {spread({}, 1)}}};
}

Samples samples(Tag<op::Reshape>) {
  return {{op::Reshape{{3, -1}}, {spread({2, 3, 4}, 1)}},
          {op::Reshape{{-1, 2, 1, 2}}, {spread({3, 4}, 1)}, {0}},
          {op::Reshape{{}}, {spread({1, 1}, 1)}}};
}

Samples samples(Tag<op::Expand>) {
  return {{op::Expand{{2, 3, 4}}, {spread({3, 1}, 1)}},
          {op::Expand{{2, 2}}, {spread({}, 1)}},
          {op::Expand{{3, 5}}, {spread({3, 5}, 1)}}};
}

Samples samples(Tag<op::Dropout>) {
  return {{op::Dropout{0.4, {5, 0, 3}}, {spread({5, 7}, 1)}, {0}},
          {op::Dropout{0, {5, 0, 0}}, {spread({3, 3}, 1)}, {0}}};
}

namespace {

/// (a * b, a + b): two outputs, and a gradient that keeps both inputs.
struct ProductAndSum final : CustomOp {
  std::string name() const override { return "product_and_sum"; }
  std::vector<TensorMeta> infer(std::span<const TensorMeta> in) const override {
    return {in[0], in[0]};
  }
  std::vector<Tensor> forward(std::span<const Tensor> in,
                              std::vector<Tensor>& saved) const override {
    saved = {in[0], in[1]};
    return {in[0] * in[1], in[0] + in[1]};
  }
  std::vector<Tensor> backward(std::span<const Tensor> saved,
                               std::span<const Tensor> g) const override {
    return {g[0] * saved[1] + g[1], g[0] * saved[0] + g[1]};
  }
};

}  // namespace

Samples samples(Tag<op::Custom>) {
  return {{op::Custom{std::make_shared<ProductAndSum>()},
           {spread({3, 4}, 1), spread({3, 4}, 2)},
           {0, 1}}};
}

}  // namespace tuco::test

// How descriptors are checked: a part of two programs, on the stand-in and, where it is installed,
// on the real cuDNN, which needs no device for it. So the two agree.
#include <cudnn.h>

#include "cudnn_builder.h"

namespace standin::test {
namespace {

TEST(CudnnDescriptors, AreChecked) {
  constexpr auto bad = CUDNN_STATUS_BAD_PARAM;
  Described t(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  EXPECT_EQ(t.try_finalize(), bad);
  EXPECT_EQ(t.try_set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_FLOAT, Dims{1}),
            CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  EXPECT_EQ(t.try_set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_INT64, Dims{1}), bad);
  EXPECT_EQ(
      cudnnBackendSetAttribute(t.get(), CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, nullptr),
      bad);
  EXPECT_EQ(cudnnBackendDestroyDescriptor(nullptr), CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  std::int64_t got = 0, values[8];
  EXPECT_EQ(cudnnBackendGetAttribute(t.get(), CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 8,
                                     &got, values),
            CUDNN_STATUS_NOT_INITIALIZED);
  const auto tensor_with = [&](cudnnBackendAttributeName_t name, const Dims& v) {
    return unfinished_tensor(1, {1, 2, 3, 4}, CUDNN_DATA_FLOAT).set(name, v).try_finalize();
  };
  EXPECT_EQ(tensor_with(CUDNN_ATTR_TENSOR_STRIDES, {24, 12, 4}), bad);
  EXPECT_EQ(tensor_with(CUDNN_ATTR_TENSOR_STRIDES, {24, -12, 4, 1}), bad);
  EXPECT_EQ(tensor_with(CUDNN_ATTR_TENSOR_STRIDES, {1, 1, 1, 1}), CUDNN_STATUS_SUCCESS);  // overlap
  EXPECT_EQ(tensor_with(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {3}), bad);
  EXPECT_EQ(tensor_with(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {0}), bad);
  Described good = tensor(1, {1, 2, 3, 4});
  EXPECT_EQ(good.try_set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, Dims{2}), bad);
  EXPECT_EQ(good.try_finalize(), bad);
  EXPECT_CUDNN(cudnnBackendGetAttribute(good.get(), CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64,
                                        2, &got, values));
  EXPECT_EQ(got, 2);
  EXPECT_EQ(values[1], 2);

  const auto conv = [](Dims pre, Dims stride, Dims dilation) {
    Sizes q{1, 4, 4, 2, 2, 3, 3};
    q.pre = pre;
    q.stride = stride;
    q.dilation = dilation;
    return unfinished_convolution(q).try_finalize();
  };
  EXPECT_EQ(conv({-1, 1}, {1, 1}, {1, 1}), bad);
  EXPECT_EQ(conv({1, 1}, {0, 1}, {1, 1}), bad);
  EXPECT_EQ(conv({1, 1}, {1, 1}, {0, 1}), bad);
  EXPECT_EQ(conv({1, 1, 1}, {1, 1}, {1, 1}), bad);

  const Sizes q{2, 9, 7, 6, 4, 3, 3};
  const auto op = [&](const Dims& x, const Dims& w, const Dims& y) {
    return forward(q, tensor(1, x), tensor(2, w), tensor(3, y)).try_finalize();
  };
  EXPECT_CUDNN(op({2, 6, 9, 7}, {4, 6, 3, 3}, {2, 4, 9, 7}));
  EXPECT_CUDNN(op({2, 6, 9, 7}, {4, 3, 3, 3}, {2, 4, 9, 7}));
  EXPECT_EQ(op({2, 6, 9, 7}, {4, 5, 3, 3}, {2, 4, 9, 7}), bad);
  EXPECT_EQ(op({2, 6, 9, 7}, {4, 2, 3, 3}, {2, 4, 9, 7}), bad);
  EXPECT_EQ(op({2, 6, 9, 7}, {4, 6, 3, 3}, {2, 4, 8, 7}), bad);
  EXPECT_EQ(op({2, 6, 9, 7}, {4, 6, 3, 3}, {3, 4, 9, 7}), bad);
  EXPECT_EQ(op({2, 6, 9, 7}, {4, 6, 3, 3}, {2, 5, 9, 7}), bad);
  EXPECT_EQ(Described(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR).try_finalize(), bad);
  EXPECT_EQ(pointwise(mode(CUDNN_POINTWISE_ADD), tensor(1, q.y()), nullptr, tensor(2, q.y()))
                .try_finalize(),
            bad);
  EXPECT_EQ(Described(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR).try_finalize(), bad);
  const auto one = [&] {
    return forward(q, tensor(1, q.x()), tensor(2, q.filter()), tensor(3, q.y())).finalize();
  };
  EXPECT_EQ(unfinished_graph(nullptr, {one(), one()}).try_finalize(), bad);
  Described wrong(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  wrong.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, {1, 2});
  EXPECT_EQ(wrong.try_finalize(), bad);
}

}  // namespace
}  // namespace standin::test

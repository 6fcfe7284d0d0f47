// Short ways to cuDNN's graph interface for the stand-in's tests.
#pragma once
#include <cudnn.h>

#include <array>
#include <memory>
#include <vector>

#include "kernels.h"

namespace standin::test {

#define EXPECT_CUDNN(call) EXPECT_EQ(call, CUDNN_STATUS_SUCCESS)

/// A descriptor that is destroyed with its last copy.
class Described {
 public:
  explicit Described(cudnnBackendDescriptorType_t type)
      : d_(new cudnnBackendDescriptor_t{}, [](cudnnBackendDescriptor_t* d) {
          EXPECT_CUDNN(cudnnBackendDestroyDescriptor(*d));
          delete d;
        }) {
    EXPECT_CUDNN(cudnnBackendCreateDescriptor(type, d_.get()));
  }
  cudnnBackendDescriptor_t get() const { return *d_; }
  template <class T>
  cudnnStatus_t try_set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                        const std::vector<T>& values) {
    return cudnnBackendSetAttribute(get(), name, type, std::int64_t(values.size()), values.data());
  }
  template <class T>
  Described& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, T value) {
    EXPECT_CUDNN(cudnnBackendSetAttribute(get(), name, type, 1, &value)) << name;
    return *this;
  }
  Described& set(cudnnBackendAttributeName_t name, const std::vector<std::int64_t>& values) {
    EXPECT_CUDNN(try_set(name, CUDNN_TYPE_INT64, values)) << name;
    return *this;
  }
  Described& set(cudnnBackendAttributeName_t name, std::int64_t value) {
    return set(name, CUDNN_TYPE_INT64, value);
  }
  Described& set(cudnnBackendAttributeName_t name, const Described& part) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, part.get());
  }
  cudnnStatus_t try_finalize() { return cudnnBackendFinalize(get()); }
  Described& finalize() {
    EXPECT_CUDNN(try_finalize()) << last_reason();
    return *this;
  }
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) const {
    std::int64_t n = 0;
    EXPECT_CUDNN(cudnnBackendGetAttribute(get(), name, type, 0, &n, nullptr));
    std::vector<T> out(static_cast<std::size_t>(n));
    if (n) {
      EXPECT_CUDNN(cudnnBackendGetAttribute(get(), name, type, n, &n, out.data()));
    }
    return out;
  }
  static std::string last_reason() {
    char text[256];
    cudnnGetLastErrorString(text, sizeof text);
    return text;
  }

 private:
  std::shared_ptr<cudnnBackendDescriptor_t> d_;
};

using Dims = std::vector<std::int64_t>;

/// (batch, channels, height, width) with the channels innermost, as cuDNN wants its dimensions.
inline Described unfinished_tensor(std::int64_t uid, const Dims& d, cudnnDataType_t type,
                                   bool is_virtual = false) {
  Described t(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  t.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, uid).set(CUDNN_ATTR_TENSOR_DIMENSIONS, d);
  t.set(CUDNN_ATTR_TENSOR_STRIDES, {d[1] * d[2] * d[3], 1, d[1] * d[3], d[1]});
  t.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
  t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
  t.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, is_virtual);
  return t;
}
inline Described tensor(std::int64_t uid, const Dims& d, cudnnDataType_t type = CUDNN_DATA_FLOAT,
                        bool is_virtual = false) {
  return unfinished_tensor(uid, d, type, is_virtual).finalize();
}

/// The sizes of a convolution.
struct Sizes {
  std::int64_t n, h, w, c, k, r, s, groups = 1;
  Dims pre{1, 1}, post{1, 1}, stride{1, 1}, dilation{1, 1};
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;

  std::int64_t out(int i) const {
    const std::int64_t size = i ? w : h, reach = ((i ? s : r) - 1) * dilation[i] + 1;
    return (size + pre[i] + post[i] - reach) / stride[i] + 1;
  }
  Dims x() const { return {n, c, h, w}; }
  Dims filter() const { return {k, c / groups, r, s}; }
  Dims y() const { return {n, k, out(0), out(1)}; }
};
inline std::size_t count(const Dims& d) {
  std::int64_t n = 1;
  for (std::int64_t v : d) n *= v;
  return static_cast<std::size_t>(n);
}

inline Described unfinished_convolution(const Sizes& q) {
  Described c(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  c.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  c.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, q.compute);
  c.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, q.mode);
  c.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, q.pre)
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, q.post);
  c.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, q.stride);
  c.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, q.dilation);
  return c;
}

inline Described forward(const Sizes& q, const Described& x, const Described& w,
                         const Described& y) {
  Described o(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, unfinished_convolution(q).finalize());
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
  return o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
}
inline Described backward_data(const Sizes& q, const Described& dx, const Described& w,
                               const Described& dy) {
  Described o(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, unfinished_convolution(q).finalize());
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, dx);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, w);
  return o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, dy);
}
inline Described backward_filter(const Sizes& q, const Described& x, const Described& dw,
                                 const Described& dy) {
  Described o(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
        unfinished_convolution(q).finalize());
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, x);
  o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, dw);
  return o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, dy);
}
inline Described pointwise(Described mode, const Described& x, const Described* b,
                           const Described& y) {
  Described o(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, mode.finalize());
  o.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x).set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
  if (b) o.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
  return o;
}
inline Described mode(cudnnPointwiseMode_t m) {
  Described p(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  p.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, m);
  return p.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
}

inline Described unfinished_graph(cudnnHandle_t h, const std::vector<Described>& operations) {
  std::vector<cudnnBackendDescriptor_t> all;
  for (const Described& o : operations) all.push_back(o.get());
  Described g(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  if (h) g.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, h);
  EXPECT_CUDNN(g.try_set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, all));
  return g;
}

/// The configurations that the heuristics name, best first; for the device that is described, where
/// none is at hand.
inline std::vector<Described> configurations(const Described& graph,
                                             cudnnBackendHeurMode_t m = CUDNN_HEUR_MODE_A,
                                             const Described* device = nullptr) {
  Described heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, m);
  if (device) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
  heuristics.finalize();
  std::int64_t n = 0;
  EXPECT_CUDNN(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                        CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &n, nullptr));
  std::vector<Described> all;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::int64_t i = 0; i < n; ++i) {
    all.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    raw.push_back(all.back().get());
  }
  if (n) {
    EXPECT_CUDNN(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, n, &n, raw.data()));
  }
  return all;
}

inline Described unfinished_plan(cudnnHandle_t h, const Described& configuration) {
  Described p(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  p.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, h);
  return p.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
}
inline std::int64_t workspace_of(const Described& plan) {
  return plan.values<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64)
      .at(0);
}
inline std::vector<cudnnBackendNumericalNote_t> notes_of(const Described& configuration) {
  Described engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.get();
  std::int64_t n = 0;
  EXPECT_CUDNN(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                        CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &raw));
  return engine.values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                    CUDNN_TYPE_NUMERICAL_NOTE);
}

inline Described pack(const Dims& ids, const std::vector<void*>& pointers, void* workspace) {
  Described p(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  p.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
  EXPECT_CUDNN(p.try_set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers));
  return p.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
}

}  // namespace standin::test

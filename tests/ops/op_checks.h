// The checks that every op goes through, on one sample each. They report through GoogleTest.
#pragma once
#include "tests/ops/samples.h"
#include "tests/support/test_device.h"

namespace tuco::test {

/// The largest difference, relative to the root mean square of what is expected, stays below
/// `tolerance`; 0 asks for equal numbers. Equal infinities are equal, NaN never is. Both undefined
/// is equal, too.
void expect_close(const Tensor& got, const Tensor& expected, double tolerance,
                  const std::string& what);

/// The sample's inputs with floating-point ones of the given type, on the device.
std::vector<Tensor> inputs_as(const Sample& sample, DType floating, Device device);

/// infer says what comes out.
void expect_inferred(const Sample& sample, DType floating, Device device);
/// The kernel writes every output element, and reads no scratch memory that it did not write: with
/// both full of NaN it gives the same bytes as run_op.
void expect_all_written(const Sample& sample, DType floating, Device device);
/// Bound to its operands, with and without prepared constants, the op gives what it gives otherwise,
/// also after the bytes of an operand have changed.
void expect_bound_agrees(const Sample& sample, DType floating, Device device);
/// float32 agrees with float64, outputs and gradients, computed from the same numbers.
void expect_float32_agrees(const Sample& sample, Device device);
/// The gradient of every floating-point input agrees with central differences in float64.
void expect_gradient(const Sample& sample, Device device);
/// A second backward adds the same again, and for each choice of inputs only they get a gradient,
/// the same as when all want one; what the rule was not asked for it leaves undefined unless one
/// kernel makes all.
void expect_gradients_accumulate(const Sample& sample, Device device);
/// Inputs with gaps between the elements, transposed in memory, or broadcast, and gradients
/// that are broadcast, give what dense ones give.
void expect_strides_do_not_matter(const Sample& sample, DType floating, Device device);
/// A batch of no images gives outputs and gradients of no images, and parameters' gradients of 0.
void expect_empty_batch(const Sample& sample, Device device);

}  // namespace tuco::test

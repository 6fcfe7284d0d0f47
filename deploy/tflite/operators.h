// The table of operators: how each becomes nodes of a Graph. A new operator is a function and a
// line in the table (operators.cpp).
#pragma once
#include "tuco/deploy/tflite/importer.h"

namespace tuco::tflite {

using ImportRule = void (*)(OperatorImport& op);

/// The rule for an operator, or null.
ImportRule import_rule(schema::BuiltinOperator code);

/// The fused activation as a clamp. Throws UnsupportedOp for those that are none.
std::optional<op::Clamp> clamp_of(schema::ActivationFunctionType activation);

// variables.cpp
void import_call_once(OperatorImport& op);
void import_var_handle(OperatorImport& op);
void import_read_variable(OperatorImport& op);
void import_assign_variable(OperatorImport& op);

// sequences.cpp
void import_unidirectional_sequence_lstm(OperatorImport& op);

// products.cpp
void import_conv_2d(OperatorImport& op);
void import_depthwise_conv_2d(OperatorImport& op);
void import_fully_connected(OperatorImport& op);
void import_batch_matmul(OperatorImport& op);

// pooling.cpp
void import_average_pool_2d(OperatorImport& op);
void import_max_pool_2d(OperatorImport& op);
void import_mean(OperatorImport& op);
void import_sum(OperatorImport& op);
void import_reduce_max(OperatorImport& op);

// pointwise.cpp
void import_add(OperatorImport& op);
void import_sub(OperatorImport& op);
void import_mul(OperatorImport& op);
void import_div(OperatorImport& op);
void import_maximum(OperatorImport& op);
void import_minimum(OperatorImport& op);
void import_softmax(OperatorImport& op);
void import_log_softmax(OperatorImport& op);
void import_logistic(OperatorImport& op);
void import_tanh(OperatorImport& op);
void import_relu(OperatorImport& op);
void import_relu6(OperatorImport& op);
void import_relu_n1_to_1(OperatorImport& op);
void import_relu_0_to_1(OperatorImport& op);
void import_leaky_relu(OperatorImport& op);
void import_hard_swish(OperatorImport& op);
void import_elu(OperatorImport& op);
void import_prelu(OperatorImport& op);
void import_abs(OperatorImport& op);
void import_neg(OperatorImport& op);
void import_exp(OperatorImport& op);
void import_log(OperatorImport& op);
void import_sqrt(OperatorImport& op);
void import_rsqrt(OperatorImport& op);
void import_square(OperatorImport& op);
void import_pow(OperatorImport& op);
void import_quantize(OperatorImport& op);
void import_dequantize(OperatorImport& op);

// moves.cpp
void import_reshape(OperatorImport& op);
void import_squeeze(OperatorImport& op);
void import_expand_dims(OperatorImport& op);
void import_concatenation(OperatorImport& op);
void import_pad(OperatorImport& op);
void import_transpose(OperatorImport& op);
void import_slice(OperatorImport& op);
void import_strided_slice(OperatorImport& op);
void import_split(OperatorImport& op);
void import_split_v(OperatorImport& op);
void import_pack(OperatorImport& op);
void import_unpack(OperatorImport& op);
void import_resize_nearest_neighbor(OperatorImport& op);

}  // namespace tuco::tflite

#include "tuco/deploy/tflite/operators.h"

namespace tuco::tflite {

ImportRule import_rule(schema::BuiltinOperator code) {
  using enum schema::BuiltinOperator;
  static const std::map<schema::BuiltinOperator, ImportRule> rules = {
      {CALL_ONCE, import_call_once},
      {VAR_HANDLE, import_var_handle},
      {READ_VARIABLE, import_read_variable},
      {ASSIGN_VARIABLE, import_assign_variable},
      {UNIDIRECTIONAL_SEQUENCE_LSTM, import_unidirectional_sequence_lstm},
      {CONV_2D, import_conv_2d},
      {DEPTHWISE_CONV_2D, import_depthwise_conv_2d},
      {FULLY_CONNECTED, import_fully_connected},
      {BATCH_MATMUL, import_batch_matmul},
      {AVERAGE_POOL_2D, import_average_pool_2d},
      {MAX_POOL_2D, import_max_pool_2d},
      {MEAN, import_mean},
      {SUM, import_sum},
      {REDUCE_MAX, import_reduce_max},
      {ADD, import_add},
      {SUB, import_sub},
      {MUL, import_mul},
      {DIV, import_div},
      {MAXIMUM, import_maximum},
      {MINIMUM, import_minimum},
      {SOFTMAX, import_softmax},
      {LOG_SOFTMAX, import_log_softmax},
      {LOGISTIC, import_logistic},
      {TANH, import_tanh},
      {RELU, import_relu},
      {RELU6, import_relu6},
      {RELU_N1_TO_1, import_relu_n1_to_1},
      {RELU_0_TO_1, import_relu_0_to_1},
      {LEAKY_RELU, import_leaky_relu},
      {HARD_SWISH, import_hard_swish},
      {ELU, import_elu},
      {PRELU, import_prelu},
      {ABS, import_abs},
      {NEG, import_neg},
      {EXP, import_exp},
      {LOG, import_log},
      {SQRT, import_sqrt},
      {RSQRT, import_rsqrt},
      {SQUARE, import_square},
      {POW, import_pow},
      {QUANTIZE, import_quantize},
      {DEQUANTIZE, import_dequantize},
      {RESHAPE, import_reshape},
      {SQUEEZE, import_squeeze},
      {EXPAND_DIMS, import_expand_dims},
      {CONCATENATION, import_concatenation},
      {PAD, import_pad},
      {PADV2, import_pad},
      {TRANSPOSE, import_transpose},
      {SLICE, import_slice},
      {STRIDED_SLICE, import_strided_slice},
      {SPLIT, import_split},
      {SPLIT_V, import_split_v},
      {PACK, import_pack},
      {UNPACK, import_unpack},
      {RESIZE_NEAREST_NEIGHBOR, import_resize_nearest_neighbor},
  };
  const auto found = rules.find(code);
  return found == rules.end() ? nullptr : found->second;
}

std::optional<op::Clamp> clamp_of(schema::ActivationFunctionType activation) {
  using enum schema::ActivationFunctionType;
  switch (activation) {
    case NONE:
      return {};
    case RELU:
      return op::Clamp{.low = 0};
    case RELU_N1_TO_1:
      return op::Clamp{-1, 1};
    case RELU6:
      return op::Clamp{0, 6};
    default:
      const std::string name = schema::EnumNameActivationFunctionType(activation);
      fail<UnsupportedOp>("a fused activation {}",
                          name.empty() ? std::to_string(static_cast<int>(activation)) : name);
  }
}

}  // namespace tuco::tflite

// The kernels that a model in a file can call, with their numbers there and how many arguments they
// take. Numbers are never used anew. Who wants few of them in his program defines
// TUCO_WANTED_KERNELS; `tuco runtime` knows what for.
#ifndef TUCO_RUNTIME_KERNEL_LIST_H
#define TUCO_RUNTIME_KERNEL_LIST_H

// X(number, name, NAME, arguments)
#define TUCO_KERNELS(X)                              \
  X(1, conv2d_columns, CONV2D_COLUMNS, 10)           \
  X(2, pointwise_columns, POINTWISE_COLUMNS, 12)     \
  X(3, fully_connected_row, FULLY_CONNECTED_ROW, 11) \
  X(4, depthwise_plane, DEPTHWISE_PLANE, 16)         \
  X(5, depthwise_taps, DEPTHWISE_TAPS, 9)            \
  X(6, conv2d, CONV2D, 7)                            \
  X(7, depthwise, DEPTHWISE, 7)                      \
  X(8, fully_connected, FULLY_CONNECTED, 9)          \
  X(9, quick_add, QUICK_ADD, 7)                      \
  X(10, add, ADD, 5)                                 \
  X(11, add_broadcast, ADD_BROADCAST, 5)             \
  X(12, subtract, SUBTRACT, 5)                       \
  X(13, multiply, MULTIPLY, 5)                       \
  X(14, maximum, MAXIMUM, 4)                         \
  X(15, minimum, MINIMUM, 4)                         \
  X(16, lookup, LOOKUP, 4)                           \
  X(17, clamp, CLAMP, 5)                             \
  X(18, rescale, RESCALE, 10)                        \
  X(19, max_pool, MAX_POOL, 5)                       \
  X(20, average_pool, AVERAGE_POOL, 7)               \
  X(21, mean, MEAN, 10)                              \
  X(22, softmax, SOFTMAX, 8)                         \
  X(23, concat, CONCAT, 6)                           \
  X(24, pad, PAD, 12)                                \
  X(25, copy_strided, COPY_STRIDED, 3)               \
  X(26, resize_nearest, RESIZE_NEAREST, 8)           \
  X(27, lstm, LSTM, 10)                              \
  X(28, lstm_plain, LSTM_PLAIN, 10)                  \
  X(29, prelu, PRELU, 5)

enum {
#define TUCO_NUMBER(number, name, NAME, arguments) TUCO_KERNEL_##NAME = number,
  TUCO_KERNELS(TUCO_NUMBER)
#undef TUCO_NUMBER
};

// Bit n is set for kernel number n where the program shall have it.
#ifndef TUCO_WANTED_KERNELS
#define TUCO_WANTED_KERNELS 0xffffffffu
#endif
#define TUCO_IS_WANTED(number) ((TUCO_WANTED_KERNELS) >> (number)&1u)

#endif

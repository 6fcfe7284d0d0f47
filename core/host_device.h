// TUCO_HOST_DEVICE marks the functions that kernels of every device call: under nvcc they are
// compiled for both sides.
#pragma once

#ifdef __CUDACC__
#define TUCO_HOST_DEVICE __host__ __device__
#else
#define TUCO_HOST_DEVICE
#endif

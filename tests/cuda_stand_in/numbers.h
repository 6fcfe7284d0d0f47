// Reading and writing the element types of cuBLAS and cuDNN as float, and the roundings of tensor
// cores, for the stand-ins of both.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace standin {

/// float in the 10 bits of mantissa that tensor cores keep of it; to nearest, ties away from zero,
/// as the conversion instruction does.
inline float to_tf32(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) return x;  // infinite or NaN
  return std::bit_cast<float>((bits + 0x1000u) & 0xffffe000u);
}
inline float to_half(float x) { return __half2float(__float2half_rn(x)); }
inline float to_bfloat16(float x) { return __bfloat162float(__float2bfloat16_rn(x)); }

inline float load(const float* p) { return *p; }
inline float load(const __half* p) { return __half2float(*p); }
inline float load(const __nv_bfloat16* p) { return __bfloat162float(*p); }
inline float load(const std::int8_t* p) { return *p; }
inline void store(float* p, float v) { *p = v; }
inline void store(__half* p, float v) { *p = __float2half_rn(v); }
inline void store(__nv_bfloat16* p, float v) { *p = __float2bfloat16_rn(v); }

}  // namespace standin

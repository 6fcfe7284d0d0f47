// The epilogue that an op asks for, from its attributes and inputs.
#pragma once
#include "tuco/devices/cpu/epilogue.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {

/// Of a convolution or linear layer; Op is the plain op or the fused one.
template <class T, class Op>
Epilogue<T> epilogue_of(const Op& op, Inputs in) {
  Epilogue<T> e;
  if constexpr (requires { op.low; }) {
    e.low = static_cast<T>(op.low);
    e.high = static_cast<T>(op.high);
    if (op.bias) e.bias = ptr<T>(in[2]);
    if constexpr (requires { op.addend; })
      if (op.addend) e.addend = ptr<T>(in.back());
  } else if (in.size() > 2) {
    e.bias = ptr<T>(in[2]);
  }
  return e;
}

}  // namespace tuco::cpu

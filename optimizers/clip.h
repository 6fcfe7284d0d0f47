// Gradient clipping (Pascanu et al., arXiv:1211.5063).
#pragma once
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco {

/// The Euclidean norm of all gradients together, as if they were one vector, before clipping; where
/// it is above max_norm, all are scaled in place so that it becomes max_norm. Parameters without a
/// gradient count as zero. A norm that is not finite is returned and nothing is scaled. Throws
/// Error unless max_norm is positive.
double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm);

}  // namespace tuco

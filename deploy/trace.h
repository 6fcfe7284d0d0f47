// Tracing: a module becomes a Graph by running once on an example while every op that passes the
// door is written down.
#pragma once
#include <functional>

#include "tuco/core/graph.h"
#include "tuco/core/safetensors.h"

namespace tuco {
class Module;
}

namespace tuco::deploy {

/// Records `net` on `example`, whose first dimension is the batch; the graph holds for any batch.
/// Constants carry the names of the module's parameters and buffers. Throws Error in training mode,
/// when the module reads or copies a value outside the ops, and when the graph does not give the
/// module's own result, bit for bit, on another batch.
Graph trace(const Module& net, const Tensor& example);

/// As above for any function of one tensor; `names` names the tensors it uses.
Graph trace(const std::function<Tensor(const Tensor&)>& forward, const Tensor& example,
            const NamedTensors& names = {});

}  // namespace tuco::deploy

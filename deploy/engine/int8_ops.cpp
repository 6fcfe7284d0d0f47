#include "tuco/deploy/engine/int8_ops.h"

#include "tuco/core/error.h"

namespace tuco::deploy {

Int8Op int8_op(const QuantizedNode& node) {
  return std::visit(
      [&]<class Op>(const Op& op) -> Int8Op {
        if constexpr (not_quantizable<Op> != nullptr)
          fail<UnsupportedOp>("{}: {}", name(node.node.op), not_quantizable<Op>);
        else
          return lower(op, node);
      },
      node.node.op);
}

}  // namespace tuco::deploy

// Ops that change tensors in place have no results to infer: run_op refuses them.
#include "tuco/core/ops/fill.h"

#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

[[noreturn]] OutputMetas refuse(std::string_view op) {
  fail<UnsupportedOp>("{}: changes a tensor in place; it is run on the backend directly", op);
}

}  // namespace

OutputMetas infer(const op::Fill& op, Metas) { refuse(op.name); }
OutputMetas infer(const op::Accumulate& op, Metas) { refuse(op.name); }
OutputMetas infer(const op::SgdStep& op, Metas) { refuse(op.name); }
OutputMetas infer(const op::AdamWStep& op, Metas) { refuse(op.name); }

}  // namespace tuco

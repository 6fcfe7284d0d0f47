// What a Plan holds, for the sources of this folder.
#pragma once
#include "tuco/core/backend.h"
#include "tuco/deploy/engine/plan.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

struct PlanData {
  int64_t most_at_once() const { return by_image ? 1 : options.max_batch; }

  /// What was compiled, optimized, on the CPU; and its rounding, if it is an int8 model.
  Graph source;
  std::optional<Rounding> rounding;
  PlanOptions options;
  /// The source as ops for the device (lower.h), its constants there; the place of its values for
  /// the largest batch that runs as one; and each node's constants, null where nothing was packed.
  Graph graph;
  MemoryPlan memory;
  /// Whether batches run image by image (by_image.h): as one, then, only single images do.
  bool by_image = false;
  std::vector<std::unique_ptr<Prepared>> prepared;
  std::string note;
};

/// Makes plans of optimized graphs and int8 models.
struct PlanBuilder {
  Graph source;
  std::optional<Rounding> rounding;
  PlanOptions options;
  std::string note = {};
  /// The plan, its memory planned, or that of these offsets: memory_plan.h. Throws as
  /// Plan::compile does, and Error where the offsets do not fit.
  Plan build(const std::vector<int64_t>* offsets = nullptr) &&;
};

/// Whether the op shows its input's bytes under another layout, which the engine copies.
bool is_strided_view(const op::Any& op);

}  // namespace tuco::deploy

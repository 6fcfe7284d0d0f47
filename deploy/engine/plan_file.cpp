#include "tuco/deploy/engine/plan_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/engine/plan_data.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"

namespace tuco::deploy {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kPlanKey = "tuco.plan";
/// Changes whenever lowering or the memory plan's rules do, so that old offsets are not used.
constexpr int kVersion = 3;
/// No plan in a file is for more.
constexpr int64_t kMostImages = 1 << 16;
/// A file of a few bytes cannot ask for all memory there is.
constexpr int64_t kMaxArena = int64_t{1} << 34;

/// What the metadata hold.
struct StoredPlan {
  int version = 0;
  std::string processor;
  int64_t max_batch = 1;
  std::vector<int64_t> offsets;
};

StoredPlan parse(const std::string& text) {
  const Json json = Json::parse(text);
  StoredPlan plan{json.at("version").get<int>(), json.at("processor").get<std::string>(),
                  json.at("max_batch").get<int64_t>(),
                  json.at("offsets").get<std::vector<int64_t>>()};
  require<FormatError>(plan.max_batch >= 1 && plan.max_batch <= kMostImages,
                       "a batch of {}, expected 1 to {}", plan.max_batch, kMostImages);
  return plan;
}

/// Why the stored plan does not hold on this device; empty if it does.
std::string objection(const StoredPlan& stored, Device device) {
  const std::string here = backend(device).processor();
  if (stored.version != kVersion)
    return fmt::format("the plan is of version {}, this Tuco makes version {}", stored.version,
                       kVersion);
  if (stored.processor != here)
    return fmt::format("the plan was made for {}, this is {}", stored.processor, here);
  return {};
}

Plan build(PlanBuilder&& builder, const StoredPlan& stored) {
  const std::string note = objection(stored, builder.options.device);
  if (note.empty()) return std::move(builder).build(&stored.offsets);
  if (!builder.rounding) optimize(builder.source);
  builder.note = note + ": compiled anew";
  return std::move(builder).build();
}

}  // namespace

void save_plan(const std::string& path, const Plan& plan) {
  const PlanData& data = plan.data();
  const Json json = {{"version", kVersion},
                     {"processor", backend(plan.device()).processor()},
                     {"max_batch", plan.max_batch()},
                     {"offsets", data.memory.offsets}};
  const Metadata metadata = {{kPlanKey, json.dump()}};
  if (data.rounding)
    save_model(path, {data.source, *data.rounding}, metadata);
  else
    save_graph(path, data.source, metadata);
}

Plan load_plan(const std::string& path, Device device) {
  return load_plan(File::open(path), device);
}

namespace {

Plan plan_in(StoredNetwork network, const File& file, Device device) {
  try {
    const StoredPlan stored = parse(network.metadata.at(kPlanKey));
    const Plan plan =
        build({std::move(network.graph), network.rounding, {stored.max_batch, device}}, stored);
    require<FormatError>(plan.arena_bytes() <= kMaxArena, "an arena of {} bytes",
                         plan.arena_bytes());
    return plan;
  } catch (const DeviceError&) {
    throw;
  } catch (const CudaError&) {
    throw;  // not the file's fault either
  } catch (const nlohmann::json::exception& error) {
    fail<FormatError>("{}: the plan is malformed: {}", file.name(), error.what());
  } catch (const Error& error) {
    fail<FormatError>("{}: the plan is wrong: {}", file.name(), error.what());
  }
}

}  // namespace

Plan load_plan(const File& file, Device device) {
  StoredNetwork network = load_network(file);
  require<FormatError>(network.metadata.contains(kPlanKey),
                       "{}: holds no plan (no \"{}\" in its metadata): tuco plan makes one",
                       file.name(), kPlanKey);
  return plan_in(std::move(network), file, device);
}

Plan plan_of_file(const std::string& path, const PlanOptions& options) {
  const File file = File::open(path);
  StoredNetwork network = load_network(file);
  if (network.metadata.contains(kPlanKey)) return plan_in(std::move(network), file, options.device);
  if (network.rounding)
    return Plan::compile(QuantizedModel{std::move(network.graph), *network.rounding}, options);
  return Plan::compile(network.graph, options);
}

}  // namespace tuco::deploy

#include "tuco/layers/checkpoint.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco {
namespace {

constexpr const char* kLayoutKey = "tuco.layout";

NamedTensors permuted(const NamedTensors& tensors, const Dims& order) {
  const NoGrad quiet;
  NamedTensors result = tensors;
  for (auto& [name, tensor] : result)
    if (tensor.rank() == 4) tensor = permute(tensor.detach(), order);
  return result;
}

}  // namespace

void save(const Module& module, const std::string& path, const CheckpointOptions& options) {
  Metadata metadata = options.metadata;
  for (const auto& [key, value] : metadata)
    require<Error>(!key.starts_with("tuco."), "save: metadata key '{}', but 'tuco.' is Tuco's own",
                   key);
  if (options.preprocessing) metadata.merge(to_metadata(*options.preprocessing));
  metadata[kLayoutKey] = options.torch_layout ? "OIHW" : "OHWI";
  const NamedTensors state = module.state();
  save_safetensors(path, options.torch_layout ? permuted(state, {0, 3, 1, 2}) : state, metadata);
}

Metadata load(const Module& module, const std::string& path) {
  Safetensors file = load_safetensors(path);
  const auto layout = file.metadata.find(kLayoutKey);
  require<FormatError>(layout != file.metadata.end(),
                       "{}: no metadata entry {}, which says how convolution weights lie: OHWI or "
                       "OIHW",
                       path, kLayoutKey);
  require<FormatError>(layout->second == "OHWI" || layout->second == "OIHW",
                       "{}: {} is '{}', expected OHWI or OIHW", path, kLayoutKey, layout->second);
  if (layout->second == "OIHW") file.tensors = permuted(file.tensors, {0, 2, 3, 1});
  try {
    module.load_state(file.tensors);
  } catch (const Error& error) {
    fail<Error>("{}: {}", path, error.what());
  }
  return file.metadata;
}

NamedTensors with_prefix(const std::string& prefix, const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) result.emplace_back(prefix + "." + name, tensor);
  return result;
}

NamedTensors below_prefix(const std::string& prefix, const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(prefix + ".")) result.emplace_back(name.substr(prefix.size() + 1), tensor);
  return result;
}

// The program's generator moves by whole blocks and keeps to stream 0, so seed and position are
// all.
NamedTensors random_state() {
  const Rng rng = reserve_random(0);
  return {{"random",
           from_values<int64_t>(
               {static_cast<int64_t>(rng.seed()), static_cast<int64_t>(rng.position())}, {2})}};
}

void load_random_state(const NamedTensors& state) {
  require<Error>(state.size() == 1 && state[0].first == "random" &&
                     state[0].second.dtype() == DType::int64 &&
                     state[0].second.shape() == Shape({2}),
                 "load_random_state: expected one tensor, random, of two int64 numbers");
  const auto values = state[0].second.to_vector<int64_t>();
  manual_seed(static_cast<uint64_t>(values[0]));
  reserve_random(static_cast<uint64_t>(values[1]));
}

}  // namespace tuco

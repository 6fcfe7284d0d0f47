#include "tuco/layers/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

// While a module is cloned, copying a handle copies what is behind it, once for all handles to it:
// so the copy constructors that the compiler writes for bodies make deep copies.
struct Cloning {
  std::unordered_map<const void*, std::shared_ptr<void>> copies;
};
thread_local Cloning* cloning = nullptr;

// The modules that run on this thread, outermost first, and the path to the one that failed.
thread_local std::vector<const Module::Body*> running;
thread_local std::string failed_path;

std::string class_name(const char* mangled) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? text.get() : mangled;
  const size_t colon = name.rfind(':');
  if (colon != name.npos) name.erase(0, colon + 1);
  if (name.size() > 4 && name.ends_with("Body")) name.erase(name.size() - 4);
  return name;
}

std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

/// Whether `child` lies below `parent`, and its dotted path from there.
bool find_path(const Module::Body& parent, const Module::Body* child, const std::string& prefix,
               std::string& path) {
  for (const auto& [name, module] : parent.children())
    if (&module.body() == child) {
      path = join(prefix, name);
      return true;
    }
  return std::ranges::any_of(parent.children(), [&](const auto& entry) {
    return find_path(entry.second.body(), child, join(prefix, entry.first), path);
  });
}

Tensor like(const Tensor& original, Tensor value) {
  return original.requires_grad() ? value.requires_grad_() : value;
}

/// Calls visit(dotted name, body) here and below, parents first, each body once.
using BodyVisit = std::function<void(const std::string&, const Module&)>;
void walk(const std::string& name, const Module& module, std::unordered_set<const void*>& seen,
          const BodyVisit& visit) {
  if (!seen.insert(&module.body()).second) return;
  visit(name, module);
  for (const auto& [child_name, child] : module.children())
    walk(join(name, child_name), child, seen, visit);
}
void walk(const Module& module, const BodyVisit& visit) {
  require<Error>(module.defined(), "module: the handle refers to nothing");
  std::unordered_set<const void*> seen;
  walk("", module, seen, visit);
}

template <class E>
[[noreturn]] void rethrow(E error, const std::string& where) {
  E named(where + ": " + error.what());
  if constexpr (std::is_same_v<E, ShapeError>) named.shapes = std::move(error.shapes);
  if constexpr (std::is_same_v<E, DTypeError>) named.dtypes = std::move(error.dtypes);
  if constexpr (std::is_same_v<E, DeviceError>) named.devices = std::move(error.devices);
  throw named;
}

}  // namespace

Parameter::Parameter(const Parameter& other) : place_(other.place_) {
  if (!cloning || !place_) return;
  auto& copy = cloning->copies[place_.get()];
  if (!copy)
    copy = std::make_shared<Tensor>(place_->defined() ? like(*place_, place_->clone()) : Tensor());
  place_ = std::static_pointer_cast<Tensor>(copy);
}

const Tensor& Parameter::tensor() const {
  static const Tensor nothing;
  return place_ ? *place_ : nothing;
}

void Parameter::set(Tensor tensor) const {
  require<Error>(place_ != nullptr, "parameter: set on one without a place");
  *place_ = std::move(tensor);
}

Module::Module(const Module& other) : body_(other.body_) {
  if (!cloning || !body_) return;
  if (const auto found = cloning->copies.find(body_.get()); found != cloning->copies.end()) {
    body_ = std::static_pointer_cast<Body>(found->second);
    return;
  }
  require<Error>(body_->copy_ != nullptr, "clone: {} cannot be copied", body_->kind());
  auto copy = body_->copy_(*body_);
  copy->copy_ = body_->copy_;
  cloning->copies[body_.get()] = copy;
  body_ = std::move(copy);
}

Tensor Module::operator()(const Tensor& x) const {
  require<Error>(defined(), "module: a handle to nothing was called");
  if (!running.empty()) {
    const ModuleScope scope(*body_);
    return body_->forward(x);
  }
  failed_path.clear();
  try {
    const ModuleScope scope(*body_);
    return body_->forward(x);
  } catch (const ShapeError& error) {
    rethrow(error, failed_path);
  } catch (const DTypeError& error) {
    rethrow(error, failed_path);
  } catch (const DeviceError& error) {
    rethrow(error, failed_path);
  } catch (const UnsupportedOp& error) {
    rethrow(error, failed_path);
  } catch (const Error& error) {
    if (typeid(error) != typeid(Error)) throw;
    rethrow(error, failed_path);
  }
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> result;
  for (auto& [name, tensor] : named_parameters()) result.push_back(std::move(tensor));
  return result;
}

NamedTensors Module::named_parameters() const {
  NamedTensors result;
  std::unordered_set<const void*> seen;
  walk(*this, [&](const std::string& path, const Module& module) {
    for (const auto& entry : module.body().entries_)
      if (!entry.is_buffer && seen.insert(entry.parameter.id()).second)
        result.emplace_back(join(path, entry.name), entry.parameter.tensor());
  });
  return result;
}

NamedTensors Module::buffers() const {
  NamedTensors result;
  std::unordered_set<const void*> seen;
  walk(*this, [&](const std::string& path, const Module& module) {
    for (const auto& entry : module.body().entries_)
      if (entry.is_buffer && seen.insert(entry.parameter.id()).second)
        result.emplace_back(join(path, entry.name), entry.parameter.tensor());
  });
  return result;
}

int64_t Module::count_parameters() const {
  int64_t count = 0;
  for (const Tensor& tensor : parameters()) count += tensor.numel();
  return count;
}

std::vector<std::pair<std::string, Module>> Module::modules() const {
  std::vector<std::pair<std::string, Module>> result;
  walk(*this,
       [&](const std::string& path, const Module& module) { result.emplace_back(path, module); });
  return result;
}

const std::vector<std::pair<std::string, Module>>& Module::children() const {
  return body_->children_;
}

NamedTensors Module::state() const {
  NamedTensors result;
  std::unordered_set<const void*> seen;
  walk(*this, [&](const std::string& path, const Module& module) {
    for (const auto& entry : module.body().entries_)
      if (seen.insert(entry.parameter.id()).second)
        result.emplace_back(join(path, entry.name), entry.parameter.tensor());
  });
  return result;
}

void Module::load_state(const NamedTensors& values) const {
  NamedTensors own = state();
  const std::string problems = mismatches(values, own);
  require<Error>(problems.empty(), "load_state of {}: {}", kind(), problems);
  const std::unordered_map<std::string, Tensor> given(values.begin(), values.end());
  const NoGrad quiet;
  for (auto& [name, tensor] : own) tensor.copy_(given.at(name));
}

const Module& Module::train(bool on) const {
  walk(*this, [&](const std::string&, const Module& module) { module.body().training_ = on; });
  return *this;
}

const Module& Module::train_alone(bool on) const {
  body_->training_ = on;
  return *this;
}

bool Module::training() const { return body_->training_; }

const Module& Module::fuse(bool on) const {
  walk(*this, [&](const std::string&, const Module& module) { module.body().fused_ = on; });
  return *this;
}

Device Module::device() const {
  const NamedTensors tensors = state();
  return tensors.empty() ? Device::cpu() : tensors[0].second.device();
}

const Module& Module::to(Device device) const {
  const NoGrad quiet;
  walk(*this, [&](const std::string&, const Module& module) {
    for (const auto& entry : module.body().entries_) {
      const Tensor& tensor = entry.parameter;
      if (tensor.device() != device) entry.parameter.set(like(tensor, tensor.detach().to(device)));
    }
  });
  return *this;
}

const Module& Module::to(DType dtype) const {
  const NoGrad quiet;
  walk(*this, [&](const std::string&, const Module& module) {
    for (const auto& entry : module.body().entries_) {
      const Tensor& tensor = entry.parameter;
      if (is_floating(tensor.dtype()) && tensor.dtype() != dtype)
        entry.parameter.set(like(tensor, tensor.detach().to(dtype)));
    }
  });
  return *this;
}

Module Module::clone() const {
  require<Error>(defined(), "clone: the handle refers to nothing");
  struct Scope {
    Cloning context;
    Cloning* before = std::exchange(cloning, &context);
    ~Scope() { cloning = before; }
  } scope;
  Module copy(*this);
  return Module(std::move(copy.body_));
}

std::string Module::kind() const { return defined() ? body_->kind() : "nothing"; }

std::string Module::to_string() const {
  std::string text = kind() + "(" + (defined() ? body_->describe() : "");
  if (!defined() || children().empty()) return text + ")";
  text += "\n";
  for (const auto& [name, child] : children()) {
    text += "  " + name + ": ";
    for (const char c : child.to_string()) {
      text += c;
      if (c == '\n') text += "  ";
    }
    text += "\n";
  }
  return text + ")";
}

void Module::set_copier(Body& body, std::shared_ptr<Body> (*copy)(const Body&)) {
  body.copy_ = copy;
}

void Module::fail_as(const char* wanted) const {
  fail<Error>("module: it is a {}, not a {}", kind(), class_name(wanted));
}

Tensor Module::Body::forward(const Tensor&) {
  fail<UnsupportedOp>("{}: it has no forward of one tensor", kind());
}

std::string Module::Body::kind() const { return class_name(typeid(*this).name()); }

Parameter Module::Body::add_parameter(const std::string& name, Tensor value) {
  require<Error>(value.defined(), "{}: parameter '{}' is an undefined tensor", kind(), name);
  return add_entry(name, value.requires_grad_(), false);
}

Parameter Module::Body::add_buffer(const std::string& name, Tensor value) {
  require<Error>(value.defined(), "{}: buffer '{}' is an undefined tensor", kind(), name);
  return add_entry(name, std::move(value), true);
}

Parameter Module::Body::add_entry(const std::string& name, Tensor value, bool is_buffer) {
  check_name(name);
  entries_.push_back({name, Parameter(std::move(value)), is_buffer});
  return entries_.back().parameter;
}

void Module::Body::add_child(const std::string& name, const Module& child) {
  check_name(name);
  require<Error>(child.defined(), "{}: child '{}' is a handle to nothing", kind(), name);
  children_.emplace_back(name, child);
}

void Module::Body::check_name(const std::string& name) const {
  require<Error>(!name.empty() && name.find('.') == name.npos,
                 "{}: '{}' is no name, it must not be empty or have a dot", kind(), name);
  const bool taken =
      std::ranges::any_of(children_, [&](const auto& child) { return child.first == name; }) ||
      std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.name == name; });
  require<Error>(!taken, "{}: there is a '{}' already", kind(), name);
}

std::string current_module_path() {
  std::string path;
  for (size_t i = 1; i < running.size(); ++i) {
    std::string step;
    if (find_path(*running[i - 1], running[i], "", step)) path = join(path, step);
  }
  return path;
}

const Module::Body* current_module() { return running.empty() ? nullptr : running.back(); }

ModuleScope::ModuleScope(const Module::Body& body) : exceptions_(std::uncaught_exceptions()) {
  running.push_back(&body);
}

ModuleScope::~ModuleScope() {
  if (std::uncaught_exceptions() == exceptions_) {
    failed_path.clear();
  } else if (failed_path.empty()) {
    // The innermost module that fails names the place.
    const std::string path = current_module_path();
    failed_path = path.empty() ? running.back()->kind()
                               : fmt::format("{} ({})", path, running.back()->kind());
  }
  running.pop_back();
}

}  // namespace tuco

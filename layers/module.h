// Module: a piece of a network with its parameters. It is a handle: copies share, clone() is deep.
// Behind it stands a Body, which names its children, parameters and buffers once, in its
// constructor; saving, devices, training mode and printing all follow from that. A module of your
// own is a Body and a line:
//
//   struct BlockBody : Module::Body {
//     explicit BlockBody(int64_t channels)
//         : conv(add("conv", Conv2d{{.in = channels, .out = channels, .kernel = 3, .padding =
//         1}})),
//           norm(add("norm", BatchNorm{channels})),
//           scale(add_parameter("scale", ones({channels}))) {}
//     Tensor forward(const Tensor& x) override { return relu(x + norm(conv(x)) * scale); }
//     Conv2d conv;
//     BatchNorm norm;
//     Parameter scale;
//   };
//   using Block = ModuleOf<BlockBody>;
//
//   auto net = Sequential{Block(32), Flatten{}, Linear{{.in = 2048, .out = 10}}};
//   Tensor logits = net(images);
#pragma once
#include <concepts>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "tuco/core/safetensors.h"
#include "tuco/core/tensor.h"

namespace tuco {

/// A module's place for a tensor that is trained or kept with it; converts to the tensor. A handle:
/// copies share the place, so that Module::to reaches all of them.
class Parameter {
 public:
  /// A place without a tensor.
  Parameter() = default;
  explicit Parameter(Tensor tensor) : place_(std::make_shared<Tensor>(std::move(tensor))) {}
  Parameter(const Parameter& other);
  Parameter& operator=(const Parameter& other) = default;
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;

  /// The tensor; undefined where there is none.
  const Tensor& tensor() const;
  operator const Tensor&() const { return tensor(); }  // NOLINT: implicit by design
  const Tensor* operator->() const { return &tensor(); }
  bool defined() const { return tensor().defined(); }
  /// Puts another tensor into the place. Throws Error on a Parameter without a place.
  void set(Tensor tensor) const;
  /// Stands for the place's identity in maps.
  const void* id() const { return place_.get(); }

 private:
  std::shared_ptr<Tensor> place_;
};

/// A handle to a part of a network.
class Module {
 public:
  class Body;

  /// A handle to nothing.
  Module() = default;
  Module(const Module& other);
  Module& operator=(const Module& other) = default;
  Module(Module&&) noexcept = default;
  Module& operator=(Module&&) noexcept = default;

  bool defined() const { return body_ != nullptr; }
  /// Runs forward(x). Errors from inside name the module's path in the network that was called.
  Tensor operator()(const Tensor& x) const;

  /// All parameters that are trained, own ones first, then the children's, each once.
  std::vector<Tensor> parameters() const;
  /// The same with their dotted names ("0.weight").
  NamedTensors named_parameters() const;
  /// What is kept with the weights but not trained, as running statistics.
  NamedTensors buffers() const;
  /// How many numbers the parameters hold.
  int64_t count_parameters() const;
  /// This module (named "") and all below it with their dotted names, parents first.
  std::vector<std::pair<std::string, Module>> modules() const;
  /// The direct children.
  const std::vector<std::pair<std::string, Module>>& children() const;

  /// Parameters and buffers by dotted name; the tensors share their bytes with the module.
  NamedTensors state() const;
  /// Copies values into parameters and buffers. Throws Error naming all entries that are missing,
  /// unexpected, or of another shape or type; nothing is changed then.
  void load_state(const NamedTensors& state) const;

  /// Training mode (dropout drops, batch norm takes the batch's statistics) or evaluation, here and
  /// below. Modules begin in training mode.
  const Module& train(bool on = true) const;
  const Module& eval() const { return train(false); }
  /// The mode of this module alone.
  const Module& train_alone(bool on) const;
  bool training() const;
  /// Whether containers may run neighbours as one fused op, here and below; they begin so. Names,
  /// state and results (up to rounding) are the same either way.
  const Module& fuse(bool on = true) const;
  /// Moves parameters and buffers; call it before an optimizer takes them.
  const Module& to(Device device) const;
  /// Where the first parameter or buffer lies; the CPU if there is none.
  Device device() const;
  /// Converts floating-point parameters and buffers; call it before an optimizer takes them.
  const Module& to(DType dtype) const;

  /// A module of its own with copies of all parameters and buffers, off the tape.
  Module clone() const;
  /// The handle as its own type, M: a layer's, or ModuleOf<Body>. Throws Error if it is another.
  template <class M>
  M as() const;
  /// Whether as<M>() gives one.
  template <class M>
  bool is() const {
    return dynamic_cast<typename M::BodyType*>(body_.get()) != nullptr;
  }

  /// The class's name: "Conv2d".
  std::string kind() const;
  /// The module as an indented tree.
  std::string to_string() const;

  /// The implementation.
  Body& body() const { return *body_; }
  /// Whether both handles refer to the same module.
  bool same(const Module& other) const { return body_ == other.body_; }

 protected:
  explicit Module(std::shared_ptr<Body> body) : body_(std::move(body)) {}
  static void set_copier(Body& body, std::shared_ptr<Body> (*copy)(const Body&));

  std::shared_ptr<Body> body_;

 private:
  [[noreturn]] void fail_as(const char* wanted) const;
};

/// What stands behind a Module. Derive, register in the constructor, implement forward; it must be
/// copyable member by member, and its Module and Parameter members are copied deeply by clone().
class Module::Body {
 public:
  virtual ~Body() = default;
  /// The computation. Throws UnsupportedOp where a module has none of this form.
  virtual Tensor forward(const Tensor& x);
  /// The class's name in printouts and errors; by default the C++ name without "Body".
  virtual std::string kind() const;
  /// Options worth printing: "3 -> 32, kernel 3".
  virtual std::string describe() const { return {}; }
  bool training() const { return training_; }
  bool fused() const { return fused_; }
  const std::vector<std::pair<std::string, Module>>& children() const { return children_; }

 protected:
  Body() = default;
  Body(const Body&) = default;
  Body& operator=(const Body&) = delete;

  /// Registers a child and gives it back. Throws Error if the name is empty, taken, or has a dot,
  /// as the two below do.
  template <std::derived_from<Module> M>
  M add(const std::string& name, M child) {
    add_child(name, child);
    return child;
  }
  /// Registers a tensor that is trained (it is made to require a gradient).
  Parameter add_parameter(const std::string& name, Tensor value);
  /// Registers a tensor that is kept with the weights but not trained.
  Parameter add_buffer(const std::string& name, Tensor value);

 private:
  friend class Module;
  struct Entry {
    std::string name;
    Parameter parameter;
    bool is_buffer;
  };
  void add_child(const std::string& name, const Module& child);
  void check_name(const std::string& name) const;
  Parameter add_entry(const std::string& name, Tensor value, bool is_buffer);

  std::vector<std::pair<std::string, Module>> children_;
  std::vector<Entry> entries_;
  bool training_ = true, fused_ = true;
  std::shared_ptr<Body> (*copy_)(const Body&) = nullptr;
};

/// A handle that knows its implementation, B: construct it with B's arguments, reach B's members
/// with ->.
template <std::derived_from<Module::Body> B>
class ModuleOf : public Module {
 public:
  using BodyType = B;

  /// Makes a B.
  template <class... Args>
  requires(std::constructible_from<B, Args...> &&
           !(sizeof...(Args) == 1 && (std::derived_from<std::remove_cvref_t<Args>, ModuleOf> &&
                                      ...))) explicit ModuleOf(Args&&... args)
      : ModuleOf(std::make_shared<B>(std::forward<Args>(args)...)) {}
  /// Takes a B that is there.
  explicit ModuleOf(std::shared_ptr<B> body) : Module(std::move(body)) {
    const Body& made = *body_;
    if constexpr (std::copy_constructible<B>)
      if (typeid(made) == typeid(B))
        set_copier(*body_, [](const Body& other) -> std::shared_ptr<Body> {
          return std::make_shared<B>(static_cast<const B&>(other));
        });
  }

  B* operator->() const { return static_cast<B*>(body_.get()); }
  ModuleOf clone() const { return Module::clone().template as<ModuleOf>(); }
};

template <class M>
M Module::as() const {
  auto body = std::dynamic_pointer_cast<typename M::BodyType>(body_);
  if (!body) fail_as(typeid(typename M::BodyType).name());
  return M(std::move(body));
}

/// The dotted path of the module that runs on this thread, seen from the one that was called first;
/// empty outside of any, and for the first itself.
std::string current_module_path();
/// The module that runs on this thread, or null.
const Module::Body* current_module();

/// While one lives, `body` counts as the module that runs: for a container that runs a child's part
/// in a fused op, and for forwards of several tensors.
class ModuleScope {
 public:
  explicit ModuleScope(const Module::Body& body);
  ~ModuleScope();
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  int exceptions_;
};

}  // namespace tuco

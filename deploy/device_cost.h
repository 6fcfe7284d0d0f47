// What the runtime's kernels cost on a core, estimated without running them: instructions by a
// model with a few numbers for each kernel and core, fitted to layers that were measured in an
// emulator (bench/mcu/fit_costs.py), and bytes of code likewise. docs/estimates.md says how well it
// fits.
#pragma once
#include <string>
#include <vector>

#include "tuco/deploy/boards.h"
#include "tuco/deploy/program.h"

namespace tuco::deploy {

/// What a layer gives its kernel to do, for one image.
struct KernelWork {
  /// The kernel's name ("conv2d_columns"); empty for a layer that calls none.
  std::string kernel;
  /// Calls of it.
  int64_t calls = 0;
  /// Multiply-accumulates of a convolution or product, values that a pooling or mean looks at, 0
  /// for the rest.
  int64_t steps = 0;
  /// Values of a convolution's windows, or of a product's inputs, each once for all outputs.
  int64_t gathered = 0;
  int64_t output_bytes = 0;
  /// Whether an earlier layer does the same at the same places, as strips do: compilers keep one
  /// function for both.
  bool repeated = false;
};

/// The work of a program's layer.
KernelWork kernel_work(const Program& program, int layer);

/// Instructions that the work takes on the core, in the likely case.
double estimate_instructions(Core core, const KernelWork& work);
/// The share by which the sum over a network's layers may be wrong.
double instruction_error(Core core);

/// Bytes of code of the kernels and of the layers' functions, at -O2.
double estimate_code_bytes(Core core, const std::vector<KernelWork>& layers);
/// The most stack that any measured network took, in bytes.
int64_t stack_bound(Core core);

}  // namespace tuco::deploy

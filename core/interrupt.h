// Interrupt: Ctrl-C as a question that a training loop asks, so that it can save before it ends.
#pragma once

namespace tuco {

/// While one lives, the first Ctrl-C (SIGINT) or SIGTERM only sets a flag; the second ends the
/// program as usual. One at a time.
class Interrupt {
 public:
  /// Throws Error if another one lives.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  /// Whether the user has asked to stop.
  bool requested() const;
};

}  // namespace tuco

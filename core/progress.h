// Progress: the line that a training program shows: epoch, a bar, loss, images a second, the most
// memory that tensors took at once, time left.
// On a terminal it is drawn over and over; where output is piped, there is one plain line an epoch.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace tuco {

/// Counts steps and shows them on a stream.
class Progress {
 public:
  /// `epochs` of `steps` steps each. Without a stream (null) it only counts: where one of several
  /// processes shows them for all.
  Progress(int64_t epochs, int64_t steps, std::FILE* stream = stderr);
  /// One step over `samples` samples was made, with that loss.
  void step(int64_t samples, double loss);
  /// The epoch is over: prints its line, with `note` at its end ("validation 91.2 %").
  void end_epoch(const std::string& note = {});

  /// The mean loss over the samples of this epoch so far.
  double loss() const;
  /// Samples a second in the steps of this epoch so far; what comes after the last step, a
  /// validation for example, does not count.
  double samples_per_second() const;
  /// The line as it would be printed now.
  std::string line() const;

 private:
  using Clock = std::chrono::steady_clock;

  int64_t epochs_, steps_;
  std::FILE* stream_;
  bool terminal_;
  int64_t epoch_ = 1, step_ = 0, samples_ = 0;
  double loss_sum_ = 0;
  Clock::time_point start_, epoch_start_, last_step_, drawn_;
};

/// A duration as people read it: "58 s", "12:05", "1:02:09".
std::string duration_text(double seconds);

}  // namespace tuco

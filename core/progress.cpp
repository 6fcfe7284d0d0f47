#include "tuco/core/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "tuco/core/tensor.h"

namespace tuco {
namespace {

constexpr int64_t kBar = 20;
constexpr std::chrono::milliseconds kBetweenDrawings(100);

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

std::string duration_text(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

Progress::Progress(int64_t epochs, int64_t steps, std::FILE* stream)
    : epochs_(epochs),
      steps_(steps),
      stream_(stream),
      terminal_(stream && isatty(fileno(stream)) == 1),
      start_(Clock::now()),
      epoch_start_(start_),
      last_step_(start_),
      drawn_(start_) {
  // What a program printed before comes before the lines, where both go into one pipe.
  std::fflush(stdout);
}

double Progress::loss() const { return samples_ ? loss_sum_ / static_cast<double>(samples_) : 0; }

double Progress::samples_per_second() const {
  const double seconds = seconds_between(epoch_start_, last_step_);
  return seconds > 0 ? static_cast<double>(samples_) / seconds : 0;
}

std::string Progress::line() const {
  const auto done = static_cast<double>((epoch_ - 1) * steps_ + step_);
  const auto all = static_cast<double>(epochs_ * steps_);
  const double ahead = std::max(all - done, 0.0);
  const double left = done > 0 ? seconds_between(start_, Clock::now()) * ahead / done : 0;
  const int filled = steps_ > 0 ? static_cast<int>(std::min(kBar * step_ / steps_, kBar)) : kBar;
  const int digits = static_cast<int>(fmt::formatted_size("{}", epochs_));
  return fmt::format("epoch {:{}}/{} [{}{}] loss {:.4f}  {:.0f} images/s  {:.0f} MB  {} left",
                     epoch_, digits, epochs_, std::string(filled, '#'),
                     std::string(kBar - filled, '.'), loss(), samples_per_second(),
                     static_cast<double>(memory_stats().peak_bytes) * 1e-6, duration_text(left));
}

void Progress::step(int64_t samples, double loss) {
  ++step_;
  samples_ += samples;
  loss_sum_ += loss * static_cast<double>(samples);
  const auto now = last_step_ = Clock::now();
  if (!terminal_ || now - drawn_ < kBetweenDrawings) return;
  drawn_ = now;
  std::string text = line();
  // A line that wraps could not be drawn over.
  winsize size{};
  if (ioctl(fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 &&
      text.size() >= size.ws_col)
    text.resize(size.ws_col - 1);
  fmt::print(stream_, "\r\x1b[K{}", text);
  std::fflush(stream_);
}

void Progress::end_epoch(const std::string& note) {
  if (stream_) {
    fmt::print(stream_, "{}{}{}{}\n", terminal_ ? "\r\x1b[K" : "", line(), note.empty() ? "" : "  ",
               note);
    std::fflush(stream_);
  }
  ++epoch_;
  step_ = samples_ = 0;
  loss_sum_ = 0;
  epoch_start_ = last_step_ = Clock::now();
}

}  // namespace tuco

#include "tuco/core/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace tuco {
namespace {

/// A stream that is no terminal, and what was printed to it.
class Pipe {
 public:
  operator std::FILE*() const { return file_.get(); }
  std::string text() const {
    std::fflush(file_.get());
    std::rewind(file_.get());
    std::string text;
    for (int c; (c = std::fgetc(file_.get())) != EOF;) text += static_cast<char>(c);
    return text;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
};

TEST(Progress, PipedOutputIsOnePlainLineAnEpoch) {
  const Pipe pipe;
  Progress progress(2, 3, pipe);
  for (int step = 0; step < 3; ++step) progress.step(10, 0.5);
  progress.end_epoch("validation 75.0 %");
  for (int step = 0; step < 3; ++step) progress.step(10, 0.25);
  progress.end_epoch();
  const std::string text = pipe.text();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 32 && c < 127); }))
      << text;
  EXPECT_TRUE(text.starts_with("epoch 1/2 [####################] loss 0.5000 ")) << text;
  EXPECT_NE(text.find(" left  validation 75.0 %\nepoch 2/2 ["), std::string::npos) << text;
  EXPECT_NE(text.find("loss 0.2500 "), std::string::npos) << text;
  EXPECT_NE(text.find(" MB  "), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(" 0 s left\n")) << text;
}

TEST(Progress, WithoutAStreamItOnlyCounts) {
  Progress progress(2, 2, nullptr);
  progress.step(30, 1);
  progress.step(10, 3);
  EXPECT_DOUBLE_EQ(progress.loss(), 1.5);
  progress.end_epoch("validation 75.0 %");
  EXPECT_TRUE(progress.line().starts_with("epoch 2/2 [....................] loss 0.0000 "));
}

TEST(Progress, LossIsTheMeanOverSamplesOfTheEpoch) {
  const Pipe pipe;
  Progress progress(2, 2, pipe);
  EXPECT_EQ(progress.loss(), 0);
  progress.step(30, 1);
  progress.step(10, 3);
  EXPECT_DOUBLE_EQ(progress.loss(), 1.5);
  progress.end_epoch();
  EXPECT_EQ(progress.loss(), 0);
}

TEST(Progress, WhatFollowsTheLastStepDoesNotSlowTheSteps) {
  const Pipe pipe;
  Progress progress(1, 1, pipe);
  EXPECT_EQ(progress.samples_per_second(), 0);
  progress.step(10, 1);
  const double before = progress.samples_per_second();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GT(before, 0);
  EXPECT_EQ(progress.samples_per_second(), before);
}

TEST(Progress, TheBarGrowsAndStopsAtItsEnd) {
  const Pipe pipe;
  Progress progress(10, 4, pipe);
  EXPECT_TRUE(progress.line().starts_with("epoch  1/10 [....................] loss"));
  progress.step(1, 1);
  EXPECT_TRUE(progress.line().starts_with("epoch  1/10 [#####...............] loss"));
  for (int step = 0; step < 99; ++step) progress.step(1, 1);  // more than announced
  EXPECT_TRUE(progress.line().starts_with("epoch  1/10 [####################] loss"));
  EXPECT_NE(progress.line().find(" 0 s left"), std::string::npos) << progress.line();
}

TEST(Progress, DurationsAreAsPeopleReadThem) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59.4), "59 s");
  EXPECT_EQ(duration_text(59.6), "1:00");
  EXPECT_EQ(duration_text(725), "12:05");
  EXPECT_EQ(duration_text(3599), "59:59");
  EXPECT_EQ(duration_text(3729), "1:02:09");
  EXPECT_EQ(duration_text(100 * 3600), "100:00:00");
}

}  // namespace
}  // namespace tuco

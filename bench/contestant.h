// A contestant of bench/peers: a process that runs one workload when it is told to, so that ours
// and the others' take turns within one run. It prints "ready", and then answers each line "run N"
// of its input with the N times in microseconds on one line, and "peak" with its peak resident
// memory in bytes; "quit" or the end of the input ends it.
#pragma once
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace tuco::bench {

/// Runs `work` for so many seconds, three times at least; the times in microseconds, sorted.
template <class Work>
std::vector<double> times_within(double seconds, Work&& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (const auto end = Clock::now() + std::chrono::duration<double>(seconds);
       Clock::now() < end || times.size() < 3;) {
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times;
}

/// Answers the commands on the standard input by running `work`.
template <class Work>
void serve(Work&& work) {
  using Clock = std::chrono::steady_clock;
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::istringstream words(line);
    std::string command;
    int64_t times = 0;
    words >> command >> times;
    if (command == "peak") {
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      std::cout << usage.ru_maxrss * 1024;
    }
    for (int64_t i = 0; i < times && command == "run"; ++i) {
      const auto start = Clock::now();
      work();
      const std::chrono::duration<double, std::micro> took = Clock::now() - start;
      std::cout << (i ? " " : "") << took.count();
    }
    std::cout << std::endl;
  }
}

}  // namespace tuco::bench

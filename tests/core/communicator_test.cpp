#include "tuco/core/communicator.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temporary_folder.h"
#include "tests/support/thread_processes.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

using test::message_of;

constexpr const char* kVariables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE",
                                      "PMIX_RANK", "SLURM_STEP_NUM_TASKS"};

/// How many processes a program sees in an environment that has these variables alone.
int launched(const std::vector<std::pair<const char*, const char*>>& variables) {
  std::vector<std::pair<const char*, std::string>> before;
  for (const char* name : kVariables) {
    if (const char* value = std::getenv(name)) before.emplace_back(name, value);
    unsetenv(name);
  }
  for (const auto& [name, value] : variables) setenv(name, value, 1);
  const int result = launched_processes();
  for (const char* name : kVariables) unsetenv(name);
  for (const auto& [name, value] : before) setenv(name, value.c_str(), 1);
  return result;
}

TEST(LaunchedProcesses, AreReadFromTheEnvironment) {
  EXPECT_EQ(launched({}), 1);
  EXPECT_EQ(launched({{"OMPI_COMM_WORLD_SIZE", "3"}}), 3);
  EXPECT_EQ(launched({{"PMI_SIZE", "12"}}), 12);
  EXPECT_EQ(launched({{"MV2_COMM_WORLD_SIZE", "2"}}), 2);
  EXPECT_EQ(launched({{"PMIX_RANK", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}}), 4);
  // A batch job whose script starts the program itself.
  EXPECT_EQ(launched({{"SLURM_STEP_NUM_TASKS", "4"}}), 1);
  EXPECT_EQ(launched({{"PMIX_RANK", "0"}}), 1);
  EXPECT_EQ(launched({{"OMPI_COMM_WORLD_SIZE", "many"}}), 1);
}

TEST(Communicator, OneProcessIsAWorld) {
  Communicator& alone = world();
  EXPECT_EQ(alone.size(), 1);
  EXPECT_EQ(alone.rank(), 0);
  const Tensor x = full({3}, 2);
  const auto pending = alone.start_sum(x);
  EXPECT_TRUE(pending->test());
  pending->wait();
  alone.duplicate()->broadcast(x);
  alone.barrier();
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(3, 2));
  EXPECT_EQ(alone.gather("abc"), std::vector<std::string>{"abc"});
  EXPECT_EQ(gather(alone, 1.5), std::vector<double>{1.5});
  EXPECT_TRUE(any(alone, true));
  EXPECT_FALSE(any(alone, false));
}

TEST(Communicator, ChecksAtTheDoor) {
  EXPECT_THROW(world().sum(ones({2}, {DType::uint8})), DTypeError);
  EXPECT_THROW(world().sum(permute(ones({2, 3}), {1, 0})), Error);
  EXPECT_THROW(world().broadcast(permute(ones({2, 3}), {1, 0})), Error);
  EXPECT_EQ(message_of<Error>([] { world().broadcast(ones({2}), 1); }),
            "broadcast: from process 1 of 1");
}

TEST(Communicator, GathersNumbersOfAll) {
  test::run_processes(3, [](Communicator& processes) {
    EXPECT_EQ(gather(processes, 0.5 + processes.rank()), (std::vector<double>{0.5, 1.5, 2.5}));
    EXPECT_TRUE(any(processes, processes.rank() == 1));
    EXPECT_FALSE(any(processes, false));
  });
}

}  // namespace
}  // namespace tuco

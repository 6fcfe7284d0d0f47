// The one test that walks the list: every op of op::Any, each of its samples, every check, every
// device.
#include <gtest/gtest.h>

#include "tests/ops/op_checks.h"

namespace tuco::test {
namespace {

/// One op of the list, with its samples made when the test runs.
struct Entry {
  std::string name;
  Samples (*make)();
  friend void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.name; }
};

template <class Op>
void add_entry(std::vector<Entry>& entries) {
  if constexpr (HasSamples<Op>) {
    std::string name;
    if constexpr (std::is_same_v<Op, op::Custom>)
      name = Op::name;
    else
      name = tuco::name(op::Any(Op{}));
    entries.push_back({name, [] { return samples(Tag<Op>{}); }});
  }
}

template <class... Op>
std::vector<Entry> walk(const std::variant<Op...>*) {
  std::vector<Entry> entries;
  (add_entry<Op>(entries), ...);
  return entries;
}

class OpList : public testing::TestWithParam<Entry> {};

TEST_P(OpList, KeepsItsPromises) {
  const Samples list = GetParam().make();
  ASSERT_FALSE(list.empty());
  for (const Device device : test_devices())
    for (size_t i = 0; i < list.size(); ++i) {
      std::string shapes;
      for (const Tensor& input : list[i].inputs) shapes += " " + input.shape().to_string();
      SCOPED_TRACE(fmt::format("sample {}: {} of{} on {}", i, to_string(list[i].op), shapes, device));
      for (const DType floating : {DType::float32, DType::float64}) {
        SCOPED_TRACE(name(floating));
        expect_inferred(list[i], floating, device);
        expect_all_written(list[i], floating, device);
        expect_bound_agrees(list[i], floating, device);
        expect_strides_do_not_matter(list[i], floating, device);
      }
      expect_float32_agrees(list[i], device);
      expect_gradient(list[i], device);
      expect_gradients_accumulate(list[i], device);
      expect_empty_batch(list[i], device);
    }
}

INSTANTIATE_TEST_SUITE_P(Op, OpList, testing::ValuesIn(walk(static_cast<op::Any*>(nullptr))),
                         [](const auto& entry) { return entry.param.name; });

}  // namespace
}  // namespace tuco::test

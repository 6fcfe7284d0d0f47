#include "tuco/deploy/export_c.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/deploy/exported_c.h"
#include "tests/deploy/pointwise_networks.h"
#include "tests/deploy/quantized.h"
#include "tuco/core/error.h"

namespace tuco::deploy {
namespace {

constexpr const char* kFlags = "-Wall -Wextra -Werror -pedantic";
constexpr int64_t kImages = 4;

QuantizedModel model_of(const test::Network& network, uint64_t seed) {
  return test::quantized(network, seed % 4 == 3 ? Rounding::kSingle : Rounding::kDouble, seed + 1);
}

bool has(const std::string& program) {
  return std::system((program + " --version > /dev/null 2>&1").c_str()) == 0;
}

TEST(ExportC, EveryCompilerGivesTheInterpretersBytes) {
  const auto network = test::small_network();
  const QuantizedModel model = model_of(network, 0);
  const Tensor images = test::random_images(network, kImages, 77);
  for (const std::string compiler :
       {"gcc -std=c99 -O2", "gcc -std=c99 -Os", "gcc -std=c11 -O3 -fsanitize=address,undefined",
        "g++ -x c++ -std=c++17 -O1", "clang -std=c99 -O2", "clang++ -x c++ -std=c++11 -O2"}) {
    if (!has(compiler.substr(0, compiler.find(' ')))) continue;
    SCOPED_TRACE(compiler);
    test::expect_same_bytes(model, images, compiler + " " + kFlags + " -Wno-deprecated");
  }
}

TEST(ExportC, RandomNetworksGiveTheInterpretersBytes) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE(seed);
    const auto network = test::random_network(seed);
    test::expect_same_bytes(model_of(network, seed),
                            test::random_images(network, kImages, seed + 9),
                            fmt::format("gcc -std=c99 -O1 {}", kFlags));
  }
}

TEST(ExportC, PointwiseNetworksGiveTheInterpretersBytes) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const auto network = test::random_pointwise_network(seed);
    test::expect_same_bytes(model_of(network, seed),
                            test::random_images(network, kImages, seed + 9),
                            fmt::format("gcc -std=c99 -O1 {} {}",
                                        seed % 8 ? "" : "-fsanitize=address,undefined", kFlags));
  }
}

TEST(ExportC, NeedsNothingButTheCompilersHeaders) {
  const CSource c = generate_c(model_of(test::small_network(), 0), "net");
  for (const std::string& text : {c.header, c.source})
    for (size_t at = text.find("#include"); at != std::string::npos;
         at = text.find("#include", at + 1)) {
      const std::string line = text.substr(at, text.find('\n', at) - at);
      EXPECT_TRUE(line == "#include <stdint.h>" || line == "#include <stddef.h>" ||
                  line == "#include <arm_mve.h>" ||  // where the core has Helium
                  line == "#include \"net.h\"")
          << line;
    }
  for (const char* word : {"float ", "double ", "malloc"})
    EXPECT_EQ(c.source.find(word), std::string::npos) << word;
  EXPECT_NE(c.header.find(fmt::format("#define NET_ARENA_BYTES {}", c.arena_bytes)),
            std::string::npos);
}

TEST(ExportC, IsTheSameEveryTime) {
  const auto once = generate_c(model_of(test::small_network(), 0), "net");
  const auto again = generate_c(model_of(test::small_network(), 0), "net");
  EXPECT_EQ(once.source, again.source);
  EXPECT_EQ(once.header, again.header);
}

TEST(ExportC, NamesMustBeIdentifiers) {
  const QuantizedModel model = model_of(test::small_network(), 0);
  for (const char* name : {"", "2d", "a-b", "a b", "\xc3\xa4"})
    EXPECT_THROW(generate_c(model, name), Error) << name;
}

TEST(ExportC, NamesSurviveAnySpelling) {
  const auto network = test::small_network();
  Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  optimize(graph);
  graph.preprocessing = Preprocessing{
      .height = 12, .width = 12, .class_names = {"a \"b\"", "back\\slash ?\?/", "n\xc3\xa4me\n"}};
  // Module names stand in comments.
  graph.nodes[0].name = "*/ int system(const char*); /\\\n#error";
  const QuantizedModel model = quantize(graph, test::random_images(network, 4, 1));
  test::expect_same_bytes(model, test::random_images(network, 1, 2),
                          fmt::format("gcc -std=c99 -O1 {}", kFlags));
}

}  // namespace
}  // namespace tuco::deploy

#include "tuco/core/safetensors.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco {
namespace {

using test::message_of;
using test::TemporaryFolder;

// A file of the given header and bytes of data.
Bytes file_of(const std::string& header, size_t data_bytes, uint64_t claimed = ~uint64_t{0}) {
  const uint64_t length = claimed == ~uint64_t{0} ? header.size() : claimed;
  Bytes bytes(8);
  std::memcpy(bytes.data(), &length, 8);
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + data_bytes);
  return bytes;
}

std::string error_of(const Bytes& bytes) {
  return message_of<FormatError>([&] { load_safetensors(File::memory(bytes, "x")); });
}

TEST(Safetensors, WritesTheBytesOfTheFormat) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.safetensors";
  save_safetensors(
      path, {{"b", from_values<int8_t>({-1, 2}, {2})}, {"w", from_values<float>({1, 2}, {2, 1})}},
      {{"k", "v\""}});
  const std::string header =
      R"({"__metadata__":{"k":"v\""},"b":{"dtype":"I8","shape":[2],"data_offsets":[8,10]},)"
      R"("w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";
  Bytes expected = file_of(header + std::string((8 - header.size() % 8) % 8, ' '), 0);
  for (const int byte : {0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0xFF, 2})
    expected.push_back(static_cast<uint8_t>(byte));
  EXPECT_EQ(File::open(path).read_all(), expected);
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.safetensors";
  const Tensor image = from_values<uint8_t>({0, 1, 2, 255, 4, 5}, {2, 3});
  const Tensor transposed(image.storage(), image.layout().permute(std::array{1, 0}), DType::uint8);
  save_safetensors(path,
                   {{"layer.weight", from_values<float>({1.5F, -2, 3}, {3})},
                    {"double", from_values<double>({1e300}, {})},
                    {"transposed", transposed},
                    {"flags", from_values<bool>({true, false, true}, {3, 1})},
                    {"empty", empty({0, 4})},
                    {"long", from_values<int64_t>({-(int64_t{1} << 60)}, {1})},
                    {"int", from_values<int32_t>({7}, {1})},
                    {"näme", from_values<int8_t>({-128}, {1})}},
                   {{"tuco.layout", "ohwi"}, {"leer", ""}});
  const Safetensors loaded = load_safetensors(path);
  EXPECT_EQ(loaded.metadata, (Metadata{{"tuco.layout", "ohwi"}, {"leer", ""}}));
  ASSERT_EQ(loaded.tensors.size(), 8u);
  EXPECT_EQ(loaded.tensors[0].first, "layer.weight");
  EXPECT_EQ(loaded.find("layer.weight")->to_vector<float>(), (std::vector<float>{1.5F, -2, 3}));
  EXPECT_EQ(loaded.find("double")->shape(), Shape());
  EXPECT_EQ(loaded.find("double")->item<double>(), 1e300);
  EXPECT_EQ(loaded.find("transposed")->shape(), Shape({3, 2}));
  EXPECT_EQ(loaded.find("transposed")->to_vector<uint8_t>(),
            (std::vector<uint8_t>{0, 255, 1, 4, 2, 5}));
  EXPECT_EQ(loaded.find("flags")->to_vector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(loaded.find("empty")->shape(), Shape({0, 4}));
  EXPECT_EQ(loaded.find("long")->to_vector<int64_t>()[0], -(int64_t{1} << 60));
  EXPECT_EQ(loaded.find("int")->dtype(), DType::int32);
  EXPECT_EQ(loaded.find("näme")->item<int>(), -128);
  EXPECT_EQ(loaded.find("missing"), nullptr);
}

TEST(Safetensors, AFailureLeavesTheOldFileWhole) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.safetensors";
  const Tensor one = from_values<float>({1}, {1});
  save_safetensors(path, {{"a", one}});
  EXPECT_EQ(message_of<Error>([&] {
              save_safetensors(path, {{"b", one}, {"b", one}});
            }),
            "save_safetensors: the name 'b' is empty, reserved or there twice");
  EXPECT_THROW(save_safetensors(path, {{"", one}}), Error);
  EXPECT_THROW(save_safetensors(path, {{"__metadata__", one}}), Error);
  EXPECT_THROW(save_safetensors(path, {{"\xFF", one}}), Error);
  EXPECT_THROW(save_safetensors(path, {{"b", one}}, {{"k", "\xFF"}}), Error);
  EXPECT_NE(load_safetensors(path).find("a"), nullptr);
}

TEST(Safetensors, NamesWhatIsWrong) {
  const std::string f32 = R"("dtype":"F32")";
  const struct {
    std::string header;
    size_t data;
    const char* error;
  } cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7,
       "tensor 'a' ends at byte 8 of 7 of data"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9, "end at byte 8 of 9"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}})", 7,
       "'a' of shape (2,) and float32 ends at byte 7, expected 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "begins at byte 4 of the"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "'b' begins at byte 4 of the data, expected 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "'a' begins at byte 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4, "more than two"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "lacks its dtype"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4, "lacks its dtype"},
      {R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4, "'a' has dtype 'F16'"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4, "unknown field 'x'"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "a negative number"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "a fraction"},
      {R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4, "a list where"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4, "beyond 8"},
      {R"({"a":{"dtype":"F32","shape":[281474976710656,281474976710656],"data_offsets":[0,0]}})", 0,
       "is too large"},
      {R"({"a":{"dtype":"F32","shape":[281474976710656,281474976710656,0],"data_offsets":[0,0]}})",
       0, "is too large"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0, "beyond"},
      {R"({"a":{"dtype":"BOOL","shape":[0],"data_offsets":[0,0]},"a":{}})", 0,
       "'a' is there twice"},
      {R"({"a":{"dtype":"U8","dtype":"U8"}})", 0, "'dtype' is there twice"},
      {R"({"__metadata__":{"k":1}})", 0, "a number where the header's 'k'"},
      {R"({"__metadata__":["k"]})", 0, "a list where"},
      {R"({"a":null})", 0, "null where"},
      {R"({"a":{)", 0, "no JSON at byte"},
      {"{}{}", 0, "no JSON at byte"},
      {"{\"\xFF\":{}}", 0, "no JSON at byte"},
      {" {}", 0, "does not begin with '{'"},
      {"", 0, "does not begin with '{'"},
      {"[]", 0, "does not begin with '{'"},
  };
  for (const auto& wrong : cases) {
    const std::string error = error_of(file_of(wrong.header, wrong.data));
    EXPECT_EQ(error.rfind("x: safetensors: ", 0), 0u) << wrong.header << ": " << error;
    EXPECT_NE(error.find(wrong.error), std::string::npos) << wrong.header << ": " << error;
  }
  EXPECT_EQ(error_of({1, 2, 3}), "x: truncated: 8 bytes wanted at 0, but the file has 3");
  EXPECT_NE(error_of(file_of("{}", 0, 3)).find("truncated"), std::string::npos);
  EXPECT_NE(error_of(file_of("{}", 0, ~uint64_t{0} - 1)).find("more than 100000000"),
            std::string::npos);
  Bytes flags = file_of(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2);
  flags.back() = 2;
  EXPECT_EQ(error_of(flags), "x: safetensors: tensor 'a': element 1 is 2, which is no bool");
  EXPECT_EQ(error_of(file_of("{}  ", 0)), "");
}

// Deep nesting is refused where it begins, not when memory or the stack ends.
TEST(Safetensors, RefusesDeepNestingAtOnce) {
  const std::string deep(10'000'000, '[');
  EXPECT_NE(error_of(file_of("{\"a\":" + deep, 0)).find("a list where"), std::string::npos);
}

}  // namespace
}  // namespace tuco

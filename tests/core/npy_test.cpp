#include "tuco/core/npy.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco {
namespace {

using test::message_of;
using test::TemporaryFolder;

Bytes npy_of(const std::string& header, const Bytes& data, uint8_t version = 1) {
  Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  bytes.push_back(static_cast<uint8_t>(header.size()));
  bytes.push_back(static_cast<uint8_t>(header.size() >> 8));
  if (version > 1) bytes.insert(bytes.end(), {0, 0});
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Tensor load(const Bytes& bytes) { return load_npy(File::memory(bytes, "x")); }

std::string error_of(const Bytes& bytes) {
  return message_of<FormatError>([&] { load(bytes); });
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.npy";
  save_npy(path, from_values<int8_t>({1, -1, 3}, {3}));
  std::string header = "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }";
  header.resize(128 - 10 - 1, ' ');
  EXPECT_EQ(File::open(path).read_all(), npy_of(header + "\n", {1, 0xFF, 3}));
}

TEST(Npy, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.npy";
  const auto round_trip = [&]<class T>(const std::vector<T>& values, const Shape& shape) {
    save_npy(path, from_values(values, shape));
    const Tensor loaded = load_npy(path);
    EXPECT_EQ(loaded.shape(), shape);
    EXPECT_EQ(loaded.to_vector<T>(), values);
  };
  round_trip(std::vector<float>{1.5F, -2, 1e-40F, 4, 5, 6}, {2, 3});
  round_trip(std::vector<double>{1e300}, {});
  round_trip(std::vector<uint8_t>{0, 255}, {2, 1});
  round_trip(std::vector<int32_t>{-5}, {1, 1, 1});
  round_trip(std::vector<int64_t>{}, {0, 3});
  round_trip(std::vector<bool>{true, false}, {2});
}

TEST(Npy, ReadsColumnMajorAndNewerVersions) {
  const std::string header = "{'shape': (2, 3), 'fortran_order': True, 'descr': '|u1'}\n";
  for (const uint8_t version : {1, 2, 3}) {
    const Tensor tensor = load(npy_of(header, {1, 4, 2, 5, 3, 6}, version));
    EXPECT_EQ(tensor.shape(), Shape({2, 3}));
    EXPECT_TRUE(tensor.is_contiguous());
    EXPECT_EQ(tensor.to_vector<uint8_t>(), (std::vector<uint8_t>{1, 2, 3, 4, 5, 6}));
  }
}

TEST(Npy, NamesWhatIsWrong) {
  const struct {
    const char* header;
    size_t data;
    const char* error;
  } cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7,
       "7 bytes of data, shape (2,) and float32 want 8"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9, "9 bytes of data"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (), }", 4, "descr '>f4'"},
      {"{'descr': '<f2', 'fortran_order': False, 'shape': (), }", 2, "descr '<f2'"},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (), }", 2, "descr '|O'"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (), }", 4, "records"},
      {"{'descr': '|b1', 'fortran_order': False, 'shape': (2), }", 2, "a tuple"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1 1), }", 1, "expected ','"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }", 1, "a size or ')'"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }", 1, "a size"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (562949953421312,), }", 1, "beyond"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (281474976710656,2), }", 1, "too large"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 1, "beyond 8"},
      {"{'descr': '|u1', 'fortran_order': 0, 'shape': (1,), }", 1, "True or False"},
      {"{'descr': '|u1', 'shape': (1,), }", 1, "lacks"},
      {"{'descr': '|u1', 'descr': '|u1'}", 1, "unknown or repeated header field 'descr'"},
      {"{'other': 1}", 1, "unknown or repeated header field 'other'"},
      {"{'descr': '|u1", 1, "the end of a text"},
      {"{} x", 0, "nothing more"},
      {"", 0, "expected '{'"},
  };
  for (const auto& wrong : cases) {
    const std::string error = error_of(npy_of(wrong.header, Bytes(wrong.data)));
    EXPECT_EQ(error.rfind("x: npy: ", 0), 0u) << wrong.header << ": " << error;
    EXPECT_NE(error.find(wrong.error), std::string::npos) << wrong.header << ": " << error;
  }
  EXPECT_EQ(error_of({'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0}), "x: npy: does not begin as one");
  EXPECT_EQ(error_of(npy_of("{}", {}, 4)), "x: npy: version 4, known are 1 to 3");
  EXPECT_NE(error_of({0x93, 'N', 'U'}).find("truncated"), std::string::npos);
  EXPECT_NE(error_of({0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 9, 0}).find("truncated"),
            std::string::npos);
  EXPECT_NE(error_of({0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 0, 0, 0, 0xFF}).find("more than"),
            std::string::npos);
  EXPECT_EQ(error_of(npy_of("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", {1, 9})),
            "x: npy: element 1 is 9, which is no bool");
}

}  // namespace
}  // namespace tuco

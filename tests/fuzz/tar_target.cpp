#include "tests/data/samples.h"
#include "tests/fuzz/target.h"
#include "tuco/data/tar.h"

namespace tuco::fuzz {

std::vector<Bytes> samples() {
  const std::string long_name = std::string(120, 'd') + "/cat.jpg";
  return {test::tar_of({}), test::tar_of({{"a/cat.jpg", {1, 2, 3}}, {"a/dog.jpg", Bytes(600)}}),
          test::tar_of({{long_name, {1}}}, 'L'), test::tar_of({{long_name, {1}}}, 'x')};
}

void parse(const Bytes& bytes) {
  const File archive = File::memory(bytes, "fuzz");
  for (const data::TarEntry& entry : data::list_tar(archive))
    archive.read(entry.offset, entry.size);
}

}  // namespace tuco::fuzz

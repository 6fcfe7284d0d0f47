// A program outside the source tree: what it includes is installed, and what it calls links.
#include <cstdio>

#include "tuco/core/communicator.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/core/shape.h"

int main() {
  const tuco::Shape shape = tuco::broadcast("add", {4, 1, 3}, {5, 1});
  std::printf("%s %.3f %d\n", shape.to_string().c_str(), tuco::Rng(1).uniform(),
              tuco::world().size());
  try {
    tuco::broadcast("add", {2}, {3});
  } catch (const tuco::ShapeError& error) {
    std::puts(error.what());
    return shape == tuco::Shape({4, 5, 3}) ? 0 : 1;
  }
  return 1;
}

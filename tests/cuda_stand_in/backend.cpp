// backend() as a build with CUDA has it, for programs of the tests: linked before the library, it is
// the one that they use.
#define TUCO_CUDA
#include "tuco/devices/backend.cpp"

# Toolchain: AArch64 Linux with Debian's cross compiler and multiarch libraries (the tier aarch64 of
# scripts/install-dependencies). Programs of the build and tests run in QEMU's emulation of user
# programs.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
find_program(TUCO_QEMU_AARCH64 qemu-aarch64 REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${TUCO_QEMU_AARCH64})

// A shared library of NVIDIA's that is loaded when it is first needed.
#pragma once

/// The file of a library, with the version that the headers are of: "libcublas.so.13".
#define TUCO_LIBRARY_FILE(stem, major) "lib" stem ".so." TUCO_LIBRARY_TEXT(major)
#define TUCO_LIBRARY_TEXT(x) #x

namespace tuco::cuda {

/// Open until the program ends.
class Library {
 public:
  /// Opens the path that the environment's `variable` holds, else `file` where the loader or the
  /// toolkit that Tuco was built with has it. Throws DeviceError, naming what was tried.
  Library(const char* name, const char* variable, const char* file);

  /// Sets `function` to the one of that name. Throws DeviceError if there is none.
  template <class F>
  void find(F& function, const char* symbol) const {
    function = reinterpret_cast<F>(find(symbol));
  }

 private:
  void* find(const char* symbol) const;

  const char* name_;
  void* handle_ = nullptr;
};

}  // namespace tuco::cuda

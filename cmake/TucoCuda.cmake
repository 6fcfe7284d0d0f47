# The CUDA backend's part of the build: whether it is in, and how its sources are compiled, by nvcc
# for devices and by g++ for the tests on the stand-in of the CUDA libraries.

# AUTO takes it in where the toolkit is found; ON fails without; OFF leaves it out.
set(TUCO_CUDA AUTO CACHE STRING "The backend for NVIDIA GPUs: AUTO, ON or OFF")
set_property(CACHE TUCO_CUDA PROPERTY STRINGS AUTO ON OFF)
# Code for the architectures that CUDA 13 knows, and PTX of the last for those to come. A short list
# builds several times as fast; `native` is the GPU of this machine.
set(TUCO_CUDA_ARCHITECTURES "75-real;80-real;86-real;89-real;90-real;100-real;120" CACHE STRING
    "GPU architectures to compile for, as CMAKE_CUDA_ARCHITECTURES")

# The backend's sources: what g++ compiles, and kernels.
include(${CMAKE_CURRENT_LIST_DIR}/../devices/cuda/sources.cmake)

# Sets TUCO_HAS_CUDA, and enables the language.
macro(tuco_find_cuda)
  set(TUCO_HAS_CUDA OFF)
  if(NOT TUCO_CUDA STREQUAL "OFF" AND NOT CMAKE_CROSSCOMPILING OR TUCO_CUDA STREQUAL "ON")
    find_package(CUDAToolkit 13 QUIET)
    if(CUDAToolkit_FOUND AND NOT CMAKE_CUDA_COMPILER)
      set(CMAKE_CUDA_ARCHITECTURES OFF)  # each target says its own
      include(CheckLanguage)
      check_language(CUDA)
    endif()
    find_path(TUCO_CUDNN_INCLUDE cudnn_backend.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    find_path(TUCO_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    if(CUDAToolkit_FOUND AND CMAKE_CUDA_COMPILER AND TUCO_CUDNN_INCLUDE)
      enable_language(CUDA)
      set(TUCO_HAS_CUDA ON)
    elseif(TUCO_CUDA STREQUAL "ON")
      message(FATAL_ERROR "TUCO_CUDA is ON: it takes the CUDA toolkit 13 with nvcc (found: "
                          "${CUDAToolkit_VERSION}, ${CMAKE_CUDA_COMPILER}) and cuDNN 9's headers "
                          "(found: ${TUCO_CUDNN_INCLUDE})")
    endif()
  endif()
endmacro()

# Compiles the backend by nvcc into the library.
function(tuco_add_cuda target)
  add_library(tuco_cuda OBJECT)
  list(TRANSFORM TUCO_CUDA_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/devices/)
  list(TRANSFORM TUCO_CUDA_KERNELS PREPEND ${PROJECT_SOURCE_DIR}/devices/)
  target_sources(tuco_cuda PRIVATE ${TUCO_CUDA_SOURCES} ${TUCO_CUDA_KERNELS})
  tuco_configure_target(tuco_cuda)
  set_target_properties(tuco_cuda PROPERTIES POSITION_INDEPENDENT_CODE ON
                        CUDA_ARCHITECTURES "${TUCO_CUDA_ARCHITECTURES}")
  target_compile_features(tuco_cuda PRIVATE cxx_std_20)
  target_include_directories(tuco_cuda PRIVATE ${PROJECT_BINARY_DIR}/include)
  target_include_directories(tuco_cuda SYSTEM PRIVATE ${TUCO_CUDNN_INCLUDE})
  target_compile_options(tuco_cuda PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-std=c++20 --extended-lambda --expt-relaxed-constexpr -Xcompiler -Wall,-Wextra>"
    $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
  target_compile_definitions(tuco_cuda PRIVATE
    TUCO_CUDA_LIBRARY_FOLDER="${CUDAToolkit_LIBRARY_DIR}")
  if(TUCO_NCCL_INCLUDE)
    target_include_directories(tuco_cuda SYSTEM PRIVATE ${TUCO_NCCL_INCLUDE})
    target_compile_definitions(tuco_cuda PRIVATE TUCO_HAVE_NCCL)
  endif()
  target_link_libraries(tuco_cuda PRIVATE fmt::fmt CUDA::cudart_static)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:tuco_cuda>)
  # The runtime is part of the library and wants no driver until a device is asked for; cuBLAS and
  # cuDNN are loaded then, too.
  target_link_libraries(${target} PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
  set_property(SOURCE ${PROJECT_SOURCE_DIR}/devices/backend.cpp TARGET_DIRECTORY ${target}
               APPEND PROPERTY COMPILE_DEFINITIONS TUCO_CUDA)
endfunction()

# Compiles the backend by g++ for the stand-in, which the target `stand_in` is; the result goes into a
# program before the library, so that the program's backend is this one.
function(tuco_add_cuda_on_stand_in name stand_in)
  list(TRANSFORM TUCO_CUDA_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/devices/)
  list(TRANSFORM TUCO_CUDA_KERNELS PREPEND ${PROJECT_SOURCE_DIR}/devices/)
  set(kernels "")
  foreach(kernel ${TUCO_CUDA_KERNELS})
    get_filename_component(stem ${kernel} NAME)
    # CMake compiles a .cu file as CUDA in every target, so each is included by a file of its own.
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}/${stem}.cpp CONTENT
         "#include \"tuco/devices/cuda/${stem}\"\n")
    list(APPEND kernels ${CMAKE_CURRENT_BINARY_DIR}/${name}/${stem}.cpp)
  endforeach()
  add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/tests/cuda_stand_in/backend.cpp
              ${TUCO_CUDA_SOURCES} ${kernels})
  tuco_configure_target(${name})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -ffp-contract=off)
  target_compile_definitions(${name} PRIVATE TUCO_CUDA_STAND_IN
                             $<TARGET_PROPERTY:${stand_in},INTERFACE_COMPILE_DEFINITIONS>)
  target_link_libraries(${name} PRIVATE fmt::fmt)
  target_include_directories(${name} PRIVATE ${PROJECT_BINARY_DIR}/include
                             $<TARGET_PROPERTY:${stand_in},INTERFACE_INCLUDE_DIRECTORIES>)
  target_include_directories(${name} SYSTEM PRIVATE
                             $<TARGET_PROPERTY:${stand_in},INTERFACE_SYSTEM_INCLUDE_DIRECTORIES>)
endfunction()

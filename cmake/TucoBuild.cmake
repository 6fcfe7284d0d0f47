# The parts of the build that say how, where CMakeLists.txt says what.

macro(tuco_find_dependencies)
  find_package(Threads REQUIRED)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  find_package(Eigen3 3.4 REQUIRED NO_MODULE)
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(JPEG REQUIRED)
  find_package(PNG REQUIRED)
  find_package(ZLIB REQUIRED)
  find_path(TUCO_HIGHWAY_INCLUDE hwy/highway.h REQUIRED)
  find_library(TUCO_HIGHWAY_LIBRARY hwy REQUIRED)
  find_program(CCACHE_PROGRAM ccache)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  endif()
endmacro()

# Warnings and sanitizers that hold for everything of ours: library, tools, examples, tests.
function(tuco_configure_target target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False alarms of GCC 12 inside std::string (bugs 105329 and 105651).
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow
                                             -Wno-restrict>)
  endif()
  if(TUCO_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TUCO_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${TUCO_SANITIZE})
  endif()
endfunction()

function(tuco_configure_library target)
  tuco_configure_target(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_include_directories(${target} PRIVATE ${TUCO_HIGHWAY_INCLUDE})
  target_link_libraries(${target} PUBLIC fmt::fmt Threads::Threads
                        PRIVATE $<BUILD_INTERFACE:Eigen3::Eigen>
                                $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>
                                OpenMP::OpenMP_CXX JPEG::JPEG PNG::PNG ZLIB::ZLIB
                                ${TUCO_HIGHWAY_LIBRARY})
  target_precompile_headers(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${PROJECT_SOURCE_DIR}/cmake/precompiled.h>)
endfunction()

function(tuco_install_library target)
endfunction()

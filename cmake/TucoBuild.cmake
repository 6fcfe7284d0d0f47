# The parts of the build that say how, where CMakeLists.txt says what.

# Compiles through ccache where it is installed and nothing else was asked for. Its settings go with
# the command, not with the user's configuration: precompiled headers are cached only with these,
# and paths below the source folder are relative, so that a new clone finds what an old one built.
macro(tuco_use_ccache)
  find_program(TUCO_CCACHE ccache)
  if(TUCO_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(TUCO_CCACHE_BASE ${PROJECT_SOURCE_DIR})
    if(DEFINED ENV{CCACHE_BASEDIR})
      set(TUCO_CCACHE_BASE $ENV{CCACHE_BASEDIR})
    endif()
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${TUCO_CCACHE_BASE} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        ${TUCO_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
    # ccache has to see which precompiled header was used.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    else()
      add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
    endif()
  endif()
endmacro()

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
  tuco_use_ccache()
endmacro()

# Warnings and sanitizers that hold for everything of ours: library, tools, examples, tests.
function(tuco_configure_target target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wno-missing-field-initializers)
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

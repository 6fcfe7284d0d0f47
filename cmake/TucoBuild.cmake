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
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
    # ccache has to see which precompiled header was used.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    else()
      add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
    endif()
  endif()
endmacro()

# Sets TUCO_HAVE_MPI. A compiler for another machine would be given this machine's MPI: there it has to
# be asked for.
macro(tuco_find_mpi)
  set(TUCO_HAVE_MPI OFF)
  if(TUCO_MPI STREQUAL "AUTO" AND NOT CMAKE_CROSSCOMPILING)
    find_package(MPI 3.0 QUIET COMPONENTS CXX)
    set(TUCO_HAVE_MPI ${MPI_CXX_FOUND})
  elseif(TUCO_MPI AND NOT TUCO_MPI STREQUAL "AUTO")
    find_package(MPI 3.0 REQUIRED COMPONENTS CXX)
    set(TUCO_HAVE_MPI ON)
  endif()
endmacro()

macro(tuco_find_dependencies)
  # Seen by a project that takes Tuco in with add_subdirectory, too: it links to them.
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or RelWithDebInfo" FORCE)
  endif()
  find_package(Threads REQUIRED)
  find_package(Eigen3 3.4 REQUIRED NO_MODULE)
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(JPEG REQUIRED)
  find_package(PNG REQUIRED)
  find_package(ZLIB REQUIRED)
  find_package(hwy REQUIRED CONFIG)
  tuco_find_mpi()
  tuco_use_ccache()
endmacro()

# Where gcc 12 inlines std::string and std::vector, it warns of accesses that cannot happen (its bugs
# 105329 and 105651, among others).
set(TUCO_FALSE_ALARMS "")
foreach(alarm restrict array-bounds stringop-overflow stringop-overread)
  list(APPEND TUCO_FALSE_ALARMS $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-${alarm}>)
endforeach()

# Warnings and sanitizers that hold for everything of ours: library, tools, examples, tests.
function(tuco_configure_target target)
  foreach(warning -Wall -Wextra -Wshadow -Wno-missing-field-initializers)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C,CXX>:${warning}>)
  endforeach()
  target_compile_options(${target} PRIVATE ${TUCO_FALSE_ALARMS})
  if(TUCO_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TUCO_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${TUCO_SANITIZE})
  endif()
  if(TUCO_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

function(tuco_configure_library target)
  tuco_configure_target(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC fmt::fmt Threads::Threads
                        PRIVATE $<BUILD_INTERFACE:Eigen3::Eigen>
                                $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>
                                JPEG::JPEG PNG::PNG ZLIB::ZLIB
                                hwy::hwy)
  if(TUCO_HAVE_MPI)
    target_link_libraries(${target} PRIVATE MPI::MPI_CXX)
    target_compile_definitions(${target} PRIVATE TUCO_HAVE_MPI)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
      # A program that trains alone needs no MPI where it runs.
      target_link_options(${target} PUBLIC LINKER:--as-needed)
    endif()
  endif()
  # The same formula gives the same number wherever it stands: no product is merged with a sum by the
  # compiler here and not there. Kernels say where they want it.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off>)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
    # Highway compiles NEON with +crypto, though no kernel has such an instruction; gcc refuses to
    # inline between functions with and without.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-march=armv8-a+crypto>)
  endif()
  target_precompile_headers(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${PROJECT_SOURCE_DIR}/cmake/precompiled.h>)
endfunction()

# Installs the library, its public headers as <tuco/FOLDER/...>, the `tuco` command where it is built,
# and the package that find_package(tuco) reads. devices/ has no public header.
function(tuco_install_library target)
  include(CMakePackageConfigHelpers)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tuco)
  install(TARGETS ${target} EXPORT tucoTargets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT tucoTargets NAMESPACE tuco:: DESTINATION ${package})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tucoConfig.cmake.in
                                ${PROJECT_BINARY_DIR}/tucoConfig.cmake
                                INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/tucoConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/tucoConfig.cmake
                ${PROJECT_BINARY_DIR}/tucoConfigVersion.cmake DESTINATION ${package})
  foreach(folder core autograd layers optimizers data deploy)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}
            DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tuco FILES_MATCHING PATTERN "*.h"
            PATTERN tflite EXCLUDE)  # its headers need what flatc makes
  endforeach()
  install(FILES ${PROJECT_SOURCE_DIR}/tuco.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tuco OPTIONAL)
  if(TARGET tuco_command)
    install(TARGETS tuco_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# Uses Tuco from outside, as a new user would:
#   cmake -DMODE=installed|subdirectory|subdirectory-whole -DBUILD=<build folder of Tuco>
#         -DSOURCE=<source folder of Tuco> -DWORK=<scratch folder> -DGENERATOR=... -DCXX=...
#         -DCONFIG=<build type> -DFLAGS=<flags> -P consumer_test.cmake
# `installed` installs what is built already into a prefix of its own; `subdirectory` configures,
# and compiles the program without building the library again; `subdirectory-whole` builds all.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
set(configure ${CMAKE_COMMAND} -S ${SOURCE}/tests/consumer -B ${WORK}/build -G ${GENERATOR}
              -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_CXX_FLAGS=${FLAGS})
if(MODE STREQUAL "installed")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  run(${configure} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
  file(GLOB_RECURSE installed RELATIVE ${WORK}/prefix ${WORK}/prefix/*)
  foreach(file ${installed})
    if(file MATCHES "_test\\.|/devices/|/tests/")
      message(FATAL_ERROR "installed, though it is not public: ${file}")
    endif()
    # A package that names the folder it was built in works on this machine only.
    if(file MATCHES "\\.cmake$")
      file(READ ${WORK}/prefix/${file} text)
      string(FIND "${text}" "${SOURCE}" at_source)
      string(FIND "${text}" "${BUILD}" at_build)
      if(NOT at_source EQUAL -1 OR NOT at_build EQUAL -1)
        message(FATAL_ERROR "${file} names the folders that Tuco was built in")
      endif()
    endif()
  endforeach()
else()
  run(${configure} -DTUCO_SOURCE=${SOURCE})
endif()

if(MODE STREQUAL "subdirectory")
  run(${CMAKE_COMMAND} --build ${WORK}/build --target CMakeFiles/consumer.dir/main.cpp.o)
else()
  run(${CMAKE_COMMAND} --build ${WORK}/build --target consumer)
  run(${WORK}/build/consumer)
  message(STATUS "${output}")
endif()

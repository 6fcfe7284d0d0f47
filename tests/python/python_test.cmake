# cmake -DPROGRAM=python_files -DSOURCE=tests/python -DWORK=<scratch folder> -P python_test.cmake
# Makes a virtual environment in the build folder, once; where it cannot have its packages, the test
# is skipped and says why.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  set(result ${result} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(must)
  run(${ARGN})
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed (${result}):\n${output}")
  endif()
  if(output)
    message(STATUS "${output}")
  endif()
endfunction()

macro(skip_without what)
  if(NOT result EQUAL 0)
    message(STATUS "SKIPPED: ${what}:\n${output}")
    return()
  endif()
endmacro()

set(python ${WORK}/venv/bin/python)
run(${python} -c "import numpy, safetensors.numpy")
if(NOT result EQUAL 0)
  find_program(system_python python3)
  if(NOT system_python)
    message(STATUS "SKIPPED: there is no python3")
    return()
  endif()
  run(${system_python} -m venv --clear ${WORK}/venv)
  skip_without("python3 cannot make a virtual environment (python3-venv)")
  run(${python} -m pip install --quiet --disable-pip-version-check --retries 1
      -r ${SOURCE}/requirements.txt)
  skip_without("pip cannot install numpy and safetensors")
endif()

file(REMOVE_RECURSE ${WORK}/files)
file(MAKE_DIRECTORY ${WORK}/files)
must(${PROGRAM} write ${WORK}/files)
must(${python} ${SOURCE}/check_files.py ${WORK}/files)
must(${PROGRAM} read ${WORK}/files)

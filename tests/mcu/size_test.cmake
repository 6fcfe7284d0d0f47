# Compiles the loader of files with the kernels of MLPerf Tiny's four models for a Cortex-M4, and
# fails if code and constants have more than so many bytes.
#   cmake -DCOMPILER=arm-none-eabi-gcc -DSIZE=arm-none-eabi-size -DHEADERS=<deploy/runtime>
#         -DSOURCE=loader.c -DMOST=20480 -DWORK=<folder> -P size_test.cmake
file(MAKE_DIRECTORY ${WORK})
foreach(level s 2)
  execute_process(COMMAND ${COMPILER} -mcpu=cortex-m4 -mthumb -std=c99 -O${level} -ffreestanding
                          -I${HEADERS} -c ${SOURCE} -o ${WORK}/loader_${level}.o
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${SIZE} ${WORK}/loader_${level}.o OUTPUT_VARIABLE text
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "\n +([0-9]+)[ \t]+([0-9]+)[ \t]+([0-9]+)" found "${text}")
  message("-O${level}: ${CMAKE_MATCH_1} bytes of flash, ${CMAKE_MATCH_2} and ${CMAKE_MATCH_3} of RAM")
  if(NOT found OR CMAKE_MATCH_1 LESS 4096 OR CMAKE_MATCH_1 GREATER MOST OR CMAKE_MATCH_2 GREATER 0
     OR CMAKE_MATCH_3 GREATER 0)
    message(FATAL_ERROR "more than ${MOST} bytes, or variables")
  endif()
endforeach()

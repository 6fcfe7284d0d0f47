# Compiles literal_calls.c without a warning, with the runtime's headers included and with their text
# pasted, at each optimisation, and looks at what the objects ask of others: no C library, no
# floating point.
#   cmake -DCOMPILER="gcc;-std=c99" -DSUFFIX=c -DNM=nm -DPRINT=print_runtime -DSOURCE=<tests/runtime>
#         -DHEADERS=<deploy/runtime> -DWORK=<folder> -P compile_test.cmake
set(warnings -Wall -Wextra -Werror -pedantic -Wconversion -Wsign-conversion -Wshadow -Wundef)
# What compilers call of their own accord: copies and, on cores without the instruction, integer
# division, 64-bit products and shifts, and jump tables.
set(allowed "memcpy|memset|memmove|_GLOBAL_OFFSET_TABLE_|__aeabi_mem(cpy|set|clr)[48]?")
string(APPEND allowed "|__aeabi_(u?idiv|u?idivmod|lmul|llsl|lasr|llsr)|__gnu_thumb1_case_.*")

file(MAKE_DIRECTORY ${WORK})
execute_process(COMMAND ${PRINT} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
file(READ ${SOURCE}/literal_calls.c calls)
file(WRITE ${WORK}/included.${SUFFIX} "${calls}")
file(WRITE ${WORK}/pasted.${SUFFIX} "#define TUCO_PASTED\n${text}\n${calls}")

set(levels_included 0 s 3)
set(levels_pasted 2)
foreach(form included pasted)
  foreach(level IN LISTS levels_${form})
    set(object ${WORK}/${form}_${level}.o)
    execute_process(
      COMMAND ${COMPILER} ${warnings} -ffreestanding -O${level} -I${HEADERS}
              -c ${WORK}/${form}.${SUFFIX} -o ${object}
      COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${NM} --undefined-only --format=posix ${object}
                    OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^\n]+" undefined "${undefined}")
    foreach(line IN LISTS undefined)
      string(REGEX REPLACE " .*" "" symbol "${line}")
      if(NOT symbol MATCHES "^(${allowed})$")
        message(FATAL_ERROR "${form} at -O${level} needs ${symbol}")
      endif()
    endforeach()
  endforeach()
endforeach()

# With the runtime's own memory functions nothing at all is missing.
if(LINK)
  execute_process(
    COMMAND ${COMPILER} ${warnings} -ffreestanding -nostdlib -static -O2 -I${HEADERS}
            -DTUCO_DEFINE_MEMORY_FUNCTIONS ${WORK}/included.${SUFFIX} -Wl,-e,literal_calls
            -o ${WORK}/linked
    COMMAND_ERROR_IS_FATAL ANY)
endif()

# Programs for emulated microcontrollers, without a C library, and tests that run them in QEMU.
#
# tuco_mcu_program(name BOARD board SOURCES file.c ... [INCLUDES folder ...] [OPTIONS option ...]
#                  [DEPENDS file ...] [STACK bytes])
#   builds name.elf: the sources (C or assembly; generated ones may be named before they are there),
#   the start-up code and what tests/mcu/mcu.h declares. -O2 unless OPTIONS say otherwise. The path
#   is in the target's property TUCO_ELF.
# tuco_mcu_test(name BOARD board SOURCES ... )
#   the same, and a test `name` with the label `mcu`: it passes when main returns 0.
#   EXIT code: the exit code that is expected instead (70: a fault). COUNT lines: the instructions
#   from mcu_count_begin to mcu_count_end are counted, with a profile of so many functions.
#   MATCH regex: what the output must hold as well ("instructions 2004\n").
# Boards: netduinoplus2 (Cortex-M4F, 1 MB of flash and 128 KB of RAM, enforced) and mps2-an386
# (Cortex-M4F, 4 MB each, nothing enforced). Without arm-none-eabi-gcc or qemu-system-arm the tests
# are skipped by name.
include_guard()
find_program(TUCO_ARM_GCC arm-none-eabi-gcc)
find_program(TUCO_QEMU_ARM qemu-system-arm)

set(TUCO_MCU_SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR}/../tests/mcu)
set(TUCO_MCU_M4F -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)
set(TUCO_MCU_MEMORY_netduinoplus2 0x08000000 0x100000 0x20000000 0x20000)
set(TUCO_MCU_MEMORY_mps2-an386 0x0 0x400000 0x20000000 0x400000)

function(tuco_mcu_program name)
  cmake_parse_arguments(ARG "" "BOARD;STACK" "SOURCES;INCLUDES;OPTIONS;DEPENDS" ${ARGN})
  if(NOT DEFINED TUCO_MCU_MEMORY_${ARG_BOARD})
    message(FATAL_ERROR "tuco_mcu_program(${name}): the board ${ARG_BOARD} is not known")
  endif()
  if(NOT ARG_STACK)
    set(ARG_STACK 8192)
  endif()
  list(TRANSFORM ARG_INCLUDES PREPEND -I)
  set(flags ${TUCO_MCU_M4F} -std=c99 -O2 -g -ffreestanding -ffunction-sections -fdata-sections
            -Wall -Wextra -Werror -I${TUCO_MCU_SOURCE_DIR} -I${PROJECT_BINARY_DIR}/include
            -I${PROJECT_SOURCE_DIR} ${ARG_INCLUDES} ${ARG_OPTIONS})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.mcu)
  file(MAKE_DIRECTORY ${folder})
  set(objects "")
  set(number 0)
  foreach(source ${TUCO_MCU_SOURCE_DIR}/startup.c ${TUCO_MCU_SOURCE_DIR}/mcu.c ${ARG_SOURCES})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    cmake_path(GET source FILENAME stem)
    math(EXPR number "${number} + 1")  # sources of one name may come from several folders
    set(object ${folder}/${number}_${stem}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${TUCO_ARM_GCC} ${flags} -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
      DEPENDS ${source} ${ARG_DEPENDS} DEPFILE ${object}.d
      COMMENT "Building ${stem} of ${name} for ${ARG_BOARD}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(script ${TUCO_MCU_SOURCE_DIR}/board.ld)
  list(GET TUCO_MCU_MEMORY_${ARG_BOARD} 0 code)
  list(GET TUCO_MCU_MEMORY_${ARG_BOARD} 1 code_size)
  list(GET TUCO_MCU_MEMORY_${ARG_BOARD} 2 ram)
  list(GET TUCO_MCU_MEMORY_${ARG_BOARD} 3 ram_size)
  set(elf ${CMAKE_CURRENT_BINARY_DIR}/${name}.elf)
  add_custom_command(OUTPUT ${elf}
    COMMAND ${TUCO_ARM_GCC} ${TUCO_MCU_M4F} -nostdlib -static ${objects} -lgcc -o ${elf}
            -Wl,--gc-sections,--defsym=MCU_CODE=${code},--defsym=MCU_CODE_SIZE=${code_size}
            -Wl,--defsym=MCU_RAM=${ram},--defsym=MCU_RAM_SIZE=${ram_size}
            -Wl,--defsym=MCU_STACK=${ARG_STACK} -T ${script}
    DEPENDS ${objects} ${script} COMMENT "Linking ${name} for ${ARG_BOARD}" VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${elf})
  set_target_properties(${name} PROPERTIES TUCO_ELF ${elf})
endfunction()

# The plugin runs inside QEMU, so it has no sanitizer and no warnings of ours.
function(tuco_mcu_count_plugin)
  if(NOT TARGET tuco_count_plugin)
    add_library(tuco_count_plugin MODULE ${TUCO_MCU_SOURCE_DIR}/count_plugin.c)
  endif()
endfunction()

function(tuco_mcu_test name)
  cmake_parse_arguments(ARG "" "BOARD;EXIT;COUNT;MATCH" "" ${ARGN})
  if(NOT TUCO_ARM_GCC OR NOT TUCO_QEMU_ARM)
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo
             "skipped: ${name} needs arm-none-eabi-gcc and qemu-system-arm")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped:" LABELS mcu)
    return()
  endif()
  tuco_mcu_program(${name} BOARD ${ARG_BOARD} ${ARG_UNPARSED_ARGUMENTS})
  get_target_property(elf ${name} TUCO_ELF)
  if(NOT ARG_EXIT)
    set(ARG_EXIT 0)
  endif()
  set(plugin "")
  if(DEFINED ARG_COUNT)
    tuco_mcu_count_plugin()
    add_dependencies(${name} tuco_count_plugin)
    set(plugin $<TARGET_FILE:tuco_count_plugin>)
  endif()
  add_test(NAME ${name}
           COMMAND ${CMAKE_COMMAND} -DQEMU=${TUCO_QEMU_ARM} -DBOARD=${ARG_BOARD} -DELF=${elf}
                   -DEXIT=${ARG_EXIT} -DPLUGIN=${plugin} -DPROFILE=${ARG_COUNT}
                   -DMATCH=${ARG_MATCH} -P ${TUCO_MCU_SOURCE_DIR}/run_qemu.cmake)
  set_tests_properties(${name} PROPERTIES LABELS mcu TIMEOUT 180)
endfunction()

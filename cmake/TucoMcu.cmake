# Programs for emulated microcontrollers, without a C library, and tests that run them in QEMU. The
# boards are those of TucoMcuBoards.cmake.
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
#   CALLS function: what each call that it makes takes as well.
#   MATCH regex: what the output must hold as well ("instructions 2004\n").
# Without the board's compiler or emulator the tests are skipped by name.
include_guard()
include(TucoMcuBoards)

function(tuco_mcu_program name)
  cmake_parse_arguments(ARG "" "BOARD;STACK" "SOURCES;INCLUDES;OPTIONS;DEPENDS" ${ARGN})
  if(NOT ARG_STACK)
    set(ARG_STACK 8192)
  endif()
  set(compiler ${TUCO_MCU_${ARG_BOARD}_TOOLS}gcc)
  tuco_mcu_compile_options(${ARG_BOARD} flags)
  tuco_mcu_link_options(${ARG_BOARD} ${ARG_STACK} link_flags)
  list(TRANSFORM ARG_INCLUDES PREPEND -I)
  list(APPEND flags -O2 -I${PROJECT_BINARY_DIR}/include -I${PROJECT_SOURCE_DIR} ${ARG_INCLUDES}
       ${ARG_OPTIONS})
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
      COMMAND ${compiler} ${flags} -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
      DEPENDS ${source} ${ARG_DEPENDS} DEPFILE ${object}.d
      COMMENT "Building ${stem} of ${name} for ${ARG_BOARD}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(elf ${CMAKE_CURRENT_BINARY_DIR}/${name}.elf)
  add_custom_command(OUTPUT ${elf}
    COMMAND ${compiler} ${link_flags} ${objects} -lgcc -o ${elf}
    DEPENDS ${objects} ${TUCO_MCU_SOURCE_DIR}/board.ld
    COMMENT "Linking ${name} for ${ARG_BOARD}" VERBATIM)
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
  cmake_parse_arguments(ARG "" "BOARD;EXIT;COUNT;CALLS;MATCH" "" ${ARGN})
  tuco_mcu_board_missing(${ARG_BOARD} missing)
  if(missing)
    list(JOIN missing " and " missing)
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${name} needs ${missing}")
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
           COMMAND ${CMAKE_COMMAND}
                   "-DQEMU=${TUCO_MCU_${ARG_BOARD}_EMULATOR};${TUCO_MCU_${ARG_BOARD}_MACHINE}"
                   -DNM=${TUCO_MCU_${ARG_BOARD}_TOOLS}nm -DELF=${elf} -DEXIT=${ARG_EXIT}
                   -DPLUGIN=${plugin} -DPROFILE=${ARG_COUNT} -DCALLS=${ARG_CALLS}
                   -DMATCH=${ARG_MATCH}
                   -P ${TUCO_MCU_SOURCE_DIR}/run_qemu.cmake)
  set_tests_properties(${name} PROPERTIES LABELS mcu TIMEOUT 180)
endfunction()

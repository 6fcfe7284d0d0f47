# The boards that QEMU emulates for us, in one table: how to compile for each, how to run on it, and
# where its memory lies. What builds a program for a board, a test or a benchmark, takes all of it
# from here.
#
#   TUCO_MCU_BOARDS                     the names of all boards
#   TUCO_MCU_<board>_<field>            CORE; TOOLS: the prefix of compiler and binutils; EMULATOR: a
#                                       program; MACHINE: its options; OPTIONS: those of the
#                                       compiler; CODE, CODE_SIZE, RAM, RAM_SIZE
#   tuco_mcu_board_missing(board out)   the programs that the board needs and the machine lacks
#   tuco_mcu_compile_options(board out) everything for a source file but its own optimisation
#   tuco_mcu_link_options(board stack out)  the same for linking, with so many bytes of stack
include_guard()

set(TUCO_MCU_SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR}/../tests/mcu)
cmake_path(NORMAL_PATH TUCO_MCU_SOURCE_DIR)
set(TUCO_MCU_BOARDS "")

macro(tuco_mcu_board name core tools emulator machine code code_size ram ram_size)
  list(APPEND TUCO_MCU_BOARDS ${name})
  set(TUCO_MCU_${name}_CORE ${core})
  set(TUCO_MCU_${name}_TOOLS ${tools})
  set(TUCO_MCU_${name}_EMULATOR ${emulator})
  separate_arguments(TUCO_MCU_${name}_MACHINE UNIX_COMMAND "${machine}")
  set(TUCO_MCU_${name}_CODE ${code})
  set(TUCO_MCU_${name}_CODE_SIZE ${code_size})
  set(TUCO_MCU_${name}_RAM ${ram})
  set(TUCO_MCU_${name}_RAM_SIZE ${ram_size})
  set(TUCO_MCU_${name}_OPTIONS ${ARGN})
endmacro()

# The sizes of microbit and netduinoplus2 are those of the chips, and hold; the other boards are
# larger than most chips with their core.
tuco_mcu_board(microbit cortex-m0 arm-none-eabi- qemu-system-arm "-M microbit"
               0x0 0x40000 0x20000000 0x4000 -mcpu=cortex-m0 -mthumb)
tuco_mcu_board(mps2-an385 cortex-m3 arm-none-eabi- qemu-system-arm "-M mps2-an385"
               0x0 0x400000 0x20000000 0x400000 -mcpu=cortex-m3 -mthumb)
# A Cortex-M3 runs all that a Cortex-M0+ does, in as many instructions, with more memory than any
# emulated board with that core has.
tuco_mcu_board(mps2-an385-m0plus cortex-m0plus arm-none-eabi- qemu-system-arm "-M mps2-an385"
               0x0 0x400000 0x20000000 0x400000 -mcpu=cortex-m0plus -mthumb)
tuco_mcu_board(netduinoplus2 cortex-m4 arm-none-eabi- qemu-system-arm "-M netduinoplus2"
               0x08000000 0x100000 0x20000000 0x20000
               -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)
tuco_mcu_board(mps2-an386 cortex-m4 arm-none-eabi- qemu-system-arm "-M mps2-an386"
               0x0 0x400000 0x20000000 0x400000
               -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)
tuco_mcu_board(mps2-an500 cortex-m7 arm-none-eabi- qemu-system-arm "-M mps2-an500"
               0x0 0x400000 0x20000000 0x400000
               -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16)
tuco_mcu_board(mps2-an505 cortex-m33 arm-none-eabi- qemu-system-arm "-M mps2-an505"
               0x10000000 0x400000 0x38000000 0x400000
               -mcpu=cortex-m33 -mthumb -mfloat-abi=hard)
tuco_mcu_board(mps3-an547 cortex-m55 arm-none-eabi- qemu-system-arm "-M mps3-an547"
               0x0 0x80000 0x20000000 0x80000 -mcpu=cortex-m55 -mthumb -mfloat-abi=hard)
tuco_mcu_board(riscv32-virt rv32imac riscv64-unknown-elf- qemu-system-riscv32 "-M virt -bios none"
               0x80000000 0x400000 0x80400000 0x400000 -march=rv32imac -mabi=ilp32)

function(tuco_mcu_board_missing board out)
  if(NOT board IN_LIST TUCO_MCU_BOARDS)
    list(JOIN TUCO_MCU_BOARDS ", " known)
    message(FATAL_ERROR "there is no board ${board}; there are ${known}")
  endif()
  set(missing "")
  foreach(program ${TUCO_MCU_${board}_TOOLS}gcc ${TUCO_MCU_${board}_EMULATOR})
    find_program(TUCO_PROGRAM_${program} ${program})
    if(NOT TUCO_PROGRAM_${program})
      list(APPEND missing ${program})
    endif()
  endforeach()
  set(${out} ${missing} PARENT_SCOPE)
endfunction()

function(tuco_mcu_compile_options board out)
  set(${out} ${TUCO_MCU_${board}_OPTIONS} -std=c99 -g -ffreestanding -ffunction-sections
             -fdata-sections -Wall -Wextra -Werror -I${TUCO_MCU_SOURCE_DIR} PARENT_SCOPE)
endfunction()

function(tuco_mcu_link_options board stack out)
  set(options ${TUCO_MCU_${board}_OPTIONS} -nostdlib -static -Wl,--gc-sections)
  foreach(place CODE CODE_SIZE RAM RAM_SIZE)
    list(APPEND options -Wl,--defsym=MCU_${place}=${TUCO_MCU_${board}_${place}})
  endforeach()
  set(${out} ${options} -Wl,--defsym=MCU_STACK=${stack} -T ${TUCO_MCU_SOURCE_DIR}/board.ld
      PARENT_SCOPE)
endfunction()

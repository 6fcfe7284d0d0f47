# Runs a program in the emulator and looks at its exit code and, with MATCH, at what it printed. With
# PLUGIN the instructions between the marks of mcu.h are counted, with a profile of PROFILE lines,
# and those of each call that the function CALLS makes, which main has called.
#   cmake "-DQEMU=qemu-system-arm;-M;netduinoplus2" -DELF=x.elf -DEXIT=0
#         [-DPLUGIN=count_plugin.so -DPROFILE=10 -DCALLS=work -DNM=arm-none-eabi-nm] [-DMATCH=regex]
#         -P run_qemu.cmake
set(plugin "")
if(PLUGIN)
  execute_process(COMMAND ${NM} ${ELF} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "([0-9a-f]+) T mcu_count_begin" found "${symbols}")
  set(begin ${CMAKE_MATCH_1})
  string(REGEX MATCH "([0-9a-f]+) T mcu_count_end" found "${symbols}")
  set(plugin -plugin ${PLUGIN},begin=${begin},end=${CMAKE_MATCH_1},profile=${PROFILE})
  if(CALLS)
    string(APPEND plugin ",calls=${CALLS},outer=main")
  endif()
endif()
execute_process(
  COMMAND ${QEMU} -nographic -monitor none -serial none ${plugin}
          -semihosting-config enable=on,target=native -kernel ${ELF}
  TIMEOUT 150 RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
message("${text}")
if(NOT code STREQUAL EXIT)
  message(FATAL_ERROR "${ELF} in ${QEMU} ended with ${code}, not with ${EXIT}")
endif()
if(MATCH AND NOT text MATCHES "${MATCH}")
  message(FATAL_ERROR "${ELF} in ${QEMU} did not print ${MATCH}")
endif()

# Random int8 models, written by PROGRAM, run by TFLite Micro: SCRIPT compares the bytes. Skipped where
# PYTHON has no tflite-micro.
execute_process(COMMAND ${PYTHON} -c "import numpy, tflite_micro" RESULT_VARIABLE missing
                OUTPUT_QUIET ERROR_QUIET)
if(NOT missing EQUAL 0)
  message("SKIPPED: ${PYTHON} has no tflite-micro; TUCO_PEERS_PYTHON may name one that has")
  return()
endif()
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${PROGRAM} ${COUNT} ${WORK} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PYTHON} ${SCRIPT} ${WORK} COMMAND_ERROR_IS_FATAL ANY)

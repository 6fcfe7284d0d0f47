# Measures the exported model with mcu_bench, and compares what it says with what is known.
#   cmake -DBENCH=mcu_bench -DMODEL=folder of make_model -DBOARD=mps2-an386 -DWORK=folder
#         -P bench_test.cmake
function(expect what value expected)
  if(NOT value STREQUAL expected)
    message(FATAL_ERROR "${what} is ${value}, expected ${expected}")
  endif()
endfunction()

file(MAKE_DIRECTORY ${WORK})
execute_process(
  COMMAND ${BENCH} ${MODEL}/model.c,input=${MODEL}/inputs.bin,output=${MODEL}/outputs.bin
          --board ${BOARD} -O 2,s --layers --functions 9 --json ${WORK}/rows.json
  OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
message("${table}")
file(READ ${WORK}/rows.json rows)
file(READ ${MODEL}/bytes.json known)

foreach(row 0 1)
  string(JSON good GET "${rows}" ${row} good)
  expect("good" ${good} ON)
  foreach(kind weights biases multipliers)
    string(JSON value GET "${rows}" ${row} bytes ${kind})
    string(JSON expected GET "${known}" ${kind})
    expect("the size of the ${kind}" ${value} ${expected})
  endforeach()

  # Every byte has a name but for the padding.
  string(JSON sum GET "${rows}" ${row} bytes padding)
  string(JSON count LENGTH "${rows}" ${row} symbols)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON name MEMBER "${rows}" ${row} symbols ${i})
    string(JSON size GET "${rows}" ${row} symbols ${name})
    math(EXPR sum "${sum} + ${size}")
  endforeach()
  string(JSON total GET "${rows}" ${row} bytes total)
  expect("the sum of the symbols' sizes" ${sum} ${total})

  # Every layer is there, with the products that its comment in the generated file gives.
  string(JSON count LENGTH "${rows}" ${row} layers)
  file(STRINGS ${MODEL}/model.c calls REGEX "^  model_layer_[0-9]+\\(arena\\);")
  list(LENGTH calls expected)
  expect("the number of layers" ${count} ${expected})
  string(JSON products GET "${rows}" ${row} products)
  file(STRINGS ${MODEL}/model.c comments REGEX "^/\\* [0-9]+: .* products\\. \\*/")
  set(sum 0)
  foreach(comment IN LISTS comments)
    string(REGEX MATCH ", ([0-9]+) products" found "${comment}")
    math(EXPR sum "${sum} + ${CMAKE_MATCH_1}")
  endforeach()
  expect("the number of products" ${products} ${sum})
endforeach()

# Outputs that are wrong, and files that do not fit.
file(WRITE ${WORK}/wrong.bin "these are other outputs.")
foreach(case "${WORK}/wrong.bin;bytes DIFFER" "${MODEL}/inputs.bin;expected 8 outputs of 3")
  list(GET case 0 outputs)
  list(GET case 1 message)
  execute_process(
    COMMAND ${BENCH} ${MODEL}/model.c,input=${MODEL}/inputs.bin,output=${outputs} --board ${BOARD}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  expect("the exit code with ${outputs}" ${code} 1)
  if(NOT text MATCHES "${message}")
    message(FATAL_ERROR "with ${outputs} mcu_bench says ${text}, not ${message}")
  endif()
endforeach()

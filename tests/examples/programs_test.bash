#!/usr/bin/env bash
# programs_test.bash CASE WORK SOURCE MAKE_INPUTS CATS_VS_DOGS MNIST TUCO MNIST_PARALLEL [MPIRUN]
# Runs the programs as a user does. `train` comes first: the other cases use its model.
set -euo pipefail
case=$1 work=$2 source=$3 make_inputs=$4 cats_vs_dogs=$5 mnist=$6 tuco=$7 mnist_parallel=$8
mpirun=${9:-}
inputs=$work/inputs
trained=$work/trained
own=$work/$case # what the case writes
results=(cats_vs_dogs.safetensors cats_vs_dogs.int8.safetensors cats_vs_dogs.c cats_vs_dogs.h report.txt report.json)

fail() {
  echo "FAILED: $*"
  [[ ! -f $own/out ]] || sed 's/^/  | /' "$own/out"
  exit 1
}

# expect CODE COMMAND...: runs it and keeps all that it printed.
expect() {
  local wanted=$1 code=0
  shift
  echo "\$ $(basename "$1") ${*:2}"
  "$@" > "$own/out" 2>&1 || code=$?
  [[ $code == "$wanted" ]] || fail "exit code $code, expected $wanted"
}
# says TEXT...: the last command printed each of them.
says() {
  local text
  for text in "$@"; do
    grep -qF -- "$text" "$own/out" || fail "not printed: $text"
  done
}
has_files() {
  local file
  for file in "$@"; do [[ -s $file ]] || fail "missing or empty: $file"; done
}
has_no_escapes() {
  ! grep -q $'[\r\e]' "$own/out" || fail "control characters in piped output"
}

train() {
  rm -rf "$work"
  mkdir -p "$inputs" "$own"
  "$make_inputs" "$inputs"
  expect 0 "$cats_vs_dogs" --drawn 100 --epochs 2 --seed 3 --out "$trained"
  says "No photographs given" "epoch 1/2 [####################] loss" "epoch 2/2" "validation" \
    "Report on cats_vs_dogs" "accuracy on 20 samples"
  has_no_escapes
  has_files "${results[@]/#/$trained/}"
  [[ $(ls -A "$trained" | wc -l) == 6 ]] || fail "more than six files: $(ls -A "$trained")"
  grep -q '"int8_accuracy": [0-9.]*' "$trained/report.json" || fail "no int8_accuracy"
}

# A folder of photographs, fewer than a batch, and the same in an archive.
photos() {
  expect 0 "$cats_vs_dogs" --data "$inputs/photos" --epochs 1 --out "$own/folder"
  says "accuracy on 4 samples"
  tar -C "$inputs" -cf "$own/photos.tar" photos
  expect 0 "$cats_vs_dogs" --data "$own/photos.tar" --epochs 1 --out "$own/archive"
  for file in "${results[@]}"; do
    cmp "$own/folder/$file" "$own/archive/$file" || fail "folder and archive differ in $file"
  done
}

# The network for 256 KB of RAM leaves more than 48 KB for the rest of a program.
small() {
  expect 0 "$cats_vs_dogs" --small --drawn 100 --epochs 1 --out "$own"
  expect 0 "$tuco" compile "$own/cats_vs_dogs.int8.safetensors" -o "$own/pets" \
    --report "$own/pets.json" "$own/pets.html"
  says "an arena of 75,056 bytes" "Arduino Nano 33 BLE"
  grep -F "Arduino Nano 33 BLE" "$own/out" | grep -q " yes " || fail "it does not fit the Nano 33 BLE"
  has_files "$own"/pets.{c,h,json,html}
  cmp "$own/cats_vs_dogs.c" <(sed 's/pets/cats_vs_dogs/g; s/PETS/CATS_VS_DOGS/g' "$own/pets.c") ||
    fail "the program and the command write different C"
}

minutes() {
  expect 0 "$cats_vs_dogs" --data "$inputs/photos" --epochs 7 --minutes 0.0001 --out "$own"
  says "Training 1 epochs, which fit into 0.0001 minutes" "epoch 1/1"
}

# Ctrl-C after the first epoch: the program saves what it has and says so by its exit code.
interrupt() {
  "$cats_vs_dogs" --drawn 100 --epochs 500 --out "$own" > "$own/out" 2>&1 &
  local pid=$! code=0
  for ((i = 0; i < 2000; i++)); do
    grep -q '^epoch   1/500' "$own/out" && break
    kill -0 $pid 2> /dev/null || fail "it ended by itself"
    sleep 0.1
  done
  kill -INT $pid
  wait $pid || code=$?
  [[ $code == 130 ]] || fail "exit code $code, expected 130"
  says "Saved $own/cats_vs_dogs.safetensors"
  [[ ! -e $own/cats_vs_dogs.c ]] || fail "it went on to export"
  expect 0 "$tuco" predict "$own/cats_vs_dogs.safetensors" "$inputs/pictures/cat/0.png"
  says "cat/0.png  "
}

run_exported() {
  expect 0 "${CC:-cc}" -std=c99 -O1 -Wall -Wextra -Werror -pedantic -I "$trained" \
    "$source/examples/run_exported/main.c" "$trained/cats_vs_dogs.c" -o "$own/run_exported"
  expect 0 "$own/run_exported"
  says "arena 112584 bytes, input 27648 bytes" "(cat " ", dog "
  # Two pictures of raw bytes: black and white.
  head -c 27648 /dev/zero > "$own/pictures"
  head -c 27648 /dev/zero | tr '\0' '\377' >> "$own/pictures"
  expect 0 "$own/run_exported" "$own/pictures"
  [[ $(grep -c "(cat " "$own/out") == 2 ]] || fail "not two answers"
  expect 1 "$own/run_exported" "$own/nothing"
  says "cannot open $own/nothing"
}

inspect() {
  expect 0 "$tuco" inspect "$trained/cats_vs_dogs.safetensors"
  says "tuco.class_names" "0.0.weight " " float32 " "(24, 3, 3, 3)" "Graph" "conv2d(stride=(1, 1)"
  head -c 5000 "$trained/cats_vs_dogs.safetensors" > "$own/short.safetensors"
  expect 1 "$tuco" inspect "$own/short.safetensors"
  says "tuco: $own/short.safetensors"
  expect 1 "$tuco" inspect "$inputs/damaged.png"
  says "tuco: $inputs/damaged.png"
}

# A table like the committed one; the other rows keep their entries.
tune() {
  local committed=$source/devices/cpu/algorithms_table.inc
  expect 0 "$tuco" tune --milliseconds 0 --most-channels 16 -o "$own/table.inc"
  head -n 1 "$own/table.inc" | grep -q 'Written by `tuco tune`' || fail "no header"
  cmp <(sed '1d; s/"[d24]*",//' "$committed") <(sed '1d; s/"[d24]*",//' "$own/table.inc") ||
    fail "other rows changed"
  expect 1 env TUCO_CONV2D=fast "$tuco" tune --most-channels 16
  says 'TUCO_CONV2D: "fast", expected direct, winograd2 or winograd4'
}

predict() {
  local model=$trained/cats_vs_dogs.safetensors pictures=$inputs/pictures
  expect 0 "$tuco" predict --top 2 "$model" "$pictures/cat/1.png" "$pictures/dog/1.png"
  says "cat/1.png  " "dog/1.png  " " cat " " dog " " %"
  # What cannot be read is named; the others are answered all the same.
  expect 1 "$tuco" predict "$model" "$inputs/damaged.png" "$own/nothing.png" "$pictures/cat/2.png"
  says "$inputs/damaged.png: " "$own/nothing.png: " "$pictures/cat/2.png  " "2 of 3 pictures"
  expect 1 "$tuco" predict "$own/nothing.safetensors" "$pictures/cat/2.png"
  says "$own/nothing.safetensors"
}

export_() {
  local model=$trained/cats_vs_dogs.safetensors pictures=$inputs/pictures
  expect 0 "$tuco" export "$model" --calibrate "$pictures" --test "$pictures" -o "$own/pets"
  says "accuracy on 8 samples" "wrote $own/pets.c and $own/pets.h"
  has_files "$own"/pets.{c,h,int8.safetensors,report.txt,report.json}
  expect 0 "$tuco" inspect "$own/pets.int8.safetensors"
  says " int8 " 'tuco.class_names = "cat\ndog\n"' "Arena 112584 bytes"
  expect 0 "$tuco" predict "$own/pets.int8.safetensors" "$pictures/dog/0.png"
  says "dog/0.png  "
  # The int8 model gives the same C again, without pictures.
  mkdir -p "$own/again"
  expect 0 "$tuco" export "$own/pets.int8.safetensors" -o "$own/again/pets"
  cmp "$own/pets.c" "$own/again/pets.c" || fail "other C from the int8 model"
  expect 1 "$tuco" export "$own/pets.int8.safetensors" --calibrate "$pictures" -o "$own/x"
  says "is an int8 model already"
  expect 1 "$tuco" export "$model" -o "$own/x"
  says "--calibrate PATH"
  expect 1 "$tuco" export "$model" --calibrate "$own/nowhere" -o "$own/x"
  says "$own/nowhere: no such folder or archive"
  expect 1 "$tuco" export "$model" --calibrate "$pictures" -o "$own/2-bad names"
  says "2-bad names"
  expect 1 "$tuco" export "$model" --calibrate "$pictures" -o "$own/no/folder/x"
  says "$own/no/folder/x"
  ! ls "$own"/x* "$own"/2-bad* > /dev/null 2>&1 || fail "something was written: $(ls "$own")"
}

# A model as C alone, from each kind of file.
compile() {
  local model=$trained/cats_vs_dogs.safetensors pictures=$inputs/pictures
  expect 0 "$tuco" compile "$model" --calibrate "$pictures" -o "$own/pets"
  says "wrote $own/pets.c, $own/pets.h: " " bytes of constants in flash" "112,584 bytes in RAM" \
    " products a run"
  has_files "$own"/pets.{c,h}
  # A .tflite of the same model: the same numbers, the same answers, and pictures as before.
  mkdir -p "$own/again"
  expect 0 "$tuco" export "$model" --calibrate "$pictures" --tflite -o "$own/again/pets"
  says "wrote $own/again/pets.tflite"
  cmp "$own/pets.c" "$own/again/pets.c" || fail "export and compile give other C"
  expect 0 "$tuco" compile "$own/again/pets.tflite" -o "$own/again/pets"
  says "112,584 bytes in RAM"
  diff <(grep -o '^  *-\?[0-9].*' "$own/pets.c") <(grep -o '^  *-\?[0-9].*' "$own/again/pets.c") ||
    fail "other constants from the .tflite"
  expect 0 "$tuco" inspect "$own/again/pets.tflite"
  says " int8 " "Graph" "conv2d(" "Arena 112584 bytes"
  expect 0 "$tuco" predict "$own/again/pets.tflite" "$pictures/dog/0.png"
  says "dog/0.png  "
  # A file that devices load, its loader, and less memory than the whole images need.
  expect 0 "$tuco" compile "$own/again/pets.tflite" -o "$own/pets.tuco"
  says "wrote $own/pets.tuco: " " bytes in flash, an arena of 112,584 bytes in RAM" " products a run"
  expect 0 "$tuco" inspect "$own/pets.tuco"
  says "a model for devices, version 2" "arena   112584 bytes" "conv2d_columns"
  expect 0 "$tuco" runtime "$own/pets.tuco" -o "$own/tuco_model.h"
  says "wrote $own/tuco_model.h"
  printf '#include "tuco_model.h"\nint main(void) { return 0; }\n' > "$own/main.c"
  cc -std=c99 -Wall -Wextra -Werror "$own/main.c" -o "$own/main" || fail "the loader does not compile"
  expect 0 "$tuco" compile "$own/again/pets.tflite" --ram 100K -o "$own/pets.tuco"
  says "95,328 bytes in RAM" " 1.0 % more than without strips"
  expect 0 "$tuco" compile "$own/again/pets.tflite" --no-strips -o "$own/pets"
  says "221,576 bytes in RAM"
  expect 1 "$tuco" compile "$own/again/pets.tflite" --ram 1K -o "$own/x.tuco"
  says "the arena cannot be made smaller than " " bytes, and 1,024 are allowed"
  head -c 5000 "$own/pets.tuco" > "$own/short.tuco"
  expect 1 "$tuco" inspect "$own/short.tuco"
  says "short.tuco is cut off"
  expect 1 "$tuco" runtime "$own/again/pets.tflite" -o "$own/x.h"
  says "pets.tflite is no model for devices"
  # Samples need not be pictures.
  expect 0 "$tuco" compile "$model" --calibrate "$inputs/samples.npy" --samples 2 -o "$own/pets"
  expect 1 "$tuco" compile "$model" --calibrate "$inputs/wrong.npy" -o "$own/x"
  says "wrong.npy holds float32 (3, 5), expected float32 (3, 96, 96, 3)"
  expect 1 "$tuco" compile "$model" -o "$own/x"
  says "--calibrate PATH"
  expect 1 "$tuco" compile "$own/again/pets.tflite" --calibrate "$pictures" -o "$own/x"
  says "is an int8 model already"
  head -c 5000 "$own/again/pets.tflite" > "$own/short.tflite"
  expect 1 "$tuco" compile "$own/short.tflite" -o "$own/x"
  says "short.tflite: tflite: no flatbuffer of a model"
  ! ls "$own"/x* > /dev/null 2>&1 || fail "something was written: $(ls "$own")"
}

plan() {
  local model=$trained/cats_vs_dogs.safetensors picture=$inputs/pictures/cat/0.png
  expect 0 "$tuco" plan "$model" --batch 4 -o "$own/pets.plan"
  says "wrote $own/pets.plan: float" "batches of up to 4"
  expect 0 "$tuco" predict "$own/pets.plan" "$picture"
  says "cat/0.png  "
  ! grep -q "compiled anew" "$own/out" || fail "the plan did not fit its own machine"
  cp "$own/out" "$own/first"
  # Elsewhere it is compiled anew, and answers the same.
  TUCO_ISA=baseline expect 0 "$tuco" predict "$own/pets.plan" "$picture"
  says "pets.plan: the plan was made for " ": compiled anew" "$(cat "$own/first")"
  expect 0 "$tuco" inspect "$own/pets.plan"
  says "tuco.plan" "Graph"
  expect 1 "$tuco" plan "$own/nothing" -o "$own/x.plan"
  says "$own/nothing"
  expect 105 "$tuco" plan "$model" --batch 0
  says "--batch"
  [[ ! -e $own/x.plan ]] || fail "something was written"
}

bench() {
  local model=$trained/cats_vs_dogs.safetensors
  expect 0 "$tuco" bench "$model" --calibrate "$inputs/pictures" --threads 1,2 --batch 1,3 \
    --seconds 0.05 --json "$own/bench.json" --html "$own/bench.html"
  says "fp32" "int8" "p99" "images/s" "int8 answers as fp32 does on " "conv2d 0"
  ! grep -q "random numbers" "$own/out" || fail "the photographs were not used"
  has_files "$own/bench.json" "$own/bench.html"
  [[ $(grep -c '"p99"' "$own/bench.json") == 8 ]] || fail "not eight settings in the JSON"
  [[ $(grep -c '<svg' "$own/bench.html") == 4 ]] || fail "not four charts in the page"
  ! grep -qE '(src|href)=|url\(|<script' "$own/bench.html" || fail "the page needs something else"
  expect 0 "$tuco" bench "$model" --threads 1 --batch 1 --seconds 0.01
  says "calibrated on random numbers"
  expect 0 "$tuco" bench --machine --json "$own/machine.json"
  says "float32 GFLOP/s" "copy GB/s"
  grep -q '"int8_ops":' "$own/machine.json" || fail "no peak in the JSON"
  expect 1 "$tuco" bench
  says "MODEL is required"
  expect 1 "$tuco" bench "$own/nothing"
  says "$own/nothing"
}

command_lines() {
  expect 1 "$tuco"
  says "which command?" "predict" "export" "inspect"
  expect 0 "$tuco" --help
  says "predict" "export" "inspect"
  expect 109 "$tuco" fly
  says "fly"
  expect 106 "$tuco" predict
  says "MODEL is required"
  expect 105 "$tuco" predict --top 0 a b
  says "--top"
  expect 105 "$tuco" export a --method guess
  says "--method"
  expect 105 "$cats_vs_dogs" --epochs none
  says "--epochs"
  expect 109 "$cats_vs_dogs" --speed 11
  says "--speed"
  expect 1 "$cats_vs_dogs" --data "$own/nowhere" --out "$own/results"
  says "cats_vs_dogs: $own/nowhere/train: no such folder or archive"
  expect 1 "$cats_vs_dogs" --drawn 100 --out "$inputs/damaged.png"
  says "cats_vs_dogs: " "damaged.png"
}

mnist() {
  cd "$own"
  expect 0 "$mnist" "$inputs/mnist" 3
  says "epoch 3/3" "test accuracy" "saved mnist.safetensors"
  has_files mnist.safetensors
  has_no_escapes
  expect 106 "$mnist"
  says "DIR is required"
  expect 1 "$mnist" "$own/nowhere"
  says "mnist: $own/nowhere: no file train-images-idx3-ubyte"
  expect 105 "$mnist" "$inputs/mnist" many
  says "many"
  expect 105 "$mnist" "$inputs/mnist" 0
  says "EPOCHS"
}

# As one process, and as two with half of each batch: only one of them prints and saves. Without MPI,
# several are refused.
mnist_parallel() {
  cd "$own"
  expect 0 "$mnist_parallel" "$inputs/mnist" 2
  says "epoch 2/2" "test accuracy" "saved mnist.safetensors"
  has_files mnist.safetensors
  rm mnist.safetensors
  if [[ -z $mpirun ]]; then
    expect 1 env OMPI_COMM_WORLD_SIZE=2 "$mnist_parallel" "$inputs/mnist" 2
    says "world: the program was started as 2 processes, but this build of Tuco has no MPI"
    return
  fi
  expect 0 "$mpirun" -n 2 "$mnist_parallel" "$inputs/mnist" 2
  for text in "epoch 1/2" "epoch 2/2" "test accuracy"; do
    [[ $(grep -c "$text" "$own/out") == 1 ]] || fail "not printed once: $text"
  done
  has_files mnist.safetensors
  expect 1 "$mpirun" -n 2 "$mnist_parallel" "$own/nowhere"
  says "mnist_parallel: $own/nowhere: no file train-images-idx3-ubyte"
}

mkdir -p "$own"
case $case in
  export) export_ ;;
  *) "$case" ;;
esac
echo "passed"

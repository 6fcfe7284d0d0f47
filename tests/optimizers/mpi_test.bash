#!/usr/bin/env bash
# mpi_test.bash CASE WORK SOURCE MPIRUN MPI_TRAINING
# Trains on the MNIST of the shared data as several processes of MPI, and ends some of them.
set -euo pipefail
case=$1 mpirun=$4 training=$5
own=$2/$case
data=${TUCO_SHARED:-$3/../shared}/data

if ! compgen -G "$data/*train-images-idx3-ubyte*" >/dev/null; then
  echo "skipped: Mpi.$case needs MNIST in shared/data; TUCO_SHARED may say where it is"
  exit 0
fi
rm -rf "$own"
mkdir -p "$own"
cd "$own"

export TUCO_NUM_THREADS=1
several=("$mpirun" -n)

fail() {
  echo "FAILED: $*"
  [[ ! -f out ]] || sed 's/^/  | /' out
  exit 1
}
# expect CODE COMMAND...: runs it; `error` stands for any code but 0, and waiting for ever for none.
expect() {
  local wanted=$1 code=0
  shift
  echo "\$ ${*##*/}"
  timeout -k 5 "${limit:-120}" "$@" >out 2>&1 || code=$?
  [[ $code != 124 && $code != 137 ]] || fail "it hangs"
  if [[ $wanted == error ]]; then
    [[ $code != 0 ]] || fail "it ended without an error"
  else
    [[ $code == "$wanted" ]] || fail "exit code $code, expected $wanted"
  fi
}
says() {
  grep -qE -- "$1" out || fail "not printed: $1"
}

# train CASE COUNT FOLDER: as so many processes.
train() {
  mkdir -p "$3"
  if [[ $2 == 1 ]]; then
    expect 0 "$training" "$1" "$data" "$3"
    says '^process 0 of 1 '
  else
    expect 0 "${several[@]}" "$2" "$training" "$1" "$data" "$3"
    local reports="^process [0-9]+ of $2 with 1 threads: [1-9][0-9]* buckets, [1-9][0-9]* overlapped"
    [[ $(grep -cE "$reports" out) == "$2" ]] || fail "$2 processes did not send while they computed"
  fi
}
# same FOLDER FOLDER TOLERANCE: of the weights' numbers.
same() {
  expect 0 "$training" compare "$1/weights.safetensors" "$2/weights.safetensors" "$3"
  cat out
}

# Several processes make the weights that one makes of the same batches, up to the order of
# additions. Where weights of up to 0.8 move by more than 0.05, 25 steps of its rounding came to 1e-15
# in float64 and 5e-7 in float32; a hundred times that is allowed.
equal() {
  local type tolerance
  for type in float64 float32; do
    [[ $type == float64 ]] && tolerance=1e-13 || tolerance=5e-5
    train $type 1 $type.1
    expect error "$training" compare $type.1/before.safetensors $type.1/weights.safetensors 0.05
    says "differ by .* more than 0.05"
    for count in 2 3; do
      train $type $count $type.$count
      same $type.1 $type.$count $tolerance
    done
  done
}

# The gradients of two backwards before one step add up.
pieces() {
  train float64 1 whole
  train pieces 1 one
  train pieces 2 two
  same whole one 1e-13
  same whole two 1e-13
}

# The same processes give the same weights, bit for bit.
repeats() {
  train batch_norm 2 first
  train batch_norm 2 second
  cmp first/weights.safetensors second/weights.safetensors || fail "two runs differ"
}

# A process that is killed takes the others with it; the checkpoint is whole.
killed() {
  local victim
  for victim in 1 0; do
    rm -f pid.* ten.* checkpoint.safetensors
    "${several[@]}" 2 "$training" for_ever "$data" "$own" >out 2>&1 &
    local job=$! code=0 begin
    for ((i = 0; i < 1200; i++)); do
      [[ -f ten.0 && -f ten.1 ]] && break
      kill -0 $job 2>/dev/null || fail "it ended by itself"
      sleep 0.1
    done
    [[ -f ten.0 && -f ten.1 ]] || fail "no ten steps in two minutes"
    begin=$SECONDS
    kill -9 "$(cat pid.$victim)"
    wait $job || code=$?
    [[ $code != 0 ]] || fail "mpirun ended without an error"
    ((SECONDS - begin <= 15)) || fail "the others went on for $((SECONDS - begin)) s"
    while kill -0 "$(cat pid.$((1 - victim)))" 2>/dev/null; do
      ((SECONDS - begin <= 15)) || fail "process $((1 - victim)) lives"
      sleep 0.1
    done
    says "signal 9"
    echo "process $victim killed: the job ended with $code after $((SECONDS - begin)) s"
    expect 0 "$training" load "$data" "$own"
    says "^whole$"
  done
}

# So does one that ends by an exception, caught in main or, in a thread, by nobody.
exception() {
  limit=60
  expect error "${several[@]}" 2 "$training" exception "$data" "$own"
  says "^mpi_training: process 1 has had enough"
  expect error "${several[@]}" 2 "$training" terminate "$data" "$own"
  says "^terminated by an exception: process 1 has had enough"
}

different() {
  limit=60
  expect error "${several[@]}" 2 "$training" different "$data" "$own"
  says "^mpi_training: DataParallel: process 1 has parameter '0.weight' float32 \(9, 3, 3, 1\) on the CPU, process 0 parameter '0.weight' float32 \(8, 3, 3, 1\) on the CPU"
}

"$case"
echo "passed"

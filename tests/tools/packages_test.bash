#!/usr/bin/env bash
# What `tuco compile` writes for other build systems is built as their users would, and gives the
# interpreter's bytes.
#   packages_test.bash CASE WORK SOURCE MAKE_PACKAGE_MODEL TUCO
set -euo pipefail
case=$1 own=$2/$1 source=$3 make_model=$4 tuco=$5
rm -rf "$own"
mkdir -p "$own"
"$make_model" "$own"
model=$own/net.safetensors

fail() {
  echo "FAILED: $*"
  exit 1
}
# expect CODE COMMAND...: runs it, keeps what it says in $own/out, and compares the exit code.
expect() {
  local code=$1 got=0
  shift
  "$@" > "$own/out" 2>&1 || got=$?
  cat "$own/out"
  [[ $got == "$code" ]] || fail "$* gave $got, expected $code"
}
says() {
  local words
  for words in "$@"; do grep -qF -- "$words" "$own/out" || fail "it does not say: $words"; done
}
# The numbers that a program printed after "output N: ", one on a line.
outputs() { sed -n 's/^output [0-9]*: //p' "$own/out"; }

arduino() {
  expect 0 "$tuco" compile "$model" -o net --arduino "$own/lib"
  [[ -e net.c ]] && rm net.c net.h
  for file in library.properties keywords.txt src/net.c src/net.h examples/net_run/net_run.ino; do
    [[ -s $own/lib/$file ]] || fail "no $file"
  done
  for key in name version author maintainer sentence paragraph category url architectures includes; do
    grep -q "^$key=" "$own/lib/library.properties" || fail "no $key"
  done
  local flags=(-O1 -Wall -Wextra -Werror -DSTUB_HOST -I "$source/arduino" -I "$own/lib/src")
  "${CC:-cc}" -std=c99 -O1 -Wall -Wextra -Werror -c "$own/lib/src/net.c" -o "$own/net.o"
  "${CXX:-c++}" "${flags[@]}" -include Arduino.h -x c++ -c "$own/lib/examples/net_run/net_run.ino" \
    -o "$own/sketch.o"
  "${CXX:-c++}" "${flags[@]}" "$source/arduino/host_main.cpp" "$own/sketch.o" "$own/net.o" \
    -o "$own/sketch"
  expect 0 "$own/sketch" < /dev/null
  says "net: 0 bytes received, " " us"
  cmp <(outputs) "$own/zeros.txt" || fail "other outputs for zeros"
  expect 0 "$own/sketch" < "$own/input.bin"
  says "net: $(stat -c %s "$own/input.bin") bytes received"
  cmp <(outputs) "$own/pattern.txt" || fail "other outputs for the pattern"
}

# For the board's core, as far as that goes without Arduino's own core.
arduino_arm() {
  expect 0 "$tuco" compile "$model" --arduino "$own/lib"
  [[ ! -e model.c ]] || fail "it wrote model.c, which nobody asked for"
  local core=(-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Os -ffreestanding -Wall
    -Wextra -Werror -I "$source/arduino" -I "$own/lib/src")
  arm-none-eabi-gcc -std=c99 "${core[@]}" -c "$own/lib/src/model.c" -o "$own/model.o"
  arm-none-eabi-g++ "${core[@]}" -fno-exceptions -include Arduino.h -x c++ \
    -c "$own/lib/examples/model_run/model_run.ino" -o "$own/sketch.o"
  arm-none-eabi-nm "$own/sketch.o" | grep -q "U model_run" || fail "the sketch runs no model"
}

cmake() {
  expect 0 "$tuco" compile "$model" -o "$own/net" --cmake "$own/app/net"
  mkdir -p "$own/app"
  cat > "$own/app/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
project(app LANGUAGES C)
add_subdirectory(net)
add_executable(app main.c)
target_link_libraries(app PRIVATE net)
END
  cat > "$own/app/main.c" <<'END'
#include <net.h>
#include <stdio.h>
static int32_t arena[(NET_ARENA_BYTES + 3) / 4];
int main(void) {
  int8_t* input = net_input(arena);
  for (int i = 0; i < NET_INPUT_BYTES; i++) input[i] = 0;
  const int8_t* output = net_run(arena);
  for (int i = 0; i < NET_OUTPUT_BYTES; i++) printf("output %d: %d\n", i, output[i]);
  return 0;
}
END
  command cmake -S "$own/app" -B "$own/build" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror"
  command cmake --build "$own/build"
  expect 0 "$own/build/app"
  cmp <(outputs) "$own/zeros.txt" || fail "other outputs"
  # On its own, too; and the files are those beside it.
  command cmake -S "$own/app/net" -B "$own/alone"
  command cmake --build "$own/alone"
  cmp "$own/net.c" "$own/app/net/src/net.c"
  cmp "$own/net.h" "$own/app/net/include/net.h"
}

# Zephyr's own commands, as much of them as the module calls, stand in for Zephyr.
zephyr() {
  expect 0 "$tuco" compile "$model" -o "$own/net" --cmake "$own/net_module"
  mkdir -p "$own/app"
  cat > "$own/app/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
project(app LANGUAGES C)
function(zephyr_library_named name)
  add_library(${name} STATIC)
  set(ZEPHYR_CURRENT_LIBRARY ${name} PARENT_SCOPE)
endfunction()
function(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
  target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/include)
endfunction()
function(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
function(zephyr_include_directories)
endfunction()
add_subdirectory(${MODULE} module)
if(CONFIG_TUCO_NET AND NOT TARGET tuco_net)
  message(FATAL_ERROR "CONFIG_TUCO_NET gave no library")
elseif(NOT CONFIG_TUCO_NET AND (TARGET tuco_net OR TARGET net))
  message(FATAL_ERROR "a library without CONFIG_TUCO_NET")
endif()
END
  command cmake -S "$own/app" -B "$own/off" -DMODULE="$own/net_module"
  command cmake -S "$own/app" -B "$own/on" -DMODULE="$own/net_module" -DCONFIG_TUCO_NET=y
  command cmake --build "$own/on"
  [[ -e $own/on/module/libtuco_net.a ]] || fail "no libtuco_net.a"
  grep -q "^config TUCO_NET$" "$own/net_module/Kconfig" || fail "no CONFIG_TUCO_NET in Kconfig"
  [[ $(cat "$own/net_module/zephyr/module.yml") == $'name: net\nbuild:\n  cmake: .\n  kconfig: Kconfig' ]] ||
    fail "another module.yml"
}

# Built and run in the emulator by its own Makefile.
makefile() {
  expect 0 "$tuco" compile "$model" -o "$own/net" --makefile "$own/bare"
  expect 0 make -C "$own/bare" CFLAGS="-O2 -Wall -Wextra -Werror"
  expect 0 timeout 60 make -s -C "$own/bare" run
  cmp <(sed -n 's/^output //p' "$own/out" | tr ' ' '\n') "$own/pattern.txt" || fail "other outputs"
  expect 0 make -s -C "$own/bare" size
  says "net.elf"
  expect 0 make -s -C "$own/bare" clean
  [[ ! -e $own/bare/net.elf ]] || fail "clean leaves the program"
}

# The report alone, to JSON, and to a page; the text has the JSON's numbers.
report() {
  expect 0 "$tuco" compile "$model" -o "$own/net" --report
  says "Report on net" "constants" "no plan can do with less than" "Arduino Nano 33 BLE" "estimated"
  expect 0 "$tuco" compile "$model" --report "$own/r.html" -o "$own/net" --report "$own/r.json"
  [[ -s $own/r.html ]] || fail "no page"
  local arena
  arena=$(sed -n 's/^  "arena_bytes": \([0-9]*\),/\1/p' "$own/r.json")
  [[ $(sed -n 's/^#define NET_ARENA_BYTES //p' "$own/net.h") == "$arena" ]] || fail "another arena"
  expect 0 "$tuco" compile "$model" -o "$own/zq"
  ! grep -q "Report on" "$own/out" || fail "a report that nobody asked for"
  cp "$own/zq.c" "$own/without.c"
  expect 0 "$tuco" compile "$model" -o "$own/zq" --report
  cmp "$own/zq.c" "$own/without.c" || fail "a report changes the C"
}

measure() {
  expect 0 "$tuco" compile "$model" -o "$own/net" --report "$own/estimated.json"
  says "estimated"
  expect 0 "$tuco" compile "$model" -o "$own/net" --measure --report "$own/net.json" "$own/net.html"
  says "measured" "instructions on the Cortex-M4, measured"
  # Every number of the M4 comes from the run: its layers add up to nearly all of it, and the
  # estimate is in its neighbourhood.
  python3 - "$own/net.json" "$own/estimated.json" <<'END'
import json, sys
measured, estimated = (json.load(open(p)) for p in sys.argv[1:])
for now, before in zip(measured["cores"], estimated["cores"]):
    assert not before["measured"]
    if not now["measured"]:
        continue
    count = now["instructions"]["typical"]
    assert count == now["instructions"]["low"] == now["instructions"]["high"]
    assert 0.95 * count < sum(now["layers"]) <= count, now
    for layer, instructions in zip(measured["layers"], now["layers"]):
        assert (instructions > 0) == bool(layer["kernel"]), layer
    assert 0.4 < before["instructions"]["typical"] / count < 2.5, (now, before)
    assert 0.5 < before["code_bytes"] / now["code_bytes"] < 2, (now, before)
assert any(c["core"] == "cortex-m4" and c["measured"] for c in measured["cores"])
END
  # Without the tools it says what is missing.
  expect 1 env PATH=/nowhere "$tuco" compile "$model" -o "$own/x" --measure
  says "nothing could be measured" "there is no arm-none-eabi-gcc"
  [[ ! -e $own/x.c ]] || fail "it wrote x.c"
}

errors() {
  local before
  mkdir -p "$own/out.d"
  before=$(find "$own" | sort)
  untouched() { [[ $(find "$own" | grep -v '/out$' | sort) == $(grep -v '/out$' <<< "$before") ]] || fail "something was written"; }
  for option in --arduino --cmake --makefile; do
    expect 1 "$tuco" compile "$model" -o "$own/2net" $option "$own/new/deep"
    says "2net"
    untouched
    expect 1 "$tuco" compile "$model" -o "$own/no/folder/net" $option "$own/new/deep"
    says "$own/no/folder/net"
    untouched
    expect 1 "$tuco" compile "$model" -o "$own/net" $option "$own/net.safetensors"
    says "$own/net.safetensors"
    untouched
  done
  expect 1 "$tuco" compile "$model" -o "$own/_net" --arduino "$own/new"
  says "_net"
  untouched
  expect 1 "$tuco" compile "$model" -o "$own/main" --makefile "$own/new"
  says "main"
  untouched
  expect 1 "$tuco" compile "$model" -o "$own/net" --cmake "$own/new" --report "$own/no/folder.json"
  says "$own/no/folder.json"
  untouched
  expect 1 "$tuco" compile "$model" -o "$own/net" --arduino "$own/new" --cmake "$own/new" --report "$own/new/src/net.json" "$own/new/src/net.json"
  says "two outputs"
  untouched
  expect 105 "$tuco" compile "$model" -o "$own/net" --report "$own/net.pdf"
  says "net.pdf" ".json or .html"
  untouched
  # The same files twice, and over old ones.
  expect 0 "$tuco" compile "$model" -o "$own/net" --arduino "$own/a" --cmake "$own/c" --makefile "$own/m"
  cp -r "$own/a" "$own/a2" && cp -r "$own/c" "$own/c2" && cp -r "$own/m" "$own/m2"
  expect 0 "$tuco" compile "$model" -o "$own/net" --arduino "$own/a" --cmake "$own/c/" --makefile "$own/m"
  diff -r "$own/a" "$own/a2" && diff -r "$own/c" "$own/c2" && diff -r "$own/m" "$own/m2"
  [[ -z $(find "$own" -name '*.new*' -o -name '*~') ]] || fail "something half-written is left"
}

cd "$own"
"$case"
echo "passed"

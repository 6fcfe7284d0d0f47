# What the scripts share. The caller has set -euo pipefail and is in any folder.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_jobs=$(nproc)

# Under 1.5 GiB of memory a compiler, fewer of them run at a time.
memory_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo 2>/dev/null || true)
if [[ -n $memory_kib && $((memory_kib / 1572864)) -lt $build_jobs ]]; then
  build_jobs=$((memory_kib / 1572864 > 0 ? memory_kib / 1572864 : 1))
fi

# The GPU architectures to compile for, where the CUDA toolkit is there: this machine's, or else one
# that shows that it compiles.
cuda_architectures() {
  if nvidia-smi -L >/dev/null 2>&1; then echo native; else echo 90-real; fi
}

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# stage NAME COMMAND...: runs the command, and says how long it took.
stage() {
  local name=$1 begin=$EPOCHREALTIME status=0 seconds
  shift
  printf '== %s\n' "$name"
  "$@" || status=$?
  seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}')
  if [[ $status != 0 ]]; then
    printf '== %s failed after %s s\n' "$name" "$seconds" >&2
    return "$status"
  fi
  printf '== %s took %s s\n' "$name" "$seconds"
}

# logged FILE COMMAND...: the command's output goes to the file, and its end is shown on failure.
logged() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "the whole of it: $log" >&2
    return 1
  fi
}

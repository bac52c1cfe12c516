#!/usr/bin/env bash
# Starves the bench in ways that need tools, space or time: what its tests do not do themselves.
#
#   starved.sh WORKBENCH [CASE...]     without CASE all of them
#
#   killed   SIGKILL at $MOMENTS moments, or fifty: every file in the store is whole or absent
#   slow     a disk whose writes take 300 ms: latencies are not those of the disk, or that is said
#   clock    the system's clock is set back by an hour during a run: only names have its times
#   floods   a node that prints as fast as it can, to stderr, to stdout, and as messages to itself
#   nodes    5,000 nodes: a valid run, or which limit is too low; no process is left
#   runs     a store of 100,000 runs: a run begins and ends there as quickly as in an empty one
#
# Exit status: 1 a case failed, 254 wrong usage. A case whose tools are missing is skipped, which is said.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nodes=$here/../processes/nodes
[ $# -gt 0 ] && [ -x "$1" ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 254; }
bench=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- killed slow clock floods nodes runs
dir=$(mktemp -d)
# Where a hundred thousand folders are made and removed in seconds.
memory=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "$dir")")
trap 'rm -rf "$memory" "$dir"' EXIT

# fail MESSAGE: ends the case, with the output of its last run.
fail() {
  echo "failed: $1" >&2
  [ ! -e "$dir/text" ] || cat "$dir/text" >&2
  return 1
}
# run EXIT ARGUMENT...: runs the bench, whose output is then in text.
run() {
  local status=0
  "$bench" "${@:2}" >"$dir/text" 2>&1 || status=$?
  [ "$status" = "$1" ] || fail "exit status $status, not $1, of workbench ${*:2}"
}
# says TEXT: the last run printed it.
says() { grep -qF -- "$1" "$dir/text" || fail "it does not say: $1"; }
# need PROGRAM...: whether all are there.
need() {
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "skipped: there is no $program"; return 1; }
  done
}
# operations: how many the last run has invoked.
operations() { grep -oE '^[0-9,]+ operation' "$dir/text" | tr -dc 0-9; }

killed() {
  local runs=60 moments=${MOMENTS:-50} delay seed folder file checked=0
  "$bench" challenge echo --simulate --seed 1 --runs $runs -q --store "$dir/whole" >/dev/null
  declare -A whole
  for folder in "$dir"/whole/echo/2*; do
    whole[$(grep -oE '"seed": [0-9]+' "$folder/test.json")]=$folder
  done
  for ((delay = 1; delay <= moments; delay++)); do
    "$bench" challenge echo --simulate --seed 1 --runs $runs -q --store "$dir/killed" >/dev/null &
    sleep "$(printf '0.%03d' $((delay * 950 / moments)))"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    for folder in "$dir"/killed/echo/2*; do
      [ -e "$folder/test.json" ] || continue
      seed=$(grep -oE '"seed": [0-9]+' "$folder/test.json")
      while read -r file; do
        case $file in
          # Its data are not always compressed in the same way.
          *.html) tail -n 1 "$folder/$file" | grep -q '</html>' ;;
          *) cmp -s "$folder/$file" "${whole[$seed]}/$file" ;;
        esac || fail "$folder/$file is not whole"
        checked=$((checked + 1))
      done < <(cd "$folder" && find . -type f ! -name '.*' ! -path './node-logs/*')
    done
    # What is left does not disturb a later run.
    run 0 challenge echo --simulate --seed 1 -q --store "$dir/killed"
    rm -rf "$dir/killed"
  done
  echo "$checked files of killed benches are whole"
}

slow() {
  need cc python3 || return 0
  cc -shared -fPIC -O1 -o "$dir/slow.so" "$here/slow.c" -ldl
  mkdir "$dir/disk"
  export SLOW=$dir/disk SLOW_MS=300
  local live=(test -w echo --bin "$nodes/scripted.py" --node-count 1 --rate 100 --time-limit 3 --store "$dir/disk")
  LD_PRELOAD=$dir/slow.so run 0 "${live[@]}" --log-net-send -- 'say hello'
  [ "$(operations)" -gt 200 ] || fail "operations waited for the disk"
  ! grep -q "too slow for the logs" "$dir/text" || fail "nothing waited for the disk"
  echo "$(operations) operations of one client in 3 s on a disk of 3 writes per second"
  LD_PRELOAD=$dir/slow.so run 0 "${live[@]}" -- "say $(printf '%016000d' 0)"
  says "warning: the disk is too slow for the logs: messages or nodes waited 0."
  grep "too slow for the logs" "$dir/text"
}

clock() {
  local library
  library=$(find /usr/lib* -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
  [ -n "$library" ] || { echo "skipped: there is no libfaketime"; return 0; }
  need python3 || return 0
  echo +0 >"$dir/offset"
  # The monotonic clock goes on, as it does when a machine's clock is set.
  local fake=(env "LD_PRELOAD=$library" "FAKETIME_TIMESTAMP_FILE=$dir/offset" FAKETIME_NO_CACHE=1
    FAKETIME_DONT_FAKE_MONOTONIC=1)
  local live=("$bench" test -w echo --bin "$nodes/scripted.py" --node-count 1 --rate 50 --store "$dir/clock")
  "${fake[@]}" "${live[@]}" --time-limit 4 -- ok >"$dir/text" 2>&1 &
  sleep 2
  echo -1h >"$dir/offset"
  wait $! || fail "the run is not valid"
  grep -E '^[0-9]+ operations in (3\.[5-9]|4\.[0-4]) s' "$dir/text" || fail "it did not take 4 s"
  local first
  first=$(readlink "$dir/clock/echo/latest")
  "${fake[@]}" "${live[@]}" --time-limit 1 -- ok >"$dir/text" 2>&1 || fail "the next run is not valid"
  [ "$(readlink "$dir/clock/echo/latest")" \< "$first" ] || fail "the clock was not set back"
  [ -e "$dir/clock/latest/summary.json" ] || fail "the newest run is not linked"
}

floods() {
  need python3 || return 0
  local kind status start
  for kind in stderr stdout messages; do
    status=0
    start=$SECONDS
    # Twice what it takes: a bound, since the address space is more than the memory.
    (ulimit -v 2000000
      exec "$bench" test -w echo --bin "$nodes/floods.py" --node-count 1 --rate 30 --time-limit 5 \
        --store "$dir/floods" -- $kind) >"$dir/text" 2>&1 || status=$?
    ! grep -q -e panicked -e "memory allocation" "$dir/text" || fail "a flood of $kind"
    [ "$status" -le 1 ] || fail "exit status $status after a flood of $kind"
    [ $((SECONDS - start)) -lt 30 ] || fail "$((SECONDS - start)) s after a flood of $kind"
    echo "$kind: exit status $status, $((SECONDS - start)) s, $(du -sm "$dir/floods" | cut -f 1) MB kept"
    rm -rf "$dir/floods"
  done
  for kind in stderr stdout-line; do
    run 255 test -w echo --simulate --bin "$nodes/floods.py" --node-count 1 --store "$dir/floods" -- $kind
    says "it printed more than 128 MiB in 100 ms of virtual time, without waiting for anything"
  done
}

nodes() {
  need pgrep || return 0
  local status=0 echo
  # Small, since interpreters for so many need more memory than a machine has.
  echo=$(dirname "$bench")/echo
  [ -x "$echo" ] || { echo "skipped: there is no $echo"; return 0; }
  "$bench" test -w echo --bin "$echo" --node-count 5000 --rate 20 --time-limit 2 --store "$dir/nodes" \
    >"$dir/text" 2>&1 || status=$?
  case $status in
    0) says "echo: valid" ;;
    255) grep -E "^error: (5000 nodes need 25000 open files|cannot start .*: .*(ulimit|pids.max))" "$dir/text" ||
      fail "it does not say which limit is too low" ;;
    *) fail "exit status $status" ;;
  esac
  ! pgrep -fx "$echo" || fail "nodes are left"
  # In one process.
  run 0 storm echo --fixed --node-count 5000 --seeds 1 --time-limit 2 --store "$dir/nodes"
  says "1 valid"
}

runs() {
  local made took
  mkdir -p "$memory/runs/echo"
  (cd "$memory/runs/echo" && seq -f '20200101T%06.0f.000+0000' 100000 | xargs mkdir)
  for made in runs empty; do
    took=$(date +%s%N)
    run 0 challenge echo --simulate --seed 1 -q --store "$memory/$made"
    echo "$made: $((($(date +%s%N) - took) / 1000000)) ms"
    [ -e "$memory/$made/latest/summary.json" ] || fail "the newest run is not linked"
  done
}

for case in "$@"; do
  echo "== $case ($SECONDS s)"
  "$case"
done

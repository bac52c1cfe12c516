# shellcheck shell=bash disable=SC2034,SC2317
# Shared by the scripts in this folder: their arguments, a folder with daemons that end with the script,
# and the comparison of a sum of parts with one run of the same seeds.

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
  echo "usage: $0 WORKBENCH [SEEDS [STORM]]; WORKBENCH is the program as cargo build --release makes it" >&2
  exit 254
fi
WORKBENCH=$(realpath "$1")
SEEDS=${2:-0..100000}
# A challenge, and flags.
STORM=${3:-broadcast-3c}
export WORKBENCH SEEDS STORM
docs=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../docs/campaigns")

# need PACKAGES PROGRAM...
need() {
  for program in "${@:2}"; do
    command -v "$program" > /dev/null ||
      { echo "error: there is no $program: apt-get install $1" >&2; exit 255; }
  done
}

dir=$(mktemp -d)
# Daemons accept only folders that no other user can write to.
chmod 755 "$dir"
mkdir "$dir/campaign"
pids=()
stop() {
  status=$?
  [ $status = 0 ] || tail -n 20 "$dir"/*.log "$dir"/campaign/*.log >&2 || true
  for pid in "${pids[@]}"; do
    kill "$pid" 2> /dev/null || true
  done
  wait
  rm -rf "$dir"
}
trap stop EXIT

# Runs a daemon until the end of the script.
start() {
  "$@" > "$dir/daemon-${#pids[@]}.log" 2>&1 &
  pids+=($!)
}

# Prints that many free ports.
free_ports() {
  python3 -c 'import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(it.getsockname()[1] for it in sockets))' "$1"
}

# timed WHAT COMMAND...: executes it; a verdict is no failure.
timed() {
  local start=$EPOCHREALTIME
  "${@:2}" || [ $? -le 2 ]
  awk -v what="$1" -v start="$start" -v end="$EPOCHREALTIME" \
    'BEGIN { printf "%s: %.1f s\n", what, end - start }'
}

# Compares the sum, which is campaign.json, with one run of all seeds.
compare() {
  # shellcheck disable=SC2086 # STORM is several words.
  whole() { "$WORKBENCH" storm $STORM --seeds "$SEEDS" --keep-going --json > whole.json 2> whole.log; }
  timed "one run of seeds $SEEDS" whole
  if ! diff <(grep -v '"wall-seconds"' campaign.json) <(grep -v '"wall-seconds"' whole.json); then
    echo "error: the sum of the parts differs from one run" >&2
    exit 1
  fi
  grep -E '"(runs|valid|invalid|unknown|operations|messages|wall-seconds)": [0-9]' campaign.json
  echo "the sum of the parts is the report of one run, except for wall-seconds"
}

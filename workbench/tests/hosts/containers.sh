#!/usr/bin/env bash
# Tests nodes in containers: three are made, and six nodes of echo are killed and paused in them.
#
#   containers.sh [WORKBENCH NODE]
#
# WORKBENCH is the bench and NODE an echo node that is linked statically. Without them, those that
# these commands build:
#   cargo build --release -p workbench
#   cargo build --release -p echo --target x86_64-unknown-linux-musl
# Variables: TOOL=podman, instead of docker; BUSYBOX=FILE, a busybox that is linked statically, if
# that on PATH is not (Debian: apt-get download busybox-static, dpkg -x FILE.deb DIR).
# Where no docker daemon answers, root starts one for the time of the test. The image is made from
# busybox, without a registry; the containers have no network. What was made is removed.
# Exit status: 1 failed, 2 wrong usage, 3 no containers are possible here (stderr says why).
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

die() { # STATUS MESSAGE
    echo "containers.sh: $2" >&2
    exit "$1"
}

start_daemon() {
    { ((EUID == 0)) && type -P dockerd >/dev/null; } ||
        die 3 "no docker daemon answers (see: docker info); starting one needs root and dockerd"
    [[ -e /etc/docker/key.json ]] || key=/etc/docker/key.json
    export DOCKER_HOST=unix://$dir/socket
    # In a session of its own, since Ctrl-C is for this shell, which removes the containers first.
    TMPDIR=$dir setsid dockerd --host "$DOCKER_HOST" --pidfile "$dir/pid" --data-root "$dir/data" \
        --exec-root "$dir/exec" --cgroup-parent "/$prefix" --storage-driver vfs --bridge none \
        --exec-opt native.cgroupdriver=cgroupfs --iptables=false --ip6tables=false \
        --ip-forward=false &>"$dir/log" &
    daemon=$!
    until docker info &>/dev/null; do
        kill -0 "$daemon" || die 3 "dockerd does not start: $(tail -n 3 "$dir/log")"
        sleep 0.1
    done
}

remove() {
    trap '' HUP INT TERM
    set +e
    # PID 1 of a container ignores SIGTERM, and podman would wait for it.
    for it in "${containers[@]}"; do "$tool" kill "$it"; "$tool" rm -f "$it"; done &>/dev/null
    "$tool" rmi "$prefix" &>/dev/null
    if [[ $daemon ]]; then
        kill "$daemon" && wait "$daemon"
        find /sys/fs/cgroup/ -depth -type d -path "*/$prefix*" -exec rmdir {} +
    fi
    rm -rf "$dir" ${key:+"$key"}
}

state() { # what is in /tmp, and the processes
    for it in "${containers[@]}"; do
        echo "$it:"
        # Not zombies: PID 1 of these containers reaps none, as in many others.
        "$tool" exec "$it" sh -c 'ls -A /tmp; ps -o stat,args' | grep -v ^Z
    done
}

case $#:${1-} in
1:-h | 1:--help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit ;;
0: | 2:[!-]*) ;;
*) die 2 "either no arguments or WORKBENCH and NODE (see containers.sh --help)" ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
bench=${1:-$target/release/workbench} node=${2:-$target/x86_64-unknown-linux-musl/release/echo}
for it in "$bench" "$node"; do [[ -x $it ]] || die 2 "no program: $it (see --help)"; done
tool=${TOOL:-docker} busybox=${BUSYBOX:-busybox}
for it in "$tool" "$busybox"; do type -P "$it" >/dev/null || die 3 "$it is not installed"; done

prefix=workbench-$$ daemon='' key=''
containers=("$prefix-c1" "$prefix-c2" "$prefix-c3")
dir=$(mktemp -d)
trap remove EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$dir"/image/{bin,tmp}
cp "$(type -P "$busybox")" "$dir/image/bin/busybox"
for it in $("$busybox" --list); do [[ $it == busybox ]] || ln -s busybox "$dir/image/bin/$it"; done
[[ $tool != docker ]] || docker info &>/dev/null || start_daemon
tar -C "$dir/image" -c . | "$tool" import - "$prefix" >/dev/null
for it in "${containers[@]}"; do
    # Low limits, since podman's own are refused where root may not raise limits.
    "$tool" run -d --name "$it" --network none --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 \
        "$prefix" sleep 1000000 >/dev/null || break
done
before=$(state) ||
    die 3 "$tool runs no container here, or busybox is not linked statically (see --help)"
hosts=$(IFS=, && echo "${containers[*]}")
"$bench" test -w echo --bin "$node" --node-count 6 --nemesis kill,pause --nemesis-interval 0.5 \
    --time-limit 3 --hosts "$hosts" --launch "$tool" --store "$dir/store" ||
    die 1 "the test ended with exit status $?"
diff <(echo "$before") <(state) || die 1 "the containers are not as they were before the test"
for it in killed paused; do
    count=$(grep -c ":$it " "$dir/store/echo/latest/history.txt") || die 1 "no node was $it"
    echo "times that a node was $it: $count"
done
echo "nothing is left in the containers: no file in /tmp, no process"

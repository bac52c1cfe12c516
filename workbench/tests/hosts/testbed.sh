#!/usr/bin/env bash
# Hosts to reach over ssh, on one machine: each is an sshd in namespaces of its own.
#
#   testbed.sh up DIR [--hosts N] [--delay MS] [--loss PERCENT] [--max-sessions N]
#   testbed.sh exec DIR HOST COMMAND...   run a command inside a host, not over ssh
#   testbed.sh cut DIR HOST               drop all packets of a host, as with its cable pulled
#   testbed.sh mend DIR HOST              undo cut
#   testbed.sh down DIR                   end all; leaves the logs, DIR/HOST.log
#
# up makes hosts a, b, c... (3 unless given, at most 26) and writes DIR/ssh_config (for ssh -F),
# DIR/key and DIR/hosts (a,b,c). --delay is one way: a round trip takes twice that; --loss is for
# each direction, too. --max-sessions is sshd's MaxSessions (10 unless given).
# A host has its own processes, network, name, /tmp, /var/tmp, /var/log, /dev/shm and /run; all
# other files are the machine's. Its network reaches this machine alone.
# Exit status: 1 failed, 2 wrong usage, 3 no test bed is possible here (stderr says why).
set -euo pipefail
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
namespaces=(--net --mount --uts --pid --fork --kill-child --mount-proc)

die() { # STATUS MESSAGE
    echo "testbed.sh: $2" >&2
    exit "$1"
}

await() { # COMMAND: repeat it until it succeeds, for at least 5 s
    for _ in {1..500}; do
        "$@" && return 0
        sleep 0.01
    done
    die 1 "gave up after 5 s: $*"
}

# Processes are found by an argument, since an `up` that was killed cannot have noted them all.
processes() { # KIND [HOST]: those of the kind host or link
    # Does not find grep itself, whose argument begins with ^. Fails if a process ends meanwhile.
    { grep -lszP "^\Qtestbed-$1=$dir/${2-}" /proc/[0-9]*/cmdline || true; } | cut -d/ -f3
}
listens_or_ended() { grep -qs ^Server "$dir/$1.log" || ! kill -0 "${pids[$1]}" 2>/dev/null; }
is_ended() { # KIND: end what is left of it
    for pid in $(processes "$1"); do
        # With the first process of a host its others end, and only then its parent, unshare.
        # Not $(<FILE): without the file, bash would exit.
        kill -KILL "$(cat "/proc/$pid/task/$pid/children")" || kill "$pid" || true
    done 2>/dev/null
    [[ -z $(processes "$1") ]]
}

require() {
    ((EUID == 0)) || die 3 "needs root, for namespaces and sshd"
    for tool in ssh ssh-keygen sshd ip unshare nsenter awk python3; do
        type -P "$tool" >/dev/null || die 3 "$tool is not installed (it is in one of \
openssh-client, openssh-server, iproute2, util-linux, mawk, python3)"
    done
    { : <>/dev/net/tun; } 2>/dev/null || die 3 "/dev/net/tun cannot be opened"
    message=$(unshare "${namespaces[@]}" true 2>&1) || die 3 "no namespaces: $message"
    ! ip -4 route show root 10.231.0.0/16 | grep -v ' dev bed[0-9]' >&2 ||
        die 3 "10.231.0.0/16 is in use, by these routes"
}

up() { # [OPTION NUMBER]...
    local hosts=3 delay=0 loss=0 max_sessions=10 names host address log
    declare -A pids
    while (($#)); do
        [[ "$1 ${2-}" =~ ^--(hosts|delay|loss|max-sessions)\ [0-9]+(\.[0-9]+)?$ ]] ||
            die 2 "not an option with a number: $1 ${2-} (see testbed.sh --help)"
        printf -v "${BASH_REMATCH[1]/-/_}" %s "$2"
        shift 2
    done
    [[ $hosts =~ ^([1-9]|1[0-9]|2[0-6])$ ]] || die 2 "--hosts is from 1 to 26"
    names=({a..z}) && names=("${names[@]:0:hosts}")
    require
    [[ ! -e $dir/key ]] || die 1 "$dir has a test bed (to end it: testbed.sh down $dir)"
    trap down EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$dir/run" && rm -f "$dir"/?.log
    ssh-keygen -q -t ed25519 -N '' -C testbed -f "$dir/key"
    for host in "${names[@]}"; do
        ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$dir/$host.key"
        setsid unshare "${namespaces[@]}" "$here/testbed.sh" init "$dir" "$host" "$max_sessions" \
            "testbed-host=$dir/$host" </dev/null &>"$dir/$host.log" &
        pids[$host]=$!
    done
    for host in "${names[@]}"; do
        log=$dir/$host.log
        await listens_or_ended "$host"
        grep -q ^Server "$log" || die 1 "no sshd on $host: $(tail -n 3 "$log")"
        address=$(python3 -I "$here/link.py" "${pids[$host]}" "$delay" "$loss" \
            "testbed-link=$dir/$host" </dev/null 2>>"$log") ||
            die 1 "no link to $host: $(tail -n 3 "$log")"
        printf 'Host %s\n    HostName %s\n' "$host" "$address" >>"$dir/ssh_config"
        echo "[$address]:2222 $(<"$dir/$host.key.pub")" >>"$dir/known_hosts"
    done
    cat >>"$dir/ssh_config" <<END
Host *
    Port 2222
    User root
    IdentityFile "$dir/key"
    IdentitiesOnly yes
    UserKnownHostsFile "$dir/known_hosts"
    StrictHostKeyChecking yes
END
    (IFS=, && echo "${names[*]}" >"$dir/hosts")
    trap - EXIT
}

init() { # HOST MAX_SESSIONS: be its first process
    echo "$1" >/proc/sys/kernel/hostname
    ip link set lo up
    # The new /run is filled before it takes its place: DIR may be in what is hidden then.
    mount -t tmpfs -o mode=755 testbed "$dir/run"
    mkdir "$dir/run/sshd"
    cp "$dir/key.pub" "$dir/run/authorized_keys"
    cp "$dir/$1.key" "$dir/run/host_key"
    # Without PAM, sshd refuses a user with a locked password, as root's is on some machines.
    (umask 077 && sed 's/^root:[^:]*/root:*/' /etc/shadow >"$dir/run/shadow")
    mount --bind "$dir/run/shadow" /etc/shadow
    mount -n --move "$dir/run" /run
    for it in /tmp /var/tmp /var/log /dev/shm; do mount -t tmpfs -o mode=1777 testbed $it; done
    # What a shell reads before each command would be part of every time that is measured.
    [[ ! -e ~/.bashrc ]] || mount --bind /dev/null ~/.bashrc
    exec "$(type -P sshd)" -D -e -f /dev/null -p 2222 -h /run/host_key \
        -o AuthorizedKeysFile=/run/authorized_keys -o UsePAM=no -o MaxSessions="$2" \
        -o LogLevel=VERBOSE -o Subsystem='sftp internal-sftp'
}

down() {
    # Links last, so that clients see their connections close.
    await is_ended host
    await is_ended link
    rm -rf "$dir"/{run,key,key.pub,hosts,ssh_config,known_hosts} "$dir"/?.{key,key.pub}
}

process() { # KIND HOST: its process
    [[ $2 ]] || die 2 "which host? (see testbed.sh --help)"
    processes "$1" "$2" | grep . || die 1 "$dir has no host $2, or its $1 process ended"
}

command=${1-} dir=${2:+$(realpath -m -- "$2")} host=${3-}
[[ $dir || $command != [a-z]* ]] || die 2 "which DIR? (see testbed.sh --help)"
case $command in
-h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
up | down | init) "$command" "${@:3}" ;;
cut) pid=$(process link "$host") && kill -USR1 "$pid" ;;
mend) pid=$(process link "$host") && kill -USR2 "$pid" ;;
exec)
    pid=$(process host "$host")
    exec nsenter -t "$pid" -n -m -u --pid="/proc/$pid/ns/pid_for_children" -- "${@:4}"
    ;;
*) die 2 "not a command: '$command' (see testbed.sh --help)" ;;
esac

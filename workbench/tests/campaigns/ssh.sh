#!/bin/bash
# Runs docs/campaigns/ssh.sh on three hosts, which are three servers of ssh on this one, started for this,
# and compares the sum with one run of the same seeds.
#
#   workbench/tests/campaigns/ssh.sh target/release/workbench [SEEDS [STORM]]
set -euo pipefail
source "$(dirname "$0")/common.sh"
need "parallel openssh-server openssh-client python3" parallel /usr/sbin/sshd ssh python3

ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
# Where sshd, which root starts, looks for a folder of its own.
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
hosts=(a b c)
read -ra ports < <(free_ports 3)
for index in 0 1 2; do
  cat >> "$dir/ssh.conf" <<CONF
Host ${hosts[index]}
  HostName 127.0.0.1
  Port ${ports[index]}
CONF
  start /usr/sbin/sshd -D -e -f /dev/null -h "$dir/key" -p "${ports[index]}" \
    -o ListenAddress=127.0.0.1 -o PidFile=none -o StrictModes=no -o UsePAM=no \
    -o AuthorizedKeysFile="$dir/key.pub"
done
cat >> "$dir/ssh.conf" <<CONF
Host *
  IdentityFile $dir/key
  IdentitiesOnly yes
  BatchMode yes
  ConnectionAttempts 20
  StrictHostKeyChecking no
  UserKnownHostsFile $dir/known_hosts
  LogLevel ERROR
CONF

cd "$dir/campaign"
PARALLEL_SSH="ssh -F $dir/ssh.conf" PARALLEL_HOME="$dir/parallel" \
  timed "eight parts on three hosts and their sum" "$docs/ssh.sh" a,b,c 8
[ -s campaign.html ] || { echo "error: there is no page of the sum" >&2; exit 1; }
compare

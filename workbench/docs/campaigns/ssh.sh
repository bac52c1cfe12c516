#!/bin/sh
# A campaign on hosts that ssh reaches, one part at a time on each, and its sum:
#
#   ssh.sh a,b,c [PARTS]
#
# Needs GNU parallel here, and the program on the PATH of each host. Set by the environment: SEEDS,
# STORM (a challenge, and flags), WORKBENCH (the program).
set -eu
hosts=${1:?the hosts, such as a,b,c}
# More parts than hosts: one that ends early takes more of them.
parts=${2:-24}
: "${WORKBENCH:=workbench}"

mkdir -p parts
# A part whose host fails is run on another one; a verdict, which is a status up to 2, is no failure.
seq "$parts" | parallel --sshlogin "$hosts" --jobs 1 --retries 3 --results 'parts/{}.part' \
  "$WORKBENCH storm ${STORM:-broadcast-3c} --seeds ${SEEDS:-0..1000000} --keep-going \
    --shard {}/$parts --json || [ \$? -le 2 ]" > parts.log 2>&1
find parts -name '*.part' -size +0 |
  "$WORKBENCH" merge --files-from - --page campaign.html --json > campaign.json

#!/bin/bash
# Runs docs/campaigns/slurm.sbatch as an array of eight and merge.sbatch after it, on a Slurm of one node
# that is started for this in a folder of its own, and compares the sum with one run of the same seeds.
# Then runs nodes in an allocation, by `--launch srun`.
#
#   workbench/tests/campaigns/slurm.sh target/release/workbench [SEEDS [STORM]]
#
# Needs root; the daemons of munge and Slurm are processes of this script, without systemd.
set -euo pipefail
source "$(dirname "$0")/common.sh"
need "munge slurm-wlm python3" munged slurmctld slurmd sbatch python3

head -c 128 /dev/urandom > "$dir/munge.key"
chmod 400 "$dir/munge.key"
start munged --foreground --force --key-file "$dir/munge.key" --socket "$dir/munge.socket" \
  --pid-file "$dir/munge.pid" --log-file "$dir/munge.log" --seed-file "$dir/munge.seed"

read -r control_port node_port < <(free_ports 2)
host=$(hostname -s)
mkdir "$dir/state" "$dir/spool"
cat > "$dir/slurm.conf" <<CONF
ClusterName=campaigns
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$control_port
SlurmdPort=$node_port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1024
PartitionName=all Nodes=ALL Default=YES
CONF
export SLURM_CONF="$dir/slurm.conf"
start slurmctld -D -i
start slurmd -D
for _ in {1..100}; do
  ! sinfo --noheader --format %t 2> /dev/null | grep -q idle || break
  sleep 0.2
done

echo="$(realpath "$docs/../../examples/echo.sh")"
cd "$dir/campaign"
array() {
  local job
  job=$(sbatch --parsable --array=3-17:2 --cpus-per-task=1 "$docs/slurm.sbatch") || exit 255
  sbatch --wait --dependency="afterany:$job" "$docs/merge.sbatch"
}
timed "an array of eight and its sum" array
[ -s campaign.html ] || { echo "error: there is no page of the sum" >&2; exit 1; }
compare

salloc --quiet "$WORKBENCH" test -w echo --bin "$echo" --node-count 4 --time-limit 4 --rate 20 \
  --nemesis kill,pause --nemesis-interval 0.7 --hosts "$host" --launch srun
[ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'workbench.*')" ] ||
  { echo "error: nodes have left files behind" >&2; exit 1; }

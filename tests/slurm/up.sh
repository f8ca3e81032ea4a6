#!/usr/bin/env bash
# Start a real Slurm of three nodes on this one machine, on loopback, for the tests.
#
#   eval "$(tests/slurm/up.sh FOLDER)"     # prints `export SLURM_CONF=...`
#   sinfo                                   # three idle nodes of 4 CPUs each
#   tests/slurm/down.sh FOLDER
#
# Everything it writes is in FOLDER: keys, state, spool, logs, process ids. Ports are free ones, and
# munge is its own, so several can run side by side and none touches a Slurm that is there already.
# Any user may start it. Calling it again with the same folder starts only what is not running.
set -euo pipefail
dir=${1:?usage: up.sh FOLDER}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
# Slurm makes sockets in it, whose names may have 107 characters; otherwise no job ever starts.
[ ${#dir} -le 60 ] ||
  { echo "up.sh: the name of $dir is too long for sockets; take a shorter one" >&2; exit 2; }
for program in slurmctld slurmd sbatch munged; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null ||
    { echo "up.sh: no $program here; install slurmctld slurmd slurm-client munge" >&2; exit 3; }
done
export PATH=$PATH:/usr/sbin:/sbin
export SLURM_CONF=$dir/slurm.conf
me=$(id -un)

# Whether the process in a pid file is alive and is what it should be.
alive() { [ -s "$1" ] && grep -q "$2" "/proc/$(cat "$1")/comm" 2>/dev/null; }

# The processes leave the caller's session and output, so that nobody waits for them.
start() { setsid "$@" </dev/null >>"$dir/log/start.log" 2>&1; }

configure() {
  local ports
  ports=($(python3 - <<'PY'
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(one.getsockname()[1] for one in held))
PY
  ))
  mkdir -p "$dir"/{state,log,munge,spool/node{1,2,3}}
  chmod 700 "$dir/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
  cat >"$SLURM_CONF.new" <<CONF
ClusterName=lab
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
# A requeued job waits for cred_expire seconds before it starts again: 120 unless told, 5 at least.
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
# As quick as it goes: a job is started as soon as it is submitted.
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1,default_queue_depth=1000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
DefMemPerCPU=500
KillWait=5
CompleteWait=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=30
# The nodes have the processors and memory that are written here, whatever the machine has.
SlurmdParameters=config_overrides
MaxArraySize=1001
MaxJobCount=20000
NodeName=node[1-3] NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=[${ports[1]},${ports[2]},${ports[3]}] CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=node[1-3] Default=YES MaxTime=1-0 PriorityTier=1 State=UP
PartitionName=urgent Nodes=node[1-3] MaxTime=1-0 PriorityTier=9 PreemptMode=OFF State=UP
PartitionName=closed Nodes=node[1-3] MaxTime=1-0 State=DOWN
CONF
  mv "$SLURM_CONF.new" "$SLURM_CONF"
}

[ -s "$SLURM_CONF" ] || configure
alive "$dir/munge/munged.pid" munged ||
  start munged --force --num-threads=2 --socket="$dir/munge/socket" --key-file="$dir/munge/key" \
    --pid-file="$dir/munge/munged.pid" --seed-file="$dir/munge/seed" --log-file="$dir/log/munged.log"
alive "$dir/slurmctld.pid" slurmctld || start slurmctld -f "$SLURM_CONF"
for node in node1 node2 node3; do
  alive "$dir/slurmd-$node.pid" slurmd || start slurmd -f "$SLURM_CONF" -N "$node"
done

SECONDS=0
while [ $SECONDS -lt 60 ]; do
  if [ "$(timeout 10 sinfo -h -N -p debug -t idle,mix,alloc -o %N 2>/dev/null | wc -l)" = 3 ]; then
    echo "export SLURM_CONF=$SLURM_CONF"
    exit 0
  fi
  sleep 0.1
done
echo "up.sh: Slurm did not come up within a minute; its logs are in $dir/log" >&2
tail -n 3 "$dir"/log/*.log >&2
"$(dirname "$0")/down.sh" "$dir" || true
exit 1

#!/usr/bin/env bash
# Stop the Slurm that up.sh started in FOLDER, jobs included; the folder stays. Twice does no harm.
set -u
dir=${1:?usage: down.sh FOLDER}
[ -d "$dir" ] || exit 0
dir=$(cd "$dir" && pwd -P)
export PATH=$PATH:/usr/sbin:/sbin SLURM_CONF=$dir/slurm.conf

# Processes of this Slurm, by the ids it wrote and, for the steps of jobs, by its configuration.
ours() {
  cat "$dir"/slurmd-*.pid "$dir/slurmctld.pid" "$dir/munge/munged.pid" 2>/dev/null
  for proc in /proc/[0-9]*; do
    case $(cat "$proc/comm" 2>/dev/null) in
      slurm* | munged) grep -qzF "$dir/" "$proc/cmdline" "$proc/environ" 2>/dev/null && echo "${proc#/proc/}" ;;
    esac
  done
}

[ -s "$dir/slurmctld.pid" ] && timeout 5 scancel --signal=KILL --full --me 2>/dev/null
for signal in TERM KILL; do
  pids=$(ours | sort -u)
  [ -n "$pids" ] || break
  kill -$signal $pids 2>/dev/null
  for _ in $(seq 15); do
    left=
    for pid in $pids; do
      case $(cat "/proc/$pid/comm" 2>/dev/null) in slurm* | munged) left=1 ;; esac
    done
    [ -n "$left" ] || break
    sleep 0.1
  done
done
rm -f "$dir"/*.pid "$dir"/munge/*.pid
exit 0

#!/usr/bin/env bash
# A SLURM of one node on this machine, from Debian's packages slurm-wlm and munge, for root:
#   slurm.sh start FOLDER [CPUS]   daemons, state and logs in FOLDER; prints what to export
#   slurm.sh stop FOLDER
# Says why and exits with 77 where it cannot start.
set -euo pipefail
folder=$(realpath -m "$2")
missing() { echo "no SLURM here: $1"; exit 77; }
gone() { for file in "$folder"/*.pid; do [ -s "$file" ] && kill "$(cat "$file")" 2>/dev/null; done || true; }

if [ "$1" = stop ]; then
  gone
  exit 0
fi

for program in munged slurmctld slurmd sbatch; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || missing "there is no $program (apt install slurm-wlm munge)"
done
[ "$(id -u)" = 0 ] || missing "its daemons want root"
mkdir -p "$folder"/{ctld,d,log}
chmod 755 "$folder"
dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
chmod 600 "$folder/munge.key"
socket=$folder/munge.socket
/usr/sbin/munged --force --key-file "$folder/munge.key" --socket "$socket" --pid-file "$folder/munged.pid" \
  --log-file "$folder/log/munged" --seed-file "$folder/munge.seed" || missing "munged does not start"
host=$(hostname -s)
cat >"$folder/slurm.conf" <<END
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CredType=cred/munge
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/d
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
SlurmctldPort=16817
SlurmdPort=16818
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,batch_sched_delay=1
KillWait=30
SlurmdTimeout=20
InactiveLimit=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=${3:-2} State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
export SLURM_CONF=$folder/slurm.conf
/usr/sbin/slurmctld || missing "slurmctld does not start (see $folder/log)"
/usr/sbin/slurmd || missing "slurmd does not start (see $folder/log)"
for _ in $(seq 60); do
  state=$(sinfo --noheader --format=%T 2>/dev/null || true)
  if [ "$state" = idle ]; then
    echo "SLURM_CONF=$SLURM_CONF"
    exit 0
  fi
  sleep 1
done
gone
missing "its node stays '$state' (see $folder/log)"

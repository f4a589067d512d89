#!/usr/bin/env bash
# One large run over several hosts, by Slurm: a process on each, which do every run
# together:
#
#   sbatch --nodes=2 --time=12:00:00 --cpus-per-task=8 experiments/jobs/slurm_hosts.sh \
#       --dataset=/shared/folder/log.csv --attack=spattack_o_d --aggregator=median \
#       --checkpoint_dir=/shared/folder/checkpoints --output_dir=/shared/folder/run
#
# All arguments go to jaxfr train. For GPUs add --gpus-per-node=8. A job that is
# killed, or runs out of time, goes on from its newest checkpoint when the same command
# is given again. JAXFR names another jaxfr than the one on the PATH.
#
#SBATCH --job-name=jaxfr-hosts
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --output=slurm-%j.log
set -euo pipefail

cd "${SLURM_SUBMIT_DIR:?start this script with sbatch --nodes=2}"
exec srun "${JAXFR:-jaxfr}" train "$@" \
  --coordinator_address=auto

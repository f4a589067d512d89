#!/usr/bin/env bash
# A sweep as a Slurm job array, each task with its share of the runs:
#
#   sbatch --array=0-9 --time=4:00:00 --cpus-per-task=8 experiments/jobs/slurm_array.sh \
#       --attack=none,spattack_o_d --aggregator=mean,median --seeds=0:100 \
#       --store=/shared/folder/store
#
# All arguments go to jaxfr sweep; the array begins at 0. For GPUs add
# --gpus-per-task=1. A task that is killed, or runs out of time, loses the batch in
# flight at most: the same command again does what is left. jaxfr status --store=...
# says how far all tasks are together. JAXFR names another jaxfr than the one on the
# PATH.
#
#SBATCH --job-name=jaxfr-sweep
#SBATCH --requeue
#SBATCH --output=slurm-%A_%a.log
set -euo pipefail

cd "${SLURM_SUBMIT_DIR:?start this script with sbatch --array=0-9}"
exec srun "${JAXFR:-jaxfr}" sweep "$@" \
  --shard_index="${SLURM_ARRAY_TASK_ID:?start this script with sbatch --array=0-9}" \
  --num_shards="$SLURM_ARRAY_TASK_COUNT"

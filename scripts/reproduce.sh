#!/usr/bin/env bash
# A published experiment as one line, with the published names of dataset and model:
#   scripts/reproduce.sh popqa llama3.2_1b                 encode and inference (bash/popqa_llama3.2_1b.sh)
#   scripts/reproduce.sh popqa llama3.2_1b warmup          the same from a warmed-up weight (semoe warmup makes it)
#   scripts/reproduce.sh popqa llama3.2_1b token           main with configs/…/popqa/flare.json
#   scripts/reproduce.sh hotpotqa llama2_7b dragin         DRAGIN's config of that name
#   scripts/reproduce.sh popqa smollm2                     ours
# What follows goes to `semoe reproduce`: scripts/reproduce.sh popqa llama3.2_1b --sample 20 --data_dir data
# Data: `semoe data check` says what to download by hand.
set -euo pipefail

if (($# < 2)); then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
dataset=${1/complexwebquestions/cwq} name=$2
shift 2
if (($#)) && [[ $1 != -* ]]; then
    name=$name-$1
    shift
fi
exec semoe reproduce --config "$dataset-$name" "$@"

#!/usr/bin/env bash
# A study from end to end: train, score, compare, record. Every step skips what is done already.
#   experiments/study.sh <study folder> <suite> <experiment>[,<experiment>] [what train.py is told besides]
# STUDENTS of evaluate.py, where more than the herd is scored; RECORD, what record.py is told besides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STUDY=$1 SUITE=$2 EXPERIMENTS=$3 NAME=${3%%,*}
shift 3
HERD="${LAMINI_OUTPUT:-outputs}/$NAME"

make install
for experiment in ${EXPERIMENTS//,/ }; do
    .venv/bin/python train.py -m "experiment=$experiment" "$@"
done
.venv/bin/python evaluate.py "students=${STUDENTS:-$HERD}" "suite=$SUITE"
.venv/bin/python compare.py "runs=$HERD"
# shellcheck disable=SC2086  # RECORD is words
.venv/bin/python experiments/record.py "$HERD" "experiments/$STUDY" --suite "$SUITE" ${RECORD:-}

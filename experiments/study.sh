#!/usr/bin/env bash
# A study from end to end: train, score, compare, record. Every step skips what is done already.
#   experiments/study.sh <study folder> <suite>[,<suite>] <experiment>[,<experiment>] [what train.py is told besides]
# The first suite is recorded, the first experiment names the herd. ALSO: what evaluate.py scores beside the herd
# and compare.py lays beside it; RECORD: what record.py is told besides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STUDY=$1 SUITES=$2 EXPERIMENTS=$3
shift 3
OUTPUT="${LAMINI_OUTPUT:-outputs}"
HERD="$OUTPUT/${EXPERIMENTS%%,*}"

make install
for experiment in ${EXPERIMENTS//,/ }; do
    .venv/bin/python train.py -m "experiment=$experiment" "$@"
done
for suite in ${SUITES//,/ }; do
    .venv/bin/python evaluate.py "students=[$HERD${ALSO:+,$ALSO}]" "suite=$suite"
done
.venv/bin/python compare.py "runs=[$HERD${ALSO:+,$OUTPUT/bases}]"
# shellcheck disable=SC2086  # RECORD is words
.venv/bin/python experiments/record.py "$HERD" "experiments/$STUDY" --suite "${SUITES%%,*}" ${RECORD:-}

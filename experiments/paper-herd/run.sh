#!/usr/bin/env bash
# The paper's 17 students: trained, scored on its 15 tasks and its two probes, and answering its 114 instructions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

HERD="${LAMINI_OUTPUT:-outputs}/paper-herd"
for suite in hallucination toxicity answers114; do  # once the herd stands; study.sh trains it first
    [ ! -d "$HERD" ] || .venv/bin/python evaluate.py "students=$HERD" "suite=$suite"
done
experiments/study.sh paper-herd nlp15 paper-herd,paper-herd-6k "$@"

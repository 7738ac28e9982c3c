#!/usr/bin/env bash
# The ablation on two CPU cores: the oracle's pairs in the paper's seven sources, two families, three seeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
.venv/bin/python experiments/oracle_pairs.py "${LAMINI_OUTPUT:-outputs}/oracle-pairs"
export RECORD=--effects
exec experiments/study.sh data-ablation oracle data-ablation-oracle "$@"

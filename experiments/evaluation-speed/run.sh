#!/usr/bin/env bash
# What two CPU cores can tell, one after another: half an hour on quiet ones. LAMINI_DATA: folder with eval/ and
# tokenizers/. Arguments go to benchmark.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
STUDY=experiments/evaluation-speed
export PYTHONPATH=.
.venv/bin/python $STUDY/starts.py
.venv/bin/python $STUDY/benchmark.py --rounds 3 "$@"

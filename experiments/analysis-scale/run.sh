#!/usr/bin/env bash
# Time and memory of analyze.py by number of rows, into results.json and the README. About half an hour on two cores
# and 4 GB of disk under TMPDIR. LAMINI_DATA: folder that holds eval/. Arguments are other numbers of rows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
folder="${TMPDIR:-/tmp}/lamini-analysis-scale"
if [ $# -eq 0 ]; then set -- 10000 100000 1000000 2580000; fi
PYTHONPATH=. nice -n 10 .venv/bin/python experiments/analysis-scale/benchmark.py "$@" --folder "$folder" \
    --tasks "${LAMINI_DATA:-../shared/data}/eval"

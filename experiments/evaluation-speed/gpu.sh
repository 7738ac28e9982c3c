#!/usr/bin/env bash
# The same on one GPU in bf16, in some minutes; the table and the numbers go to README.md and results.json, and to
# standard output. PYTHON: the interpreter to use. Arguments go to benchmark.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}" exec "${PYTHON:-.venv/bin/python}" experiments/evaluation-speed/benchmark.py \
    --device cuda --share 0.1 --batches 16 32 64 128 256 "$@"

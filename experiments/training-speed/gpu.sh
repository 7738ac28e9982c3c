#!/usr/bin/env bash
# MFU, packed beside plain and peak memory on one GPU, everything in one call of at most nine minutes; the table
# and the numbers go to README.md and results.json, and to standard output. PYTHON: the interpreter to use.
# Arguments go to gpu.py, for example --ours "trainer.attention=flex".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}" exec "${PYTHON:-.venv/bin/python}" experiments/training-speed/gpu.py --minutes 9 "$@"

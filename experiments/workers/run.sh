#!/usr/bin/env bash
# One worker beside two, for generate.py and evaluate.py; the numbers go into the README. Minutes on two free cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

.venv/bin/python experiments/workers/measure.py "$@"

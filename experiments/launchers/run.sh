#!/usr/bin/env bash
# What each launcher adds to a student, beside plain lines of train.py; the numbers go into the README. Needs
# SLURM and munge (Debian: slurm-wlm munge) and the extras slurm and ray; minutes on two free cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

.venv/bin/python experiments/launchers/overhead.py "$@"

#!/usr/bin/env bash
# The book of a large herd: seconds, megabytes, and freezes of its page, into results.json and the README. Some minutes.
# Arguments go to measure.py: --runs 10, --points 1000, --times 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
PYTHONPATH=. .venv/bin/python experiments/compare-scale/measure.py "$@"

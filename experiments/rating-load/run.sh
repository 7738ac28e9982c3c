#!/usr/bin/env bash
# Fifty raters against rate.py on loopback, three ways, into results.json and the README. About two minutes.
# Arguments go to load.py: --raters 10, --seconds 5, or a way such as "flat out".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
PYTHONPATH=. .venv/bin/python experiments/rating-load/load.py "$@"

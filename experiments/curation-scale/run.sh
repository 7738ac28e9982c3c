#!/usr/bin/env bash
# Time and memory of removing duplicates, by number of rows; the numbers go into the README. Needs the extra
# `curation`, datasketch for the comparison, 3 GB of disk under TMPDIR, and about ten minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

.venv/bin/python experiments/curation-scale/benchmark.py "$@"

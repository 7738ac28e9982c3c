#!/usr/bin/env bash
# make herd, then its numbers into the README and the book's figure beside it. Needs no data and no network once .venv
# is made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make herd
.venv/bin/python experiments/summarise.py "${LAMINI_OUTPUT:-outputs}/embedded" experiments/embedded-herd
cp "${LAMINI_OUTPUT:-outputs}/embedded/comparison/figures/standing.svg" experiments/embedded-herd/

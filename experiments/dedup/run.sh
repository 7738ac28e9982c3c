#!/usr/bin/env bash
# The mixture as published or without repeats and near-duplicates, four students, three seeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
.venv/bin/python experiments/dedup/deduplicate.py "${LAMINI_OUTPUT:-outputs}/deduplicated"
exec experiments/study.sh dedup nlp15 dedup "$@"

#!/usr/bin/env bash
# The engine against a stub beside a plain loop and distilabel; the README says what came out.
# DISTILABEL: an environment with distilabel 1.5; made in a temporary folder where it is not given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
if [ -z "${DISTILABEL:-}" ]; then
    DISTILABEL="$(mktemp -d)"
    trap 'rm -rf "$DISTILABEL"' EXIT
    .venv/bin/python -m venv "$DISTILABEL"
    "$DISTILABEL/bin/python" -m pip install --quiet "distilabel[openai]==1.5.3" requests
fi
STUDY=experiments/teacher-engine/benchmark.py
.venv/bin/python $STUDY faults
.venv/bin/python $STUDY memory
.venv/bin/python $STUDY speed --distilabel "$DISTILABEL/bin/python" "$@"

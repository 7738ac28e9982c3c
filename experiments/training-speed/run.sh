#!/usr/bin/env bash
# The CPU parts of the study, one after another: about two hours on two quiet cores. LAMINI_DATA: folder with
# train/ and tokenizers/. OURS: overrides of this project's lines, such as "batching=packed". The peers need the
# extra `peers`; where the environment has no TRL, it goes into a temporary folder beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
STUDY=experiments/training-speed
export PYTHONPATH=.
if ! .venv/bin/python -c 'import trl' 2>/dev/null; then
    extra="$(mktemp -d)"
    trap 'rm -rf "$extra"' EXIT
    .venv/bin/python -m pip install --quiet --no-deps --target "$extra" -c constraints.txt trl
    export PYTHONPATH=".:$extra"
fi
.venv/bin/python $STUDY/starts.py
.venv/bin/python $STUDY/padding.py
.venv/bin/python $STUDY/scaling.py --ours "${OURS:-}"
.venv/bin/python $STUDY/benchmark.py --rows 384 4096 --rounds 3 --ours "${OURS:-}" "$@"

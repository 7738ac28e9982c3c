#!/usr/bin/env bash
# The plan of the paper's job: what no other study records is measured (some minutes on two quiet cores), the 17 students
# are counted, the model is computed and simulated, into results.json, plan.svg and the README. LAMINI_DATA: folder with
# train/, eval/ and tokenizers/. Arguments go to measure.py: --folder <on the disk to measure>. After an edit of
# constants.yaml the last line is enough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

make install
export PYTHONPATH=.
.venv/bin/python experiments/scale/measure.py "$@"
.venv/bin/python experiments/scale/herd.py
.venv/bin/python experiments/scale/real.py
.venv/bin/python experiments/scale/plan.py

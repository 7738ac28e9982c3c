#!/usr/bin/env bash
# A search of TRIALS trials, then its best values and the defaults with three seeds each, on two CPU cores. The same
# line again skips what is done. Arguments go to the search, for example hydra/launcher=slurm hydra.sweeper.n_jobs=4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

OUTPUT="${LAMINI_OUTPUT:-outputs}"
make install
export PYTHONPATH=.
.venv/bin/python train.py -m experiment=tuning logger=none "hydra.sweeper.n_trials=${TRIALS:-12}" "$@"
for seed in 1 2 3; do
    LINE=(experiment=tuning hydra/sweeper=basic model=t5-nano logger=none "seed=$seed")
    .venv/bin/python train.py "${LINE[@]}" "name=tuning-default-$seed"
    # shellcheck disable=SC2046  # words
    .venv/bin/python train.py "${LINE[@]}" "name=tuning-best-$seed" $(.venv/bin/python experiments/tuning/table.py best "$OUTPUT")
done
.venv/bin/python experiments/tuning/table.py record "$OUTPUT"

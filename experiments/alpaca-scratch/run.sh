#!/usr/bin/env bash
# Four students from random weights on Stanford Alpaca's rows; the README says what came out.
# LAMINI_DATA: folder that holds train/alpaca.jsonl.gz. Arguments are added to the training line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

LINE="model=t5-nano,t5-micro,gpt2-nano,gpt2-micro limit=5000 vocabulary=4096 batch_size=8 trainer.max_epochs=1 trainer.threads=1"
DATA="${LAMINI_DATA:-../shared/data}/train/alpaca.jsonl.gz"

make install
# shellcheck disable=SC2086  # LINE is words
.venv/bin/python train.py -m $LINE data=file "data.path=$DATA" name=alpaca-scratch logger=csv "$@"
.venv/bin/python experiments/summarise.py "${LAMINI_OUTPUT:-outputs}/alpaca-scratch" experiments/alpaca-scratch \
    --data "$DATA"

#!/usr/bin/env bash
# Bare or in Alpaca's wrapper, four students, three seeds. Arguments go to train.py.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" wrapper nlp15 wrapper "$@"

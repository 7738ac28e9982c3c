#!/usr/bin/env bash
# From 52,000 pairs to all, four students, three seeds. Arguments go to train.py.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" data-scale nlp15 data-scale "$@"

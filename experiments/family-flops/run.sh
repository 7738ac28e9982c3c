#!/usr/bin/env bash
# Families at equal operations a pair, in three classes, three seeds. Arguments go to train.py.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" family-flops nlp15 family-flops "$@"

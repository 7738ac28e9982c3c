#!/usr/bin/env bash
# Families at equal parameters, in four classes, three seeds. Arguments go to train.py.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" family-parameters nlp15 family-parameters "$@"

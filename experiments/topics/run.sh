#!/usr/bin/env bash
# With topics or without, at equal size, four students, three seeds. Arguments go to train.py.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" topics nlp15 topics "$@"

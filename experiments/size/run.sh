#!/usr/bin/env bash
# Five families in all their sizes up to 1.6B, three seeds. Arguments go to train.py.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" size nlp15 size "$@"

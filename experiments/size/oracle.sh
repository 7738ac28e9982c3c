#!/usr/bin/env bash
# Two families at their two scratch sizes on the oracle's pairs, two CPU cores, three seeds.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" size oracle size-oracle "$@"

#!/usr/bin/env bash
# The same steps over 300, 1,200 and 4,800 of the oracle's pairs, two CPU cores, three seeds.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" data-scale oracle data-scale-oracle "$@"

#!/usr/bin/env bash
# What a rating costs on its way to the disk, and what a page pays to know how things stand; the numbers go into
# the README. Needs a real disk (not tmpfs) at --place, by default this folder's; two minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

.venv/bin/python experiments/rating-store/commits.py "$@"

#!/usr/bin/env bash
# The paper's 17 students, three seeds: trained, scored on its 15 tasks and its hallucination probe, answering its 114
# instructions for people to rate. Arguments go to train.py: seed=42 trains one seed.
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" paper-herd nlp15,hallucination,answers114 paper-herd,paper-herd-6k "$@"

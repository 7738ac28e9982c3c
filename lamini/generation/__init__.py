"""generate.py from a checked configuration to a data set: instructions, responses, curation (paper §3).

Everything a teacher says goes through the request log, so that a stage holds nothing that a rerun could not
make again without a call: what is asked comes first, in any order, and what is written comes after, in order,
from the log.
"""

"""The record that the oracle's data sets consist of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One pair and where it comes from.

    `phrasing` is the template, `instance` the fields as one line (see `kinds.instance_of`), `fault`
    is "" or the mark of a deliberate mistake: "wrong", "wordy", "malformed".
    """

    instruction: str
    response: str
    instruction_source: str
    kind: str
    phrasing: str
    instance: str
    fault: str

"""Ratings out as CSV or Parquet, with names in them, and in again: for analysis, a copy, another machine.

All events go out, not only those that stand. On the way in an event is known by its id and what it rates by
the target's key: rows may be missing, repeated or in another order. What an export does not hold: who took an
item and rated nothing of it, links, and when the study was closed (merging carries all but the last).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lamini.errors import UserError
from lamini.rating import rows
from lamini.rating.carried import Carried, add
from lamini.rating.columns import COLUMNS, Row, Rows, row_of
from lamini.rating.standing import Standing
from lamini.rating.store import Store
from lamini.rating.verdicts import write_verdicts
from lamini.rating.writing import KEY, write_table


def export(store: Store, file: Path) -> int:
    """Write all events to `file`; of a hallucination sheet also the verdicts that evaluate.py reads.

    Returns:
        How many there are.

    Raises:
        UserError: neither .csv nor .parquet, a file of something else is there, or the disk refuses.
    """
    found = table(store)
    write_table(file, found, COLUMNS)
    if store.study.sheet == "hallucination":
        print(write_verdicts(store, file.with_name(f"{file.stem}.verdicts{file.suffix}")), flush=True)
    return len(found)


def table(store: Store) -> list[Row]:
    """All events as rows of COLUMNS, by time."""
    about = {target.key: (item, target) for item in store.study.items for target in item.targets}
    standing = Standing(store.study)
    with store.looking() as connection, rows.one_state(connection):
        raters = {rater.id: rater for rater in rows.raters(connection)}
        events = rows.events(connection)
        standing.update(connection)
    current = {event.id for event in standing.current()}
    return [
        row_of(event, raters[event.rater], *about[event.target], store.study, event.id in current)
        for event in events
    ]


def take(store: Store, file: Path) -> int:
    """Take in the events of an exported file (also .jsonl), those that are there already aside; all or none.

    Returns:
        How many are new.

    Raises:
        UserError: a row that is none of this study's, or an event that differs from the one here.
    """
    carried = read(store, file)
    with store.writing() as connection:
        known = {rater.name for rater in rows.raters(connection)}
        for name in carried.kinds:
            if name not in known:  # joined, as far as one can tell, with the first rating
                first = min(event.at for event in carried.events if carried.names[event.rater] == name)
                carried.joins[name] = {(first, "")}
        return add(connection, carried, f"{KEY}={file}")


def read(store: Store, file: Path) -> Carried:
    """What an exported file holds.

    Raises:
        UserError: as `take`.
    """
    from lamini.data.readers import items

    carried, parsed, numbers = Carried(), Rows(store.study), dict[str, int]()
    for line, record in items(file, KEY):
        try:
            name, kind, event = parsed.event(record)
            if carried.kinds.setdefault(name, kind) != kind:
                raise UserError(f"{name} is a {kind} here and a {carried.kinds[name]} in an earlier row")
        except UserError as error:
            raise UserError(f"{KEY}={file}, row {line}: {error}; nothing was taken in") from error
        number = numbers.setdefault(name, len(numbers))
        carried.names[number] = name
        carried.events.append(replace(event, rater=number))
    if not carried.events:
        raise UserError(f"{KEY}={file} has no rating in it")
    return carried

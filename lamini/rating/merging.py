"""Another machine's file of the same study is merged in.

Merging is a union, so the order of several files does not matter and a file that was merged before changes
nothing. Raters of one name are one person only if both came without a link, or with a link in common. When a
study was closed is not carried: this machine goes on until it is closed itself.
"""

from __future__ import annotations

from pathlib import Path

from lamini.errors import UserError
from lamini.rating.carried import Carried, Join, add, packed
from lamini.rating.rows import one_state
from lamini.rating.store import Store


def merge(store: Store, file: Path) -> int:
    """Take in what the ratings in `file` have and `store` has not; all of it or nothing.

    Returns:
        How many ratings are new.

    Raises:
        UserError: no ratings of this study, two persons of one name, or the disk is full.
    """
    with (
        Store.open(file, store.study, reading=True) as other,
        other.looking() as connection,
        one_state(connection),
    ):
        theirs = packed(connection)
    with store.writing() as connection:
        _one_person_each(packed(connection), theirs, store.path, file)
        return add(connection, theirs, str(file))


def _one_person_each(ours: Carried, theirs: Carried, here: Path, there: Path) -> None:
    for name in sorted(ours.joins.keys() & theirs.joins.keys()):
        if not _agree(ours.joins[name], theirs.joins[name]):
            raise UserError(
                f"{there}: its {name} came by another link than {name} in {here}, so they may be two persons;"
                f" export it, give its {name} another name in the exported file, and import that"
            )


def _agree(ours: set[Join], theirs: set[Join]) -> bool:
    first, second = ({token_hash for _, token_hash in joins} - {""} for joins in (ours, theirs))
    return first == second or bool(first & second)

"""How members stand in the first column of a table, and which member a name elsewhere means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from lamini.comparison.blocks import Mark, Where
from lamini.comparison.cells import SCRATCH
from lamini.comparison.herd import Herd, Member

LONGEST = 40  # characters of a name in a figure


def scratch(members: Sequence[Member | None]) -> dict[Where, Mark]:
    """Marks of the rows whose member began from random weights; None: the row is no member's."""
    return {(row, 0): SCRATCH for row, member in enumerate(members) if member is not None and member.scratch}


def folders(herd: Herd) -> str:
    """What `students=` and `runs=` name this herd by: `outputs/herd`, or `'[outputs/herd,outputs/bases]'`."""
    told = dict.fromkeys(str(member.folder.parent) for member in herd.members if member.folder)
    if not told:
        return "outputs/herd"
    return shlex.quote(next(iter(told)) if len(told) == 1 else f"[{','.join(told)}]")


def families(herd: Herd) -> list[str]:
    """All of them, sorted: the place in this list is a family's colour in the whole book."""
    return sorted({member.family for member in herd.members})


def drawn(text: str) -> str:
    """A name for a figure: one line of at most 40 characters that XML can hold.

    >>> drawn("a\\x00b\\n  c")
    'a b c'
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def hexadecimal(digest: str) -> str:
    """A digest that a file told, for a text: nothing but its digits, of which 16 say which it is."""
    return re.sub(r"[^0-9a-f]", "", digest)[:16]


def member_of(herd: Herd, owner: str) -> Member | None:
    """The member that an owner of rated texts is: by key, else by student, in whatever case.

    None where there is none, or where several are called so: nobody knows then which one answered.
    """
    wanted = owner.lower()
    for name in ("key", "student"):
        found = [member for member in herd.members if getattr(member, name).lower() == wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def keys(herd: Herd, owners: Sequence[str]) -> list[str]:
    """Key of the member that each owner is; "" where it is none, so that no filter of the page hides it."""
    found = [member_of(herd, owner) for owner in owners]
    return [member.key if member else "" for member in found]

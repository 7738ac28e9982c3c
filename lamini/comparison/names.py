"""How members stand in the first column of a table, and which member a name elsewhere means."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lamini.comparison.blocks import Mark, Where
from lamini.comparison.herd import Herd, Member

SCRATCH = Mark("scratch", "began from random weights")


def scratch(members: Sequence[Member | None]) -> dict[Where, Mark]:
    """Marks of the rows whose member began from random weights; None: the row is no member's."""
    return {(row, 0): SCRATCH for row, member in enumerate(members) if member is not None and member.scratch}


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

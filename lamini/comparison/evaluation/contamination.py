"""Which scores are of test items that stood in a run's own training data, as analyze.py found them."""

from __future__ import annotations

from lamini.analysis.rows import ALL
from lamini.comparison.blocks import Mark
from lamini.comparison.herd import Herd, Member

SIGN, MANY_SIGN = "†", "‡"
MANY = 0.1  # of the items, from which on the stronger sign stands


def overlap(herd: Herd, member: Member, task: str) -> Mark | None:
    """The sign of a task for a member whose data were searched; None where nothing was found or searched.

    12 of 500 items: † "12 of 500 test items (2.4 %) overlap with its training data, 3 nearly as a whole".
    """
    report = herd.analysis.get(member.data or "", {})
    found = report.get("parts", {}).get("contamination", {}).get("tasks", {}).get(task)
    if not found or not found["overlaps"][ALL]:
        return None
    looked = found["items"] - found["too_short"]
    share = found["overlaps"][ALL] / looked
    return Mark(
        MANY_SIGN if share >= MANY else SIGN,
        f"{found['overlaps'][ALL]:,} of {looked:,} test items ({share:.1%}) overlap with its training data,"
        f" {found['covered'][ALL]:,} nearly as a whole",
    )

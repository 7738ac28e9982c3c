"""What export.py does with its line: students to formats and to the hub, and a table of what came of it."""

from __future__ import annotations

from lamini.config import ExportConfig
from lamini.exporting.checks import check, work
from lamini.exporting.hub import check_repositories
from lamini.single import Single


def run(config: ExportConfig) -> int:
    """Export everything; 1 where something failed.

    Raises:
        UserError: nothing can be exported.
    """
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    from lamini.exporting.running import export_all, report

    disable_progress_bar()
    set_verbosity_error()
    todo = work(config, lambda sentence: print(sentence, flush=True))
    if pushed := [subject for subject, target in todo if target == "hub"]:
        check_repositories(str(config.hub.repo), pushed)
    found = export_all(config, todo)
    report(found)
    return 1 if any(one.status == "failed" for one in found) else 0


LINE = Single(
    "export.py", ExportConfig, check, run,
    several="takes several students and targets in one line: leave out -m, to='[a,b]'",
    interrupted="the same line continues",
)  # fmt: skip
starter, start, job = LINE.starter, LINE.start, LINE.job

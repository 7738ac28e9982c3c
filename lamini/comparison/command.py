"""What compare.py does with its line: read the runs, make the chapters, write the book and files beside it.

What a line may get wrong is known before anything heavy is imported.
"""

from __future__ import annotations

import shlex
import time
import webbrowser
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamini.config import CompareConfig
from lamini.single import Single

if TYPE_CHECKING:
    from lamini.comparison.blocks import Chapter
    from lamini.comparison.book.render import About
    from lamini.comparison.herd import Herd


def run(config: CompareConfig, line: str = "") -> Path:
    """Make the book; returns its file.

    Raises:
        UserError: no runs, a named file that cannot be read, a folder that cannot be written, W&B refuses.
    """
    from lamini.comparison import checks
    from lamini.comparison.book.render import render
    from lamini.comparison.reading import read
    from lamini.comparison.writing import files
    from lamini.runs import plain

    began = time.perf_counter()
    herd = read(
        config.runs,
        config.analysis,
        config.ratings,
        config.answers,
        config.seed,
        config.paper,
        config.resamples,
    )
    for sentence in (*herd.left_out, *(problem for member in herd.members for problem in member.problems)):
        print(f"left out: {sentence}", flush=True)
    made = chapters(herd)
    folder = checks.place(config)
    count = files.write(folder, render(made, herd, about(config, herd, line)), made, herd, plain(config))
    seconds = time.perf_counter() - began
    print(f"{described(herd)}: {count} files in {seconds:.1f} s in {folder}", flush=True)
    for sentence in missing(made):
        print(sentence, flush=True)
    if config.wandb:
        _track(config, herd, folder)
    book = folder / files.BOOK
    print(f"{book} ({book.stat().st_size / 1e6:.1f} MB)", flush=True)
    if config.open_browser:
        webbrowser.open(book.resolve().as_uri())
    return book


def chapters(herd: Herd) -> list[Chapter]:
    """All chapters in the book's order."""
    from lamini.comparison.chapters import (
        ablation,
        dataset,
        evaluation,
        overview,
        probes,
        provenance,
        ratings,
        responses,
        size,
        training,
        tuning,
    )

    order = (
        overview, evaluation, size, tuning, ablation, ratings, probes, dataset, training, responses,
        provenance,
    )  # fmt: skip
    return [module.chapter(herd) for module in order]


def about(config: CompareConfig, herd: Herd, line: str) -> About:
    """Title, command and facts of the page."""
    import lamini
    from lamini.comparison.book.render import About
    from lamini.provenance import git_state

    runs = [str(one) for one in (config.runs if isinstance(config.runs, list | tuple) else [config.runs])]
    state = git_state(Path(__file__).resolve())
    commit = (state["git_commit"] or "")[:12] + (" with changes" if state["git_dirty"] else "")
    facts = {
        "students": described(herd),
        "lamini": lamini.__version__,
        **({"commit": commit} if commit else {}),
    }
    return About(f"LaMini: {', '.join(Path(one).name for one in runs)}", line, facts)


def described(herd: Herd) -> str:
    """`4 done, 1 failed`."""
    counts = Counter(
        {"run": member.status, "model": "only scored", "published": "of the paper"}[member.kind.value]
        for member in herd.members
    )
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def missing(made: Sequence[Chapter]) -> list[str]:
    """What would stand in the book, and what makes it; each once."""
    from lamini.comparison.blocks import Missing

    blocks = (block for chapter in made for block in chapter.blocks if isinstance(block, Missing))
    return list(dict.fromkeys(f"missing: {block.what.rstrip('.')}: {block.command}" for block in blocks))


def _track(config: CompareConfig, herd: Herd, folder: Path) -> None:
    from lamini.comparison import checks, tracking

    for line in tracking.show(
        herd,
        project=config.project,
        entity=config.entity,
        out=folder / "wandb",
        offline=checks.offline(config),
    ):
        print(line, flush=True)


def _check(config: CompareConfig) -> None:
    from lamini.comparison.checks import check

    check(config)


def _run(config: CompareConfig) -> int:
    run(config, shlex.join(LINE.line))
    return 0


LINE = Single(
    "compare.py", CompareConfig, _check, _run,
    several="makes one book at a time: leave out -m; several herds are runs='[a,b]'",
    interrupted="what was written is whole",
)  # fmt: skip
starter, start, job = LINE.starter, LINE.start, LINE.job

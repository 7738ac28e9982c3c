"""How a data set ends: manifest, card, a table on the screen; and how a finished one is recognised."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from rich.table import Table

from lamini.analysis import sections
from lamini.analysis.diversity import diversity
from lamini.analysis.rows import COLUMNS, spill
from lamini.analysis.tables import markdown
from lamini.children import cores
from lamini.config import GenerateConfig
from lamini.data import manifest as manifests
from lamini.data.card import card
from lamini.data.options import FileData
from lamini.errors import UserError
from lamini.generation.counts import Counts
from lamini.report import console
from lamini.runs import plain, write_atomically
from lamini.teacher.log import RequestLog
from lamini.teacher.money import spent
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Teacher

MANY = 100_000  # pairs above which the card's measures are shared by several processes
# What may differ between two starts of the same data set: how fast, how dear and where, not what comes out.
BESIDES = (
    "force",
    "dry_run",
    "dry_run_sample",
    "limits",
    "budget",
    "log",
    "paths",
    "tokenizer",
    "name",
    "diversity",
    "workers",
    "store",
)


def is_done(config: GenerateConfig, folder: Path) -> bool:
    """Whether the data set of this configuration stands in `folder`, whole.

    Raises:
        UserError: a finished one of another configuration stands there; the message says what differs.
    """
    record = manifests.read_manifest(folder)
    if record is None or config.force:
        return False
    old, new = record["config"], plain(config)
    changed = [key for key in new if key not in BESIDES and old.get(key) != new[key]]
    if changed:
        raise UserError(
            f"{folder} holds a finished data set of another configuration ({', '.join(changed)} differ);"
            " choose another name=<name>, or force=true to replace it (the request log keeps every answer)"
        )
    damage = manifests.verify(folder, record)
    if damage:
        raise UserError(f"{folder}: {'; '.join(damage[:3])}; force=true makes it anew from the request log")
    return True


def cost(log: RequestLog, teacher: Teacher, prices: Prices) -> dict[str, Any]:
    """What this log's answers of the teacher took so far, other data sets of the same log included."""
    usage = log.usage(teacher.kind, teacher.model)
    batched = log.usage(teacher.kind, teacher.model, batched=True)
    return {
        "usd": spent(log, teacher.kind, teacher.model, prices),
        "answers": usage.answers + batched.answers,
        "prompt_tokens": usage.prompt_tokens + batched.prompt_tokens,
        "response_tokens": usage.response_tokens + batched.response_tokens,
        "unmetered": usage.unmetered + batched.unmetered,
    }


def finish(
    config: GenerateConfig, folder: Path, counts: Counts, curation: dict[str, Any], cost: dict[str, Any]
) -> None:
    """Card and manifest, the manifest last; then the table."""
    print("checksums and counts ...", flush=True)
    counter = manifests.token_counter(config.tokenizer) if config.tokenizer else None
    described = manifests.describe(folder, counter)
    tokenizer = Path(config.tokenizer).name if config.tokenizer else None
    record = manifests.manifest(config.name, described, plain(config), cost, curation, tokenizer)
    record["stages"] = {name: dict(numbers) for name, numbers in vars(counts).items()}
    record["diversity"] = _diversity(config, folder)
    tables = [sections.diversity(record["diversity"], side, config.diversity) for side in COLUMNS]
    write_atomically(folder / "README.md", card(record, [(table.title, markdown(table)) for table in tables]))
    manifests.write_manifest(folder, record)
    _show(folder, counts, curation, cost)


def _diversity(config: GenerateConfig, folder: Path) -> dict[str, Any]:
    """The measures of paper Table 2 for every source, over what stands in the shards."""
    corpus = FileData(str(folder)).load(Path(config.paths.cache_dir), config.seed)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        sets = spill(corpus.sources, Path(place))
        processes = cores() if corpus.pairs >= MANY else 1  # starting others takes seconds
        return diversity(sets, config.diversity, config.seed, processes)


def _show(folder: Path, counts: Counts, curation: dict[str, Any], cost: dict[str, Any]) -> None:
    """What came of each source, what was lost where, what it cost, and where it lies."""
    view = Table(title="Data set", title_justify="left")
    for column in ("source", "instructions", "repeats", "answered", "dropped", "pairs"):
        view.add_column(column, justify="left" if column == "source" else "right")
    for name, instructions in counts.instructions.items():
        row = curation["sources"].get(name, {"kept": 0, "dropped": {}})
        dropped = sum(row["dropped"].values())
        repeats = f"{counts.repeats[name]:,}" if name in counts.repeats else ""
        view.add_row(
            name, f"{instructions:,}", repeats, f"{counts.pairs[name]:,}", f"{dropped:,}", f"{row['kept']:,}"
        )
    console().print(view)
    lines = {
        "rows that are no prompt or topic": counts.broken,
        "prompts in subsets too small to be examples": counts.left_out,
        "parts of answers that are no instruction": counts.discarded,
        "instructions without a response (unanswered/)": counts.unanswered,
    }
    for title, numbers in lines.items():
        if numbers.total():
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in numbers.most_common())
            print(f"{numbers.total():,} {title}: {kinds}")
    for name, text in counts.short.items():
        print(f"{name} stayed short: {text}")
    usd = "not known" if cost["usd"] is None else f"${cost['usd']:,.4f}"
    print(f"cost of this teacher's {cost['answers']:,} answers in the log: {usd}")
    print(f"{curation['kept']:,} pairs in {folder}; train on them with data=file data.path={folder}")

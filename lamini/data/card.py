"""README.md of a data set: its card on the hub, from the manifest alone.

The table of sources is the paper's Table 1, that of curation says what was dropped and why. The front matter
names `train-*.parquet` as the split, so that `load_dataset` passes over the dropped rows beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamini.data.records import SOURCES

SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
)
Row = dict[str, Any]


def card(manifest: Row, more: Sequence[tuple[str, str]] = ()) -> str:
    """The whole card: front matter for the hub and Markdown for a reader; `more` are titles and Markdown."""
    parts = [
        f"---\n{_front_matter(manifest)}\n---",
        f"# {manifest['name']}",
        _summary(manifest),
        "## Sources",
        sources_table(manifest["sources"], manifest.get("tokenizer")),
        *(part for title, text in more for part in (f"## {title}", text)),
        *_curation(manifest.get("curation")),
        "## Use",
        _use(manifest),
        "## Provenance",
        _provenance(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def sources_table(sources: dict[str, Row], tokenizer: str | None = None) -> str:
    """Pairs, tokens and mean lengths by source, as the paper's Table 1.

    `sources` maps a source to {"pairs", "instruction_tokens", "response_tokens"}; tokens may be None.
    """
    total: Row = {
        key: None
        if any(row[key] is None for row in sources.values())
        else sum(row[key] for row in sources.values())
        for key in ("pairs", "instruction_tokens", "response_tokens")
    }
    lines = [
        "| source | pairs | instruction tokens | mean | response tokens | mean |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(_source_line(name, row) for name, row in sources.items()),
        _source_line("all", total),
    ]
    known = [f"`{name}`: {SOURCES[name]}." for name in sources if name in SOURCES]
    counted = f"Tokens are those of {tokenizer}." if tokenizer else "Tokens were not counted."
    return "\n".join([*lines, "", " ".join([counted, *known])])


def _source_line(name: str, row: Row) -> str:
    cells = [f"{row['pairs']:,}"]
    for key in ("instruction_tokens", "response_tokens"):
        tokens = row[key]
        mean = "–" if tokens is None or not row["pairs"] else f"{tokens / row['pairs']:.2f}"
        cells += ["–" if tokens is None else f"{tokens:,}", mean]
    return f"| {name} | {' | '.join(cells)} |"


def _curation(report: Row | None) -> list[str]:
    """Heading and table of what was dropped; nothing where nothing was looked at."""
    if report is None:
        return []
    reasons = sorted({why for row in report["sources"].values() for why in row["dropped"]})
    lines = [
        f"| source | kept | {' | '.join(reasons)} |" if reasons else "| source | kept |",
        "| --- | ---: |" + " ---: |" * len(reasons),
    ]
    for source, row in report["sources"].items():
        counts = (f"{row['dropped'].get(why, 0):,}" for why in reasons)
        lines.append(
            f"| {source} | {row['kept']:,} | {' | '.join(counts)} |"
            if reasons
            else f"| {source} | {row['kept']:,} |"
        )
    text = [
        "## Curation",
        f"{report['kept']:,} of {report['rows']:,} answered pairs stayed;"
        " what was dropped lies in `dropped/`.",
        "\n".join(lines),
    ]
    checked = report.get("near_duplicates_checked")
    if checked:
        text.append(_near(checked))
    return text


def _near(checked: Row) -> str:
    drawn = (
        "Every near-duplicate was compared exactly before it was dropped."
        f" {checked['rows_drawn']:,} rows, compared"
    )
    if checked["recall"] is None:
        return f"{drawn} exactly with all others, have no near-duplicate."
    return (
        f"{drawn} exactly with all others, have {checked['similar_pairs']:,} near-duplicates, of which"
        f" {checked['found_pairs']:,} ({checked['recall']:.1%}) were found."
    )


def _summary(manifest: Row) -> str:
    made_by = ", ".join(f"{row['model']} ({row['teacher']})" for row in manifest["teachers"])
    usd = manifest["cost"].get("usd")
    cost = "is not known" if usd is None else f"was ${usd:,.2f}"
    return f"{manifest['rows']:,} pairs of instruction and response. Teacher: {made_by}. The cost {cost}."


def _use(manifest: Row) -> str:
    return (
        "```python\nfrom datasets import load_dataset\n\n"
        'pairs = load_dataset("parquet", data_files="train-*.parquet", split="train")\n```\n\n'
        f"or train on it: `python train.py data=file data.path=<this folder>`."
        f" {len(manifest['files'])} files; their checksums stand in `manifest.json`."
    )


def _provenance(manifest: Row) -> str:
    commit = manifest["provenance"]["git_commit"]
    versions = ", ".join(
        f"{name} {found}" for name, found in manifest["provenance"]["versions"].items() if found
    )
    return (
        f"Fingerprint `{manifest['fingerprint']}`, commit `{commit}`, {versions}. The whole configuration"
        " stands in `manifest.json`; every row names its teacher, model, prompt, examples, topics and"
        " request."
    )


def _front_matter(manifest: Row) -> str:
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        pretty_name=manifest["name"],
        task_categories=["text-generation"],
        size_categories=next((name for size, name in SIZES if manifest["rows"] < size), "n>10M"),
        tags=["synthetic", "instruction-tuning", "distillation"],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": "train-*.parquet"}]}],
    )
    return str(data.to_yaml()).strip()

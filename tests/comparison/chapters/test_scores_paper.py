"""runs=paper: the chapters give the paper's Tables 4 and 9 to 14 and Figure 4 to the digit.

The reference is a second reading of the paper (paper_results.json) where it is there, else figures by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from lamini.analysis.tables import Table, shown
from lamini.comparison import published, scores
from lamini.comparison.ablation import table4
from lamini.comparison.blocks import Chapter, Drawing, Listing, Missing, Text
from lamini.comparison.chapters import ablation, evaluation, size, tuning
from lamini.comparison.figures import drawing
from lamini.comparison.herd import Herd
from tests.data.toys import shared_data

HERD = Herd(published.members())


@cache
def chapter(name: str) -> Chapter:
    return {"evaluation": evaluation, "size": size, "tuning": tuning, "ablation": ablation}[name].chapter(
        HERD
    )


def listing(name: str, table: str) -> Listing:
    return next(one for one in chapter(name).blocks if isinstance(one, Listing) and one.table.name == table)


def texts(table: Table) -> list[dict[str, str]]:
    """Rows as people read them."""
    return [
        {column.name: shown(cell, column) for cell, column in zip(row, table.columns, strict=True)}
        for row in table.rows
    ]


def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data().parent / "paper_results.json").read_text())
    return found


def test_tables_9_to_14_to_the_digit() -> None:
    rows = {row["student"]: row for row in texts(listing("evaluation", "evaluation_nlp15").table)}
    for name, columns in told()["results"].items():
        assert {task: rows[name][task] for task in columns} == {
            task: f"{value:.1f}" for task, value in columns.items()
        }
        assert rows[name]["mean"] == f"{told()['reported_average'][name]:.1f}"
    assert list(rows) == [*told()["results"], "chance"]


def test_figure_4_to_the_digit() -> None:
    found = listing("size", "size_nlp15").table
    means = {row["student"]: row["mean"] for row in texts(found)}
    assert means == {name: f"{value:.1f}" for name, value in told()["reported_average"].items()}
    assert any("LLaMA-7B 58.3, Alpaca-7B 62.3 (paper)" in note for note in found.notes)
    (figure,) = [
        one for one in chapter("size").blocks if isinstance(one, Drawing) and one.name == "size_nlp15"
    ]
    assert "LaMini-T5 47.6 55.8 56.8" in figure.alt and "C-GPT 44.8 45.9 47.9 49.7" in figure.alt


def test_table_4_to_the_digit_under_the_headings_of_table_1() -> None:
    paper = told()["table4_ablation_52k"]
    found = listing("ablation", "ablation_paper").table
    assert [[row[0], *row[1:]] for row in found.rows] == [[name, *own] for name, own in paper["rows"].items()]
    ours = dict(zip(paper["columns"], table4.facts()["columns"], strict=True))
    assert (ours["column_8"], ours["column_9"], ours["column_10"]) == (
        "generated_p3",
        "generated_flan",
        "alpaca",
    )
    assert (ours["original_p3"], ours["original_flan"], ours["all_52k"]) == (
        "original_p3",
        "original_flan",
        "lamini",
    )


def test_the_heading_is_argued_with_numbers_of_the_table() -> None:
    """Column 8 sums to 312.8 over six students and lies 17.0 points from column A, column 10 294.9 and
    2.3."""
    text = next(one.markdown for one in chapter("ablation").blocks if isinstance(one, Text))
    assert "(52.1 on average)" in text and "(49.1)" in text
    assert "2.8 points from" in text and "0.4 away" in text
    marks = {where: mark.meaning for where, mark in listing("ablation", "ablation_paper").marks.items()}
    assert len(marks) == 18 and "generated P3 as Alpaca" in marks[0, 8]


def test_self_instruct_lowers_and_flan_raises_by_the_regression() -> None:
    """paper.md 7.2: data of the self-instruct kind barely move the benchmarks, those of P3 and FLAN do."""
    rows = listing("ablation", "ablation_paper_mixture_effects").table.rows
    points = {str(row[0]): float(row[1] or 0) for row in rows}
    assert points["self_instruct_without_topic"] < 0 < points["flan_gold"]
    assert points["alpaca"] < points["generated_p3"]


def test_what_more_data_adds() -> None:
    """paper.md 7.3: T5 +2.5 +6.3 +1.6, GPT-2 +3.2 +9.1 +8.0 from 52K pairs to all."""
    rows = texts(listing("ablation", "ablation_paper_scale").table)
    assert [row["by the rest"] for row in rows] == ["+2.5", "+6.3", "+1.6", "+3.2", "+9.1", "+8.0"]


def test_what_tuning_did_to_each_task() -> None:
    """Means over the 17 students, worked out apart from this code; ReCoRD falls in all of them."""
    rows = {row["task"]: row for row in texts(listing("tuning", "tuning_nlp15_tasks").table)}
    gains = {
        "SST": "+23.6", "MultiNLI_mis": "+9.3", "MultiNLI": "+8.3", "MRPC": "+7.5", "OpenBookQA": "+3.5",
        "ARC": "+3.3", "RTE": "+2.8", "SciQ": "+2.5", "WiC": "+2.1", "RACE": "+1.4", "PIQA": "+1.2",
        "WinoGrande": "-0.7", "HellaSwag": "-1.5", "WSC273": "-2.5", "ReCoRD": "-5.8",
    }  # fmt: skip
    assert {task: rows[task]["mean gain"] for task in gains} == gains
    assert (rows["ReCoRD"]["fell"], rows["ReCoRD"]["students"]) == ("17", "17")


@pytest.mark.parametrize(
    ("student", "words", "rest"),
    [
        ("LaMini-GPT-1.5B", "+23.1", "+1.3"),
        ("LaMini-GPT-J-6B", "+20.8", "-3.2"),
        ("LaMini-LLaMA-7B", "+21.9", "-2.2"),
    ],
)
def test_the_gain_stands_in_tasks_of_label_words(student: str, words: str, rest: str) -> None:
    rows = {row["student"]: row for row in texts(listing("tuning", "tuning_nlp15").table)}
    assert (rows[student]["label words"], rows[student]["other tasks"]) == (words, rest)


def test_flan_t5_loses_and_the_tax_says_how_much() -> None:
    """783M: 66.3 to 60.8; fifteen gains of which two rise by 2.8 and 1.1."""
    row = next(
        one
        for one in texts(listing("tuning", "tuning_nlp15").table)
        if one["student"] == "LaMini-Flan-T5-783M"
    )
    assert (row["mean"], row["rises"], row["tax"], row["tasks that fell"]) == ("-5.5", "+0.3", "5.7", "13")
    assert (row["RTE"], row["began as"]) == ("-22.4", "Flan-T5-783M")


def test_guesses_are_marked() -> None:
    """WiC of T5-61M is 50.0, which is chance; SST of LaMini-T5-738M is 90.3, which is not."""
    found = listing("evaluation", "evaluation_nlp15")
    names = [column.name for column in found.table.columns]
    students = [row[0] for row in found.table.rows]
    assert found.marks[students.index("T5-61M"), names.index("WiC")] == evaluation.GUESS
    assert (students.index("LaMini-T5-738M"), names.index("SST")) not in found.marks


def test_the_best_is_not_told_apart_from_the_next_but_from_the_third() -> None:
    rows = texts(listing("evaluation", "evaluation_nlp15_best").table)
    verdicts = [(row["student"], row["verdict"]) for row in rows[:3]]
    assert verdicts == [
        ("Flan-T5-783M", "best"), ("LaMini-LLaMA-7B", "not told apart"), ("LaMini-GPT-J-6B", "worse"),
    ]  # fmt: skip


def test_families_with_three_sizes_have_a_curve_and_the_others_a_sentence() -> None:
    rows = {row["series"]: row for row in texts(listing("size", "scaling_nlp15").table)}
    assert set(rows) == {
        "T5",
        "LaMini-T5",
        "Flan-T5",
        "LaMini-Flan-T5",
        "C-GPT",
        "LaMini-C",
        "GPT-2",
        "LaMini-GPT",
    }
    assert all(bool(row["floor, %"]) == (row["sizes"] == "4") for row in rows.values())
    said = " ".join(one.markdown for one in chapter("size").blocks if isinstance(one, Text))
    assert "`GPT-Neo`, `LaMini-Neo`: 2 of the 3 different sizes that a curve needs" in said


def test_forecasts_are_called_so_and_hold_the_next_size() -> None:
    found = listing("size", "scaling_nlp15_forecast").table
    assert found.title.startswith("Forecast") and found.notes[0].startswith(
        "**A forecast, not a measurement.**"
    )
    for row in found.rows:
        _, name, *numbers = row
        parameters, value, low, high, so_far = map(float, numbers)  # type: ignore[arg-type]
        assert 0 <= low <= value <= high <= 100 and value > so_far and parameters > 7e8, name


def test_the_cerebras_forecast_holds_for_a_size_that_was_left_out() -> None:
    """From the three smaller sizes the curve has to hold the largest, which it has not seen: 1.3B."""
    smaller = [member for member in published.members() if member.key != "LaMini-C-1.3B"]
    found = size.chapter(Herd(smaller))
    table = next(
        one.table
        for one in found.blocks
        if isinstance(one, Listing) and one.table.name == "scaling_nlp15_forecast"
    )
    row = next(one for one in table.rows if one[0] == "LaMini-C")
    seen = scores.mean(next(m for m in published.members() if m.key == "LaMini-C-1.3B"), "nlp15")
    assert row[1] == "cerebras-gpt-1.3B" and row[4] <= seen <= row[5]  # type: ignore[operator]


def test_the_frontier_by_operations_is_not_that_by_parameters() -> None:
    rows = {
        row["student"]: row["on the frontier of"] for row in texts(listing("size", "size_nlp15_pareto").table)
    }
    assert rows["Flan-T5-783M"] == "parameters, operations"
    assert rows["LaMini-T5-223M"] == "parameters"
    assert rows["LaMini-LLaMA-7B"] == ""
    (missing,) = [one for one in chapter("size").blocks if isinstance(one, Missing)]
    assert "suite=latency" in missing.command


@pytest.mark.parametrize("name", ["evaluation", "size", "tuning", "ablation"])
def test_figures_are_drawn_and_say_what_they_show(name: str) -> None:
    figures: Sequence[Drawing] = [one for one in chapter(name).blocks if isinstance(one, Drawing)]
    assert figures or name == "evaluation"
    for figure in figures:
        assert drawing.svg(figure).startswith("<svg") and len(figure.alt) > 40 and figure.caption

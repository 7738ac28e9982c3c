"""From a store to files: every sheet, real answers, hostile names, nobody yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from lamini.errors import UserError
from lamini.rating.records import Event
from lamini.rating.store import Store
from lamini.rating.study import Item, Study, Target, sealed
from lamini.rating.summary.collected import collect
from lamini.rating.summary.report import summarise
from tests.data.toys import shared_data
from tests.rating import small

SYSTEMS = ("davinci-self-instruct", "text-davinci-001", "text-davinci-003")


def filled(
    path: Path,
    study: Study,
    levels: Callable[[str, int, Target], str | None],
    names: tuple[str, ...] = ("ann", "bo"),
) -> Store:
    """A store in which everybody has rated everything that `levels` gives a level."""
    store = Store.create(path, study)
    for name in names:
        rater = store.join(name, kind="judge" if name.startswith("judge") else "person")
        for number, item in enumerate(study.items):
            for target in item.targets:
                if (level := levels(name, number, target)) is not None:
                    store.rate(Event(str(uuid4()), rater.id, item.key, target.key, level, seconds=4.0))
    return store


def cycling(name: str, number: int, target: Target) -> str:
    """bo gives one level less where a hash of the target says so."""
    shift = 1 if name == "bo" and int(target.key[1:], 16) % 3 == 0 else 0
    return "ABCD"[min(3, number % 3 + shift)]


@pytest.mark.parametrize("sheet", ["responses", "pairs", "hallucination", "preference"])
def test_every_sheet_has_its_files(sheet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = small.study(sheet, items=6)
    letters = study.scale.letters

    def levels(name: str, number: int, target: Target) -> str:
        return letters[(number + int(target.key[1:], 16) + (name == "judge m")) % len(letters)]

    with filled(tmp_path / "r.sqlite", study, levels, ("ann", "bo", "judge m")) as store:
        summary = summarise(store, tmp_path / "out", seed=1, resamples=100)
    printed = capsys.readouterr().out
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    tree = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert tree["study"]["digest"] == study.digest and tree["format"] == 1
    for owner in small.SOURCES if sheet == "pairs" else small.OWNERS:
        assert owner in text and owner in printed
    assert tree["agreement"]["people"][0]["equal"]["value"] == 1.0  # ann and bo agree on everything
    assert tree["agreement"]["judges"][0]["people"]["equal"]["value"] < 0.5
    assert "judge m with people" in text and "## Raters" in text and "2 people" in text
    assert "figure.svg" in text and (tmp_path / "out" / "figure.png").exists()
    assert summary.first == "people" and not list((tmp_path / "out").glob(".*"))


def test_the_same_ratings_give_the_same_files(tmp_path: Path) -> None:
    with filled(tmp_path / "r.sqlite", small.study(items=5), cycling) as store:
        for folder in ("one", "two"):
            summarise(store, tmp_path / folder, seed=7, resamples=100)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_nobody_yet(tmp_path: Path) -> None:
    with Store.create(tmp_path / "r.sqlite", small.study()) as store:
        store.join("ann")
        with pytest.raises(UserError, match="nobody has rated anything yet"):
            summarise(store, tmp_path / "out", seed=1, resamples=100)
    assert not (tmp_path / "out").exists()


def test_nobody_twice_gives_a_sentence_and_no_number(tmp_path: Path) -> None:
    def levels(name: str, number: int, target: Target) -> str | None:
        return "A" if (number % 2 == 0) == (name == "ann") else None

    with filled(tmp_path / "r.sqlite", small.study(items=4), levels) as store:
        summary = summarise(store, tmp_path / "out", seed=1, resamples=100)
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "Nobody rated what another person had rated, so there is no agreement to tell." in text
    assert "## Agreement" not in text and summary.agreement == [] and summary.disputed == []


def test_a_judge_alone_is_told_to_be_alone(tmp_path: Path) -> None:
    with filled(tmp_path / "r.sqlite", small.study(items=4), cycling, ("judge m",)) as store:
        summary = summarise(store, tmp_path / "out", seed=1, resamples=100)
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "No person has rated yet; what follows is judge m's alone" in text
    assert summary.first == "judge m" and "Responses, by judge m" in text


def test_what_was_skipped_flagged_noted_or_taken_back(tmp_path: Path) -> None:
    study = small.study(items=1)
    item = study.items[0]
    with Store.create(tmp_path / "r.sqlite", study) as store:
        ann, judge = store.join("ann"), store.join("judge m", kind="judge")
        store.join("idle")
        first, second, third = (target.key for target in item.targets)
        store.rate(Event("1", ann.id, item.key, first, "A", note="odd", flagged=True))
        store.rate(Event("2", ann.id, item.key, second, None, skipped=True))
        store.rate(Event("3", ann.id, item.key, third, "B"))
        store.rate(Event("4", ann.id, item.key, third, None))
        store.rate(Event("5", judge.id, item.key, first, None, note="nonsense", skipped=True))
        found = collect(store)
        summarise(store, tmp_path / "out", seed=1, resamples=100)
    assert [(one.target, one.level) for one in found.people] == [(first, 0)]
    assert (found.skipped, found.flagged, found.notes) == (1, 1, 1)
    assert found.set_aside == (("judge m", "nonsense"),)
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert (
        "1 who joined rated nothing" in text and "1 text(s) were skipped" in text and "1 carry a note" in text
    )
    assert "judge m gave no level to 1 text(s): nonsense 1." in text


def test_names_and_texts_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = tuple(
        Target("", "response", (f"text of {owner}",), (owner,)) for owner in ("a|b [bold]", "<img src=x>")
    )
    items = [Item("", "i[1]", "", "![x](http://e.org/x.png) `code` [red]no[/red]", targets)]
    study = sealed("responses", small.QUALITY, items)
    level = {"ann": "A", "bo": "D"}
    with filled(tmp_path / "r.sqlite", study, lambda name, number, target: level[name]) as store:
        summarise(store, tmp_path / "out", seed=1, resamples=100)
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "a\\|b [bold]" in text and "`![x](http://e.org/x.png) 'code' [red]no[/red]`" in text
    printed = "".join(capsys.readouterr().out.split())
    assert "a|b[bold]" in printed and "[red]no[/red]" in printed


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with (
        filled(tmp_path / "r.sqlite", small.study(items=2), cycling) as store,
        pytest.raises(UserError, match="out cannot be written"),
    ):
        summarise(store, tmp_path / "out", seed=1, resamples=100)


def real_study() -> Study:
    """The answers of three real systems to 252 instructions."""
    folder = shared_data() / "human_eval"
    asked = [
        json.loads(line) for line in (folder / "user_oriented_instructions.jsonl").open(encoding="utf-8")
    ]
    said = {
        system: [json.loads(line) for line in (folder / f"predictions_{system}.jsonl").open(encoding="utf-8")]
        for system in SYSTEMS
    }
    items = [
        Item("", one["id"], one["motivation_app"], one["instruction"], tuple(
            Target("", "response", (said[system][n]["response"],), (system,)) for system in SYSTEMS
        ))
        for n, one in enumerate(asked)
    ]  # fmt: skip
    return sealed("responses", small.QUALITY, items, seed=3, overlap=0.2)


def test_what_simulated_raters_of_real_answers_think_is_found(tmp_path: Path) -> None:
    """Four raters of known mildness and a judge; every fourth item has all four."""
    study = real_study()
    quality = dict(zip(SYSTEMS, (1.4, 0.9, 2.4), strict=True))
    mild = {"ann": 0.0, "bo": 0.0, "cy": -0.9, "dee": 0.0, "judge m": 0.1}
    names = tuple(mild)
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.6, len(study.items))
    truth: dict[str, float] = {}

    def levels(name: str, number: int, target: Target) -> str | None:
        if not (name.startswith("judge") or number % 4 == 0 or names[number % 4] == name):
            return None
        latent = truth.setdefault(target.key, quality[target.owners[0]] - hard[number] + rng.normal(0, 0.5))
        return "DCBA"[int(np.clip(np.rint(latent + mild[name] + rng.normal(0, 0.3)), 0, 3))]

    with filled(tmp_path / "r.sqlite", study, levels, names) as store:
        summary = summarise(store, tmp_path / "out", seed=1, resamples=500)
    people, judge = summary.agreement[0], summary.judges[0]
    assert people.units == 63 * 3 and people.items == 63
    assert people.alpha.value is not None and 0.5 < people.alpha.value < 0.95
    assert judge.ranking == 1.0 and judge.people is not None and judge.shared is not None
    lenient = {row.rater: row.leniency for row in summary.raters}
    assert lenient["cy"].interval is not None and lenient["cy"].interval[1] < -0.4
    assert lenient["dee"].interval is not None and lenient["dee"].interval[0] > 0
    assert [row.owner for row in summary.counts["people"]] == [SYSTEMS[2], SYSTEMS[0], SYSTEMS[1]]
    assert all(sum(row.counts.values()) == pytest.approx(252) for row in summary.counts["people"])
    assert all(one.holm < 0.01 for one in summary.compared)
    for row in summary.counts["people"]:
        low, high = row.mean.interval or (0, 0)
        assert row.mean.value is not None and low < row.mean.value < high < low + 0.4

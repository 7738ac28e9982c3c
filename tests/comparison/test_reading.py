"""From folders to a herd: what is read, how members are called, what is found beside, what is torn."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.comparison.herd import Kind
from lamini.comparison.reading import read
from lamini.errors import UserError
from lamini.runs import RunFolder
from tests.comparison.herds import run, scored


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Two herds and a base in <outputs>."""
    place = tmp_path / "outputs"
    run(place / "herd" / "t5-nano", "model=t5-nano")
    scored(run(place / "herd" / "flan-t5-small", "model=flan-t5-small", data="e" * 12), {"a": 0.5, "b": 0.6})
    run(place / "other" / "t5-nano", "model=t5-nano", "seed=3")
    scored(place / "bases" / "flan-t5-small", {"a": 0.4, "b": 0.5})
    return place


def test_a_herd(outputs: Path) -> None:
    herd = read(str(outputs / "herd"))
    assert [member.key for member in herd.members] == ["flan-t5-small", "t5-nano"]
    flan, nano = herd.members
    assert (flan.kind, flan.family, flan.size, flan.data, flan.seed) == (
        Kind.run,
        "flan-t5",
        "small",
        "e" * 12,
        42,
    )
    assert (flan.base, flan.scratch, flan.status) == ("flan-t5-small", False, "done")
    assert (nano.base, nano.scratch) == (None, True)
    assert (list(flan.suites), herd.left_out) == (["quick"], [])


def test_herds_bases_and_the_paper_at_once(outputs: Path) -> None:
    herd = read([str(outputs / "herd"), str(outputs / "other"), str(outputs / "bases"), "paper"])
    assert [member.key for member in herd.members][:4] == [
        "herd/flan-t5-small", "herd/t5-nano", "other/t5-nano", "bases/flan-t5-small",
    ]  # fmt: skip
    assert len(herd.members) == 4 + 35
    base = herd.base_of(herd.members[0])
    assert base is herd.members[3]
    assert (base.kind, base.family, base.parameters) == (Kind.model, "flan-t5", 76_961_152)


def test_patterns_single_runs_and_repeats(outputs: Path) -> None:
    one = outputs / "herd" / "t5-nano"
    herd = read([str(one), str(outputs / "*" / "t5-nano"), str(one)])
    assert [member.key for member in herd.members] == ["herd/t5-nano", "other/t5-nano"]


def test_a_pattern_passes_over_what_holds_no_runs(outputs: Path) -> None:
    (outputs / "analysis" / "x").mkdir(parents=True)
    (outputs / ".cache").mkdir()
    assert len(read(str(outputs / "*")).members) == 4
    with pytest.raises(UserError, match="holds no run of train.py"):
        read(str(outputs / "analys*"))


def test_a_folder_with_commas_is_one_folder(outputs: Path) -> None:
    run(outputs / "sweep" / "t5-nano,data=oracle,seed=2")
    assert [m.key for m in read(str(outputs / "sweep" / "t5-nano,data=oracle,seed=2")).members] == [
        "t5-nano,data=oracle,seed=2"
    ]


def test_killed_and_running_runs_are_told_apart(outputs: Path) -> None:
    run(outputs / "herd" / "gpt2-nano", "model=gpt2-nano", status="running")
    folder = RunFolder(run(outputs / "herd" / "llama-nano", "model=llama-nano", status="running"))
    with folder.locked():
        found = {member.key: member.status for member in read(str(outputs / "herd")).members}
    assert (found["gpt2-nano"], found["llama-nano"]) == ("killed", "running")


def test_torn_files_are_told_and_stop_nobody(outputs: Path) -> None:
    herd = outputs / "herd"
    (herd / "flan-t5-small" / "evaluation" / "quick.json").write_text('{"format": 1, "tasks": {')
    (herd / "t5-nano" / "run.json").write_text('{"status": "do')
    run(herd / "gpt2-nano", "model=gpt2-nano")
    (herd / "gpt2-nano" / "config.yaml").write_text("family: [")
    (herd / "empty").mkdir()
    (herd / "begun").mkdir()
    (herd / "begun" / "config.yaml").write_text("seed: 1")
    found = read(str(herd))
    members = {member.key: member for member in found.members}
    assert set(members) == {"flan-t5-small", "gpt2-nano", "t5-nano"}
    assert members["flan-t5-small"].suites == {}
    assert "quick.json is torn" in members["flan-t5-small"].problems[0]
    assert members["t5-nano"].status == "damaged"
    assert "run.json cannot be read" in members["t5-nano"].problems[0]
    assert "config.yaml cannot be read" in members["gpt2-nano"].problems[0]
    assert found.left_out == [f"{herd / 'begun'} has no run.json: its run was stopped before it began"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"format": 2, "tasks": {}}, "has format 2, this version reads 1"),
        ([1], "holds no results"),
        ({"format": 1, "tasks": {"a": {"acc": {"value": 1}}}}, "a has no headline"),
        ({"format": 1, "tasks": {"a": {"headline": "acc", "share": True}}}, "a has no headline"),
        ({"format": 1, "judged_by": "people", "judges": {}}, "nobody judged"),
    ],
)
def test_results_of_another_form_are_told(outputs: Path, content: object, why: str) -> None:
    (outputs / "herd" / "t5-nano" / "evaluation").mkdir()
    (outputs / "herd" / "t5-nano" / "evaluation" / "quick.json").write_text(json.dumps(content))
    member = read(str(outputs / "herd" / "t5-nano")).members[0]
    assert member.suites == {}
    assert why in member.problems[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [("data", "a string"), ("parameters", "many"), ("provenance", [1]), ("student", 7), ("seconds", "1 h")],
)
def test_a_record_of_another_form_is_damaged(outputs: Path, key: str, value: object) -> None:
    file = outputs / "herd" / "t5-nano" / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    member = read(str(outputs / "herd" / "t5-nano")).members[0]
    assert (member.status, member.parameters, member.data) == ("damaged", None, None)
    assert f"is no record of a run ({key} of another form)" in member.problems[0]


def test_rehearsals_are_left_out_of_everything(outputs: Path) -> None:
    run(outputs / "herd" / "gpt2-nano", "model=gpt2-nano", record={"rehearsal": True})
    herd = read(str(outputs / "herd"))
    assert "gpt2-nano" not in [member.key for member in herd.members]
    assert herd.left_out == [f"{outputs / 'herd' / 'gpt2-nano'} is a rehearsal, whose numbers mean nothing"]
    with pytest.raises(UserError, match="has nothing to compare: .* is a rehearsal"):
        read(str(outputs / "herd" / "gpt2-nano"))


def test_names_that_are_no_clean_text_become_one(outputs: Path) -> None:
    folder = run(outputs / "herd" / "t5\udcff-nano\x1b[31m", record={"student": "a\x00b\ud800"})
    member = read(str(folder)).members[0]
    for text in (member.key, member.student):
        text.encode("utf-8")
        assert text.isprintable()


@pytest.mark.parametrize("runs", [None, [], "", 7, [3], {"a": 1}])
def test_no_runs(runs: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"runs="):
        read(runs)


def test_the_sentence_names_a_herd_that_is_there(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(outputs.parent)
    with pytest.raises(UserError, match=r"a herd such as runs=outputs/herd,"):
        read(None)
    with pytest.raises(
        UserError, match=r"runs=outputs/herb is no folder; there is outputs/herd, outputs/other$"
    ):
        read("outputs/herb")
    with pytest.raises(UserError, match=r"its folders bases, herd, other do: runs=outputs/bases"):
        read("outputs")
    (outputs / "void").mkdir()
    with pytest.raises(UserError, match=r"runs=outputs/void holds no run of train.py"):
        read("outputs/void")


def test_reports_of_the_runs_data_are_found(outputs: Path) -> None:
    for mark in ("d" * 12, "f" * 12):
        (outputs / "analysis" / mark).mkdir(parents=True)
        (outputs / "analysis" / mark / "report.json").write_text(
            json.dumps({"fingerprint": mark, "parts": {}})
        )
    herd = read(str(outputs / "herd"))
    assert list(herd.analysis) == ["d" * 12]
    assert herd.analysis["d" * 12]["folder"] == str(outputs / "analysis" / ("d" * 12))
    assert list(read("paper", analysis=str(outputs / "analysis")).analysis) == ["d" * 12, "f" * 12]
    (outputs / "analysis" / ("d" * 12) / "report.json").write_text("{")
    assert "report.json is torn" in read(str(outputs / "herd")).left_out[0]
    with pytest.raises(UserError, match="analysis: .* is torn"):
        read("paper", analysis=str(outputs / "analysis"))
    with pytest.raises(UserError, match="analysis=.* is no report.json"):
        read("paper", analysis=str(outputs / "nowhere"))


def test_ratings_of_a_member_are_found_and_others_are_not(outputs: Path) -> None:
    def study(name: str, **tree: object) -> None:
        folder = outputs / "bases" / "answers" / f"{name}.summary"
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps({"study": {"sheet": "responses"}, **tree}))

    study("ours", counts={"people": [{"owner": "t5-nano"}]})
    study("theirs", counts={"people": [{"owner": "somebody"}]})
    study("preferred", preferences={"people": {"owners": [{"owner": "flan-t5-small"}]}})
    study("data", study={"sheet": "pairs"}, counts={"people": [{"owner": "alpaca"}]})
    found = read(str(outputs / "herd")).ratings
    assert [Path(tree["folder"]).name for tree in found] == [
        "data.summary",
        "ours.summary",
        "preferred.summary",
    ]


def test_answers_carry_the_key_of_their_member(outputs: Path) -> None:
    def write(file: Path, *rows: tuple[str, str, str, str | None]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        names = ("student", "model", "response", "error")
        columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
        columns |= {"instruction_id": ["1"] * len(rows), "instruction": ["say"] * len(rows)}
        pq.write_table(pa.table(columns, schema=pa.schema([(name, pa.string()) for name in columns])), file)

    export = (outputs / "other" / "t5-nano" / "export").resolve()
    write(
        outputs / "bases" / "answers" / "answers.parquet",
        ("t5-nano", str(export), "hello", None), ("oracle", "oracle", "hi", None),
        ("flan-t5-small", "", "", "no"),
    )  # fmt: skip
    write(outputs / "elsewhere" / "answers" / "answers.parquet", ("stranger", "", "what", None))
    rows = read([str(outputs / "herd"), str(outputs / "other")]).answers
    assert [(row["student"], row["response"]) for row in rows] == [
        ("other/t5-nano", "hello"),
        ("oracle", "hi"),
    ]
    named = read("paper", answers=str(outputs / "elsewhere" / "answers" / "*.parquet")).answers
    assert [row["student"] for row in named] == ["stranger"]
    with pytest.raises(UserError, match="matches no file"):
        read("paper", answers=str(outputs / "none.parquet"))
    torn = outputs / "torn.parquet"
    torn.write_bytes(b"PAR1")
    with pytest.raises(UserError, match="is no file of answers"):
        read("paper", answers=str(torn))

"""Every mistake a user can make: status 2, one sentence that names it, nothing trained, no traceback.

All lines run in one process (many_lines.py). What is wrong in the line itself is answered before torch is
there; what is wrong in the rows, by the planning child.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from lamini.compose import compose
from lamini.runs import FORMAT, RunFolder, config_hash, plain

STUDENT = "model=t5-nano"
FILE = (STUDENT, "data=file")
PAIRS = [{"instruction": f"Say {n}", "response": f"{n} it is"} for n in range(40)]

LINES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no student": ((), ("model=<family>-<size>", "t5-small", "gpt-neo-1.3B")),
    "no size": (("family=t5",), ("model=<family>-<size>",)),
    "model": (("model=t5-nan",), ("model=t5-nan", "did you mean t5-nano", "flan-t5-small")),
    "size": (("family=t5", "size=giant"), ("size=giant", "micro")),
    "size of another family": (("family=t5", "size=7B"), ("size=7B", "family t5", "nano, micro, small")),
    "nano of a published family": (("family=flan-t5", "size=nano"), ("size=nano", "flan-t5", "small, base")),
    "experiment": ((STUDENT, "experiment=rehersal"), ("experiment=rehersal", "rehearsal")),
    "data": ((STUDENT, "data=orakle"), ("data=orakle", "oracle")),
    "key": ((STUDENT, "bach_size=8"), ("bach_size", "batch_size")),
    "key through +": ((STUDENT, "+bach_size=8"), ("bach_size", "TrainConfig")),
    "deep key": ((STUDENT, "trainer.max_stps=8"), ("trainer.max_stps", "max_steps")),
    "deep key through +": ((STUDENT, "+trainer.max_stps=8"), ("trainer.max_stps", "Trainer", "max_steps")),
    "deep key through ++": ((STUDENT, "++data.pears=8"), ("data.pears", "OracleData")),
    "type": ((STUDENT, "batch_size=many"), ("batch_size", "many")),
    "mode": ((STUDENT, "mode=trian"), ("mode", "trian", "verify")),
    "group without option": ((STUDENT, "data=null"), ("data=null",)),
    "grammar": ((STUDENT, "a=["), ("a=[",)),
    "no key": ((STUDENT, "seed"), ("seed",)),
    "several without -m": (("model=t5-nano,gpt2-nano",), ("t5-nano,gpt2-nano", "-m")),
    "target": ((STUDENT, "data._target_=os.system"), ("os.system", "LAMINI_TARGETS")),
    "config dir": (("--config-dir", "no/such", STUDENT), ("--config-dir no/such",)),
    "config path": (("--config-path", "conf", STUDENT), ("--config-path", "--config-dir")),
    "config name": (("--config-name", "trian", STUDENT), ("trian",)),
    "in --cfg too": ((STUDENT, "--cfg", "job", "sed=1"), ("sed", "seed")),
    "nothing in a batch": ((STUDENT, "batch_size=0"), ("batch_size=0", "greater than 0")),
    "not a number": ((STUDENT, "optimizer.lr=nan"), ("optimizer.lr=nan",)),
    "teacher without a place": ((STUDENT, "objective=jsd"), ("objective.teacher",)),
    "teacher that is nowhere": (
        (STUDENT, "objective=jsd", "objective.teacher={dir}/none"),
        ("objective.teacher={dir}/none", "no folder"),
    ),
    "teacher for nothing": (
        (STUDENT, "objective=jsd", "objective.teacher=x/y", "objective.mix=1"),
        ("objective.mix=1.0", "objective=sequence"),
    ),
    "negative steps": ((STUDENT, "trainer.max_steps=-1"), ("trainer.max_steps=-1",)),
    "no checkpoint kept": ((STUDENT, "trainer.keep_last=0"), ("trainer.keep_last=0", "greater than 0")),
    "no best one kept": ((STUDENT, "trainer.keep_best=0"), ("trainer.keep_best=0",)),
    "no time": ((STUDENT, "trainer.checkpoint_minutes=-5"), ("trainer.checkpoint_minutes=-5",)),
    "no share": ((STUDENT, "validation.share=1"), ("validation.share=1", "0 <=")),
    "negative seed": ((STUDENT, "seed=-1"), ("seed=-1",)),
    "context": ((STUDENT, "context=9999"), ("context=9999", "512")),
    "accelerator": ((STUDENT, "trainer.accelerator=npu"), ("trainer.accelerator=npu", "cpu")),
    "schedule": ((STUDENT, "scheduler.name=sine"), ("scheduler.name=sine", "cosine")),
    "name of a folder": ((STUDENT, "name=../x"), ("name='../x'",)),
    "no name": ((STUDENT, "name="), ("name=''",)),
    "head": ((STUDENT, "trainer.head=fused"), ("trainer.head=fused", "chunked", "plain", "liger")),
    "sharding in a sweep": (
        ("-m", STUDENT, "trainer.devices=2", "trainer.strategy=fsdp"), ("trainer.devices=2", "-m")),
    "strategy": ((STUDENT, "trainer.strategy=zero"), ("trainer.strategy", "zero", "fsdp")),
    "strategy of one device": (
        (STUDENT, "trainer.strategy=fsdp"), ("trainer.strategy=fsdp", "trainer.devices=")),
    "sharded moments": (
        (STUDENT, "trainer.devices=2", "trainer.strategy=fsdp", "optimizer=adafactor"),
        ("Adafactor", "adamw")),
    "sharded fp16": (
        (STUDENT, "trainer.devices=2", "trainer.strategy=fsdp", "trainer.precision=16-mixed"),
        ("trainer.precision=16-mixed", "bf16-mixed")),
    "rank": ((STUDENT, "adapter=lora", "adapter.r=0"), ("adapter.r=0",)),
    "four random bits": ((STUDENT, "adapter=qlora"), ("adapter=qlora", "init=pretrained")),
    "adapter": ((STUDENT, "adapter=loar"), ("adapter=loar", "lora")),
    "devices in a sweep": (("-m", STUDENT, "trainer.devices=2"), ("trainer.devices=2", "-m")),
    "last of a sweep": (("-m", "model=t5-nano,gpt2-nano,t5-nan"), ("model=t5-nan",)),
    "last value of a sweep": (("-m", STUDENT, "seed=1,2,x"), ("seed", "x")),
    "last number of a sweep": (("-m", STUDENT, "batch_size=8,0"), ("batch_size=0",)),
    "twice in a sweep": (("-m", STUDENT, "seed=1,1"), ("share",)),
    "sweep of another kind": (("-m", STUDENT, "seed=interval(1,2)"), ("BasicSweeper",)),
    "no file": ((*FILE,), ("data.path",)),
    "missing file": ((*FILE, "data.path={dir}/none.jsonl"), ("data.path={dir}/none.jsonl", "does not exist")),
    "empty file": ((*FILE, "data.path={dir}/empty.jsonl"), ("data.path={dir}/empty.jsonl", "is empty")),
    "folder for a file": ((*FILE, "data.path={dir}/shardless"), ("data.path={dir}/shardless", "is a folder")),
    "unknown suffix": ((*FILE, "data.path={dir}/notes.txt"), ("notes.txt", ".jsonl")),
    "no folder there": ((STUDENT, "paths.output_dir={dir}/notes.txt/x"), ("notes.txt/x", "paths.output_dir")),
    "no cache there": ((STUDENT, "paths.cache_dir={dir}/notes.txt/x"), ("notes.txt/x", "paths.cache_dir")),
    "another configuration": (
        (STUDENT, "name=other", "batch_size=8"), ("batch_size: 64 -> 8", "force=true", "name=")),
    "damaged run.json": ((STUDENT, "name=damaged"), ("damaged/t5-nano/run.json", "remove it")),
    "newer run.json": ((STUDENT, "name=newer"), ("newer/t5-nano/run.json", f"format {FORMAT + 1}")),
    "held run": ((STUDENT, "name=held"), ("held/t5-nano", "another process")),
    "no checkpoint": (("model=t5-small", "data=oracle", "checkpoint={dir}/none"), ("{dir}/none", "t5-small")),
}  # fmt: skip
ROWS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no instruction": ((*FILE, "data.path={dir}/no_instruction.jsonl"), ("no column instruction",)),
    "no response": ((*FILE, "data.path={dir}/no_response.jsonl"), ("no column response", "it has")),
    "empty responses": ((*FILE, "data.path={dir}/empty_responses.jsonl"), ("empty response", "all 40")),
    "not UTF-8": ((*FILE, "data.path={dir}/latin.jsonl"), ("not UTF-8", "all 40")),
    "not JSON": ((*FILE, "data.path={dir}/broken.jsonl"), ("broken JSON",)),
    "not a JSON array": ((*FILE, "data.path={dir}/broken.json"), ("broken.json", "no intact JSON array")),
    "cut gzip": ((*FILE, "data.path={dir}/cut.jsonl.gz"), ("cut.jsonl.gz", "damaged")),
    "no parquet": ((*FILE, "data.path={dir}/fake.parquet"), ("fake.parquet", "no intact parquet")),
    "folder with a bad shard": ((*FILE, "data.path={dir}"), ("fake.parquet", "no intact parquet")),
    "some bad rows": ((*FILE, "data.path={dir}/some.jsonl"), ("4 of 40", "max_rejected", "quarantine")),
    "less than a batch": ((*FILE, "data.path={dir}/good.jsonl", "batch_size=64"), ("at most 3",)),
    "one pair": ((*FILE, "data.path={dir}/one.jsonl"), ("fewer than two", "validation.share=0")),
    "response beyond the context": ((*FILE, "data.path={dir}/long.jsonl"), ("1 of 41", "max_rejected")),
    "fp16 with T5": ((*FILE, "data.path={dir}/good.jsonl", "trainer.precision=16-mixed"), ("bf16",)),
    "precision": ((*FILE, "data.path={dir}/good.jsonl", "trainer.precision=int4"), ("=int4",)),
    "field": ((*FILE, "data.path={dir}/good.jsonl", "architecture.d_modell=64"), ("d_modell", "d_model")),
    "vocabulary": ((*FILE, "data.path={dir}/good.jsonl", "vocabulary=9"), ("vocabulary=9",)),
    "last of a sweep": (
        ("-m", *FILE, "data.path={dir}/good.jsonl", "trainer.precision=32-true,16-mixed"), ("16-mixed",)),
}  # fmt: skip


def jsonl(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def bad_files(folder: Path) -> None:
    jsonl(folder / "good.jsonl", PAIRS)
    jsonl(folder / "one.jsonl", PAIRS[:1])
    jsonl(folder / "no_instruction.jsonl", [{"q": row["instruction"], "response": "x"} for row in PAIRS])
    jsonl(folder / "no_response.jsonl", [{"instruction": row["instruction"]} for row in PAIRS])
    jsonl(folder / "empty_responses.jsonl", [{**row, "response": "  "} for row in PAIRS])
    jsonl(folder / "some.jsonl", [*PAIRS[:36], *({**row, "response": ""} for row in PAIRS[36:])])
    jsonl(folder / "long.jsonl", [*PAIRS, {"instruction": "Count", "response": "one two " * 100}])
    (folder / "latin.jsonl").write_bytes(b'{"instruction": "Caf\xe9", "response": "a"}\n' * 40)
    (folder / "broken.jsonl").write_text('{"instruction": "a", "respon\n' * 40)
    (folder / "broken.json").write_text('[{"instruction": "a"')
    (folder / "empty.jsonl").touch()
    (folder / "shardless").mkdir()
    (folder / "notes.txt").write_text("no rows")
    (folder / "fake.parquet").write_text("PAR0")
    whole = gzip.compress((folder / "good.jsonl").read_bytes())
    (folder / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])


def bad_runs(outputs: Path, cache: Path) -> None:
    config = compose("train", [STUDENT, "batch_size=64", f"paths.cache_dir={cache}"])
    other = RunFolder(outputs / "other" / "t5-nano")
    other.path.mkdir(parents=True)
    other.config_file.write_text(yaml.safe_dump(plain(config)))
    other.write({"format": FORMAT, "status": "done", "provenance": {"config_hash": config_hash(config)}})
    for name, text in (("damaged", "{"), ("newer", json.dumps({"format": FORMAT + 1})), ("held", "{}")):
        (outputs / name / "t5-nano").mkdir(parents=True)
        (outputs / name / "t5-nano" / "run.json").write_text(text)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad")


@pytest.fixture(scope="module")
def answers(place: Path, cache: Path, environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What every line of LINES and ROWS answered."""
    bad_files(place)
    outputs = place / "outputs"
    bad_runs(outputs, cache)
    own = ("logger=none", f"paths.output_dir={outputs}", f"paths.cache_dir={cache}")
    small = ("vocabulary=512", "batch_size=4", "context=64", "trainer.threads=1")
    asked = {f"line {name}": [*own, *words] for name, (words, _) in LINES.items()}
    asked |= {f"rows {name}": [*own, *small, *words] for name, (words, _) in ROWS.items()}
    texts = [[word.replace("{dir}", str(place)) for word in words] for words in asked.values()]
    with ExitStack() as stack:
        stack.enter_context(RunFolder(outputs / "held" / "t5-nano").locked())
        done = subprocess.run(
            [sys.executable, "tests/many_lines.py"], cwd=Path(__file__).parents[1], env=environment,
            text=True, input=json.dumps(texts), capture_output=True, timeout=280, check=True,
        )  # fmt: skip
    yield dict(zip(asked, json.loads(done.stdout.splitlines()[-1]), strict=True)) | {"stderr": done.stderr}


def refused(answer: dict[str, Any], place: Path, words: tuple[str, ...]) -> None:
    said = answer["err"]
    assert answer["status"] == 2, answer
    assert said.startswith("train.py: ")
    assert not [word for word in words if word.replace("{dir}", str(place)) not in said], said
    assert "Traceback" not in said + answer["out"]


@pytest.mark.parametrize("name", LINES)
def test_a_wrong_line_gets_one_sentence(name: str, answers: dict[str, Any], place: Path) -> None:
    answer = answers[f"line {name}"]
    refused(answer, place, LINES[name][1])
    assert answer["out"] == ""
    assert answer["heavy"] == []
    if name != "no checkpoint":  # whose sentence offers three lines to paste
        assert answer["err"].count("\n") == 1


@pytest.mark.parametrize("name", ROWS)
def test_wrong_rows_get_one_sentence_before_any_training(
    name: str, answers: dict[str, Any], place: Path
) -> None:
    answer = answers[f"rows {name}"]
    refused(answer, place, ROWS[name][1])
    assert answer["err"].count("\n") == 1
    assert answer["heavy"] == []  # the planning child has it all


def test_nothing_is_left_behind(answers: dict[str, Any], place: Path) -> None:
    """No child showed a traceback, no run folder got a record, none was half-written."""
    assert "Traceback" not in answers["stderr"]
    records = sorted(str(path.relative_to(place / "outputs")) for path in place.rglob("run.json"))
    assert records == [f"{name}/t5-nano/run.json" for name in ("damaged", "held", "newer", "other")]


def test_an_unreadable_file(
    ask: Callable[..., tuple[int, str, str]], place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Root may read everything, so the operating system's answer is put in its mouth."""
    file = tmp_path / "secret.jsonl"
    jsonl(file, PAIRS)
    file.chmod(0)
    monkeypatch.setattr(os, "access", lambda *_: False)
    status, out, err = ask(STUDENT, "data=file", f"data.path={file}", f"paths.output_dir={tmp_path}")
    assert (status, out) == (2, "")
    assert f"data.path={file} may not be read" in err


def test_a_row_of_10_megabytes(train: Callable[..., Any], tiny: tuple[str, ...], tmp_path: Path) -> None:
    """As a prompt it is cut and counted, as a response it is set aside; the rest trains."""
    big = 10_000_000 * "a"
    rows = [*PAIRS, {"instruction": big, "response": "long"}, {"instruction": "Say a", "response": big}]
    jsonl(tmp_path / "big.jsonl", rows)
    words = [word for word in tiny if not word.startswith("data.")]
    status, out, err = train(
        STUDENT, "data=file", f"data.path={tmp_path / 'big.jsonl'}", *words, "max_rejected=0.05",
        "trainer.max_steps=2", f"paths.output_dir={tmp_path}", "validation.share=0.1",
    )  # fmt: skip
    assert status == 0, out + err
    record = json.loads((tmp_path / "herd" / "t5-nano" / "run.json").read_text())
    assert record["status"] == "done"
    assert record["data"]["truncated_prompts"] == 1
    assert "1 of 42 rows set aside" in out
    (place,) = {part for part in out.split() if part.endswith("quarantine.jsonl")}
    (row,) = map(json.loads, Path(place).read_text().splitlines())
    assert row["source"] == "big"
    assert len(row["excerpt"]) <= 1000

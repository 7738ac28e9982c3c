"""A run folder: what identifies a run, what is written how, and which folder is refused."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lamini import runs
from lamini.compose import compose
from lamini.config import Init, Mode, Strategy, TrainConfig
from lamini.data.options import FileData
from lamini.errors import UserError
from lamini.provenance import git_state, provenance
from lamini.runs import FORMAT, RunFolder, State, config_hash, identity, plain
from lamini.students.adapters import Lora
from lamini.training.loggers import Csv
from lamini.training.objectives.forward_kl import ForwardKL
from lamini.training.objectives.options import Source
from lamini.training.optimizers import Adafactor

SAME = {  # where it runs, what is shown
    "name": "other", "force": True, "mode": Mode.plan, "paths.output_dir": "x", "paths.cache_dir": "x",
    "paths.tokenizers": "x", "max_rejected": 0.5, "size.micro_tokens": 64, "trainer.accelerator": "cpu",
    "trainer.strategy": Strategy.fsdp, "trainer.gradient_checkpointing": True,
    "trainer.devices": 2, "trainer.threads": 1, "trainer.log_every": 1, "trainer.checkpoint_every": 7,
    "trainer.attention": "eager", "trainer.compile": True,
    "validation.every": 3, "validation.answers": 9, "logger": Csv(),
}  # fmt: skip
OTHER = {  # what comes out
    "seed": 1, "batch_size": 8, "context": 32, "tokenizer": "family", "vocabulary": 600, "limit": 9,
    "checkpoint": "x", "init": Init.pretrained, "architecture": {"d_ff": 64}, "size.name": "micro",
    "data.pairs": 9, "data.seed": 1, "data.fault_rate": 0.5, "data.held_out": 9, "data": FileData("x"),
    "optimizer.lr": 0.1, "optimizer.betas": [0.5, 0.5], "optimizer.eps": 0.1, "optimizer.weight_decay": 0.1,
    "objective": ForwardKL("x", 0.5, Source.online, 64, 1.0), "adapter": Lora(8, 16, 0.0, None),
    "optimizer": Adafactor(0.001, 1.0, -0.8, 0.0), "scheduler.name": "cosine", "scheduler.warmup_ratio": 0.5,
    "trainer.max_steps": 9, "trainer.max_epochs": 2.0, "trainer.precision": "bf16-true",
    "trainer.gradient_clip": 0.5, "trainer.head": "plain", "validation.share": 0.1, "validation.limit": 9,
    "validation.held_out": 9, "family.wrapper": "alpaca", "family.architecture": {}, "family.licence": "mit",
}  # fmt: skip


def student(*overrides: str) -> TrainConfig:
    return compose("train", ["model=t5-nano", "batch_size=64", "optimizer.lr=0.001", *overrides])


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    return student()


@pytest.fixture
def folder(tmp_path: Path, config: TrainConfig) -> RunFolder:
    """A folder that `config` has finished."""
    return written(tmp_path / "t5-nano", config, "done")


def written(path: Path, config: TrainConfig, status: str, **more: Any) -> RunFolder:
    path.mkdir(parents=True, exist_ok=True)
    run = RunFolder(path)
    run.config_file.write_text(yaml.safe_dump(plain(config)))
    run.write(
        {"format": FORMAT, "status": status, "provenance": {"config_hash": config_hash(config)}, **more}
    )
    return run


def changed(config: Any, key: str, value: Any) -> Any:
    """The configuration with one key, `trainer.devices`, set to something else."""
    name, _, rest = key.partition(".")
    return replace(config, **{name: changed(getattr(config, name), rest, value) if rest else value})


@pytest.mark.parametrize("key", SAME)
def test_the_hash_ignores_where_it_runs(config: TrainConfig, key: str) -> None:
    other = changed(config, key, SAME[key])
    assert other != config
    assert config_hash(other) == config_hash(config)


@pytest.mark.parametrize("key", OTHER)
def test_the_hash_covers_what_comes_out(config: TrainConfig, key: str) -> None:
    assert config_hash(changed(config, key, OTHER[key])) != config_hash(config)


def test_every_key_is_on_one_of_the_two_lists(config: TrainConfig) -> None:
    """A new key has to be decided about: `identity` takes it in until SAME and BESIDES name it."""
    keys = {key for key in identity(plain(config)) if not key.startswith("family.")}
    assert {key.removesuffix("._target_") for key in keys} <= set(OTHER)


def test_other_sizes_of_the_family_do_not_count(config: TrainConfig) -> None:
    sizes = {name: size for name, size in config.family.sizes.items() if name == "nano"}
    assert config_hash(changed(config, "family.sizes", sizes)) == config_hash(config)
    sizes = {"nano": replace(sizes["nano"], architecture={"d_ff": 9})}
    assert config_hash(changed(config, "family.sizes", sizes)) != config_hash(config)


def test_the_hash_does_not_depend_on_the_order_of_keys(config: TrainConfig) -> None:
    tree = plain(config)
    assert list(identity(dict(reversed(tree.items()))).items()) == list(identity(tree).items())


def test_config_yaml_comes_back_as_it_went(config: TrainConfig) -> None:
    assert identity(yaml.safe_load(yaml.safe_dump(plain(config)))) == identity(plain(config))
    assert plain(config)["data"]["_target_"] == "lamini.data.options.OracleData"


def test_states(tmp_path: Path, config: TrainConfig) -> None:
    path = tmp_path / "run"
    assert RunFolder(path).state(config) is State.new
    for status in ("running", "interrupted", "failed"):
        assert written(path, config, status).state(config) is State.resume
    assert written(path, config, "done").state(config) is State.done
    assert RunFolder(path).state(replace(config, force=True)) is State.new


def test_another_configuration_is_refused_with_the_difference(folder: RunFolder) -> None:
    other = student("batch_size=8", "optimizer.lr=1e-4")
    with pytest.raises(UserError) as caught:
        folder.state(other)
    said = str(caught.value)
    assert "batch_size: 64 -> 8" in said
    assert "optimizer.lr: 0.001 -> 0.0001" in said
    assert "force=true" in said
    assert "name=<name>" in said
    assert folder.state(replace(other, force=True)) is State.new


def test_a_long_difference_is_cut(folder: RunFolder) -> None:
    with pytest.raises(UserError, match="and [0-9]+ more"):
        folder.state(compose("train", ["model=gpt2-nano"]))


@pytest.mark.parametrize("text", [None, "", "- 1", "family: 3", "{"])
def test_a_damaged_config_yaml_still_gives_a_sentence(
    folder: RunFolder, config: TrainConfig, text: str | None
) -> None:
    folder.config_file.unlink()
    if text is not None:
        folder.config_file.write_text(text)
    with pytest.raises(UserError, match="missing or damaged"):
        folder.state(replace(config, batch_size=8))


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"format": "x"}'])
def test_a_damaged_record_is_named(folder: RunFolder, text: str) -> None:
    folder.record_file.write_text(text)
    with pytest.raises(UserError, match=r"run\.json.*remove it"):
        folder.record()


def test_a_newer_format_is_refused(folder: RunFolder) -> None:
    folder.write({"format": FORMAT + 1})
    with pytest.raises(UserError, match=f"format {FORMAT + 1}.*up to {FORMAT}"):
        folder.record()


def test_a_record_without_provenance_is_no_run_of_this_config(folder: RunFolder, config: TrainConfig) -> None:
    folder.write({"format": FORMAT, "status": "done"})
    with pytest.raises(UserError, match="another configuration"):
        folder.state(config)


def test_a_full_disk_leaves_the_old_record_whole(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder.record_file.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"run\.json cannot be written: the disk is full"):
        folder.write({"format": FORMAT, "status": "running"})
    assert folder.record_file.read_bytes() == before
    assert sorted(path.name for path in folder.path.iterdir()) == ["config.yaml", "run.json"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 64 KiB, where this may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here; the test above pretends")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, config: TrainConfig) -> None:
    run = written(small_disk / "run", config, "running")
    before = run.record_file.read_bytes()
    (small_disk / "filler").write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096))
    with pytest.raises(UserError, match="the disk is full"):
        run.write({"format": FORMAT, "status": "done", "text": 9000 * "x"})
    with pytest.raises(UserError, match="the disk is full.*paths.output_dir"):
        runs.ensure_writable(run.path, "paths.output_dir")
    assert run.record_file.read_bytes() == before


def test_readers_see_a_whole_record_at_any_time(tmp_path: Path) -> None:
    """One process writes as fast as it can, another reads: never half a file, never none."""
    run = RunFolder(tmp_path)
    run.write({"format": FORMAT, "status": "running", "text": 20_000 * "a"})
    code = (
        "import sys, itertools; from pathlib import Path; from lamini.runs import RunFolder\n"
        "run = RunFolder(Path(sys.argv[1]))\n"
        "for n in itertools.count(): run.write({'format': 1, 'text': 20_000 * 'ab'[n % 2]})"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    try:
        seen = set()
        end = time.monotonic() + 30
        while len(seen) < 2 and time.monotonic() < end:
            seen.add(run.record()["text"])
        for _ in range(300):
            seen.add(run.record()["text"])
    finally:
        writer.kill()
        writer.wait()
    assert seen == {20_000 * "a", 20_000 * "b"}


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="file/run cannot be written .not a directory.; set paths.output_dir"):
        runs.ensure_writable(tmp_path / "file" / "run", "paths.output_dir")
    assert RunFolder(tmp_path / "file" / "run").record() == {}


def test_a_folder_is_held_by_one_process_only(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert not run.running()
    with run.locked():
        assert run.running()
        with pytest.raises(UserError, match="another process"), RunFolder(tmp_path).locked():
            pytest.fail("held twice")
        assert run.running()
    assert not run.running()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_ends_with_the_process_however_that_dies(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from lamini.runs import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert RunFolder(tmp_path).running()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "lock").exists()
    assert not RunFolder(tmp_path).running()
    with RunFolder(tmp_path).locked():
        pass


def test_provenance_says_what_ran(config: TrainConfig) -> None:
    facts = provenance(config, threads=3)
    assert facts["config_hash"] == config_hash(config)
    assert (facts["seed"], facts["threads"]) == (config.seed, 3)
    assert facts["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["versions"]["torch"]
    assert facts["hardware"]["cores"] == os.cpu_count()
    assert isinstance(facts["hardware"]["gpus"], list)
    json.dumps(facts)


def test_git_state_is_that_of_the_checkout_that_tracks_the_file(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "a.py").write_text("1")
    assert git_state(tmp_path / "a.py") == {"git_commit": None, "git_dirty": None}  # somebody else's checkout
    git("add", "a.py")
    git("commit", "-q", "-m", "x")
    assert git_state(tmp_path / "a.py") == {"git_commit": git("rev-parse", "HEAD"), "git_dirty": False}
    (tmp_path / "a.py").write_text("2")
    assert git_state(tmp_path / "a.py")["git_dirty"] is True
    assert git_state(Path(os.__file__)) == {"git_commit": None, "git_dirty": None}

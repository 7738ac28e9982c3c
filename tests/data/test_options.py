"""The YAML of every `data=` fits its class, loads, and refuses what cannot work."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue

from lamini.data import hub
from lamini.data.options import FileData, MixtureData, OracleData, SourceOptions
from lamini.data.records import SOURCES
from lamini.errors import UserError
from lamini.targets import locate
from tests.data.toys import rows, shared_data

CONF = Path(__file__).parents[2] / "conf"


def option(*overrides):
    """The `data` of these overrides as its dataclass."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        data = OmegaConf.to_container(compose(overrides=list(overrides)).data, resolve=True)
    cls = locate(data.pop("_target_"), "data._target_")
    return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(cls), data))


def mixture(**sources):
    return MixtureData(None, {name: SourceOptions(**fields) for name, fields in sources.items()})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.parquet"
    pq.write_table(rows(30), path)
    return path


def test_every_yaml_has_its_class(file):
    lamini = option("+data=lamini")
    assert set(lamini.sources) == set(SOURCES)
    assert all(source == SourceOptions(None, 1.0, None) for source in lamini.sources.values())
    assert list(option("+data=alpaca").active()) == ["alpaca"]
    assert isinstance(option("+data=oracle"), OracleData)
    assert option("+data=file", f"data.path={file}").path == str(file)


def test_sources_can_be_overridden_piecewise(file):
    data = option(
        "+data=lamini",
        "data.sources.original_flan.weight=0",
        "~data.sources.original_p3",
        f"+data.sources.mine={{path: {file}}}",
    )
    assert len(data.active()) == 6
    assert data.sources["mine"] == SourceOptions(str(file), 1.0, None)
    with pytest.raises(ConfigKeyError):
        option("+data=lamini", "+data.sources.mine={pth: x}")
    with pytest.raises(MissingMandatoryValue):
        option("+data=file").check()


def test_options_and_checks_import_nothing_heavy(file):
    code = f"""
import sys
from lamini.data.options import FileData, MixtureData, SourceOptions
FileData({str(file)!r}).check()
MixtureData({str(file)!r}, {{"a": SourceOptions()}}).check()
print([name for name in ("torch", "pyarrow", "numpy", "datasets") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_file_is_one_source_named_after_it(tmp_path, file):
    corpus = FileData(str(file)).load(tmp_path, 0)
    assert [(s.name, s.table.num_rows, s.weight) for s in corpus.sources] == [("mine", 30, 1.0)]
    with pytest.raises(UserError, match="data.path=.*does not exist"):
        FileData(str(tmp_path / "no.csv")).check()
    with pytest.raises(UserError, match="unknown format"):
        FileData(str(file), "xml").check()


def test_mixture_of_files_with_weights_and_limits(tmp_path, file):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"instruction": "a", "output": "b"}\n{"instruction": "c"}\n')
    data = mixture(
        big={"path": str(file), "weight": 0.5, "limit": 7},
        small={"path": str(bad), "weight": 3},
        off={"path": "nowhere.csv", "weight": 0},
    )
    corpus = data.load(tmp_path, 0)
    found = [(s.name, s.table.num_rows, s.weight) for s in corpus.sources]
    assert found == [("big", 7, 0.5), ("small", 1, 3)]
    assert [(row.source, row.line) for row in corpus.rejected] == [("small", 2)]


@pytest.mark.parametrize(
    "fields, says",
    [
        ({"path": "x.csv", "weight": -1.0}, "data.sources.s.weight=-1.0"),
        ({"path": "x.csv", "weight": float("nan")}, "data.sources.s.weight=nan"),
        ({"path": "x.csv", "limit": 0}, "data.sources.s.limit=0"),
        ({"path": "x.csv", "weight": 0.0}, "no source with a weight above 0"),
        ({"path": "x.csv"}, "data.sources.s.path=x.csv does not exist"),
        ({}, "needs a path"),
    ],
)
def test_impossible_mixtures(fields, says):
    with pytest.raises(UserError, match=says):
        mixture(s=fields).check()
    with pytest.raises(UserError, match="no source"):
        MixtureData("somebody/set", {}).check()


@pytest.fixture
def local_hub(tmp_path):
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    pq.write_table(rows(10, "alpaca"), folder / "train-00000.parquet")
    pq.write_table(
        pa.concat_tables([rows(5, "alpaca"), rows(4, "original_p3")]),
        folder / "train-00001.parquet",
    )
    (folder.parent / "README.md").write_text("a card")
    return str(folder.parent)


def test_a_folder_stands_for_the_hub(tmp_path, local_hub):
    data = MixtureData(local_hub, {"alpaca": SourceOptions(), "original_p3": SourceOptions()})
    data.check()
    corpus = data.load(tmp_path, 0)
    assert [(s.name, s.table.num_rows) for s in corpus.sources] == [
        ("alpaca", 15),
        ("original_p3", 4),
    ]
    with pytest.raises(UserError, match="original_flan.*it has alpaca, original_p3"):
        MixtureData(local_hub, {"original_flan": SourceOptions()}).load(tmp_path, 0)


def test_an_empty_folder_is_no_hub(tmp_path):
    with pytest.raises(UserError, match="holds no data file"):
        MixtureData(str(tmp_path), {"alpaca": SourceOptions()}).check()


def test_offline_hub_says_so_at_once_with_ways_out(tmp_path, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    began = time.monotonic()
    with pytest.raises(UserError, match="HF_HUB_OFFLINE.*data=file.*data=oracle"):
        option("+data=lamini").check()
    assert time.monotonic() - began < 3
    cached = tmp_path / "MBZUAI___la_mini-instruction" / "default" / "0.0.0" / "abc"
    cached.mkdir(parents=True)
    (cached / "dataset_info.json").write_text(json.dumps({}))
    option("+data=lamini").check()


def test_a_hub_that_never_answers_is_given_up_on(tmp_path, monkeypatch):
    import huggingface_hub

    def hang(*_args, **_kwargs):
        time.sleep(5)

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", hang)
    monkeypatch.setattr(hub, "PATIENCE", 0.2)
    with pytest.raises(UserError, match="did not answer"):
        hub.check("somebody/set")

    def refuse(*_args, **_kwargs):
        raise ConnectionError("Name or service not known\nand more")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", refuse)
    with pytest.raises(UserError, match="refused: ConnectionError Name or service not known;"):
        hub.check("somebody/set")


def test_what_datasets_loads_becomes_pairs_and_its_failures_one_sentence(tmp_path, monkeypatch):
    import datasets

    prepared = datasets.Dataset(rows(6, "alpaca"))
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: prepared)
    table, rejected = hub.load("somebody/set")
    assert table.to_pylist() == rows(6, "alpaca").to_pylist()
    assert rejected == []

    def fail(*_, **__):
        raise ConnectionError("Couldn't reach the hub\nTraceback…")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(UserError, match="ConnectionError: Couldn't reach the hub\\).*data.hub=<"):
        hub.load("somebody/set")


def test_oracle_brings_its_held_out_axes(tmp_path):
    corpus = OracleData(pairs=300, held_out=20, fault_rate=0.0, seed=0).load(tmp_path, 1)
    (source,) = corpus.sources
    assert (source.name, source.table.num_rows, corpus.rejected) == ("oracle", 300, [])
    assert set(corpus.held_out) == {"new_instances", "new_phrasings", "unseen_kinds"}
    trained = set(source.table["instruction"].to_pylist())
    kinds = set(source.table["kind"].to_pylist())
    for table in corpus.held_out.values():
        assert table.num_rows == 20
        assert all(table["kind"].to_pylist())
        assert not trained & set(table["instruction"].to_pylist())
    assert not kinds & set(corpus.held_out["unseen_kinds"]["kind"].to_pylist())
    assert set(source.table["instruction_source"].to_pylist()) <= set(SOURCES)


def test_oracle_without_held_out_rows_and_with_faults(tmp_path):
    corpus = OracleData(pairs=200, held_out=0, fault_rate=0.5, seed=0).load(tmp_path, 0)
    assert corpus.held_out == {}
    assert corpus.pairs + len(corpus.rejected) == 200
    assert corpus.rejected


@pytest.mark.parametrize("wrong", [{"pairs": 0}, {"held_out": -1}, {"fault_rate": 1.5}])
def test_impossible_oracles(wrong):
    fields = {"pairs": 10, "held_out": 1, "fault_rate": 0.0, "seed": 0} | wrong
    with pytest.raises(UserError, match=f"data.{next(iter(wrong))}="):
        OracleData(**fields).check()


def test_alpaca_file_as_an_option(tmp_path):
    path = shared_data() / "train" / "natural_instructions_v1_gpt3.jsonl.gz"
    corpus = FileData(str(path)).load(tmp_path, 0)
    assert (corpus.pairs, len(corpus.rejected)) == (897, 3)

"""Every YAML composes and validates; who wins over whom; shorthands, herds and foreign families."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from hydra._internal.utils import get_args_parser

from lamini.compose import CONF, SCHEMAS, compose, families, help_text, opened, register, varied
from lamini.config import TrainConfig
from lamini.entry import enumerate_jobs
from lamini.errors import UserError
from lamini.runs import Job

STUDENTS = [(family, size) for family, sizes in families().items() for size in sizes]
FILES = sorted(str(path.relative_to(CONF)) for path in CONF.rglob("*.yaml"))
NANO = yaml.safe_load((CONF / "size" / "nano.yaml").read_text())
SCRIPTS = {  # else train
    **dict.fromkeys(["teacher", "instructions", "curation", "diversity"], "generate"),
    **dict.fromkeys(["suite", "classifier", "preset"], "evaluate"),
    "sheet": "rate",
}
NEEDED = {  # what an option leaves to the user
    "data/file.yaml": ["data.path=x.jsonl"],
    "teacher/transformers.yaml": ["teacher.model=x"],
    "classifier/local.yaml": ["classifier.model=x"],
    "classifier/detoxify.yaml": ["classifier.checkpoint=x", "classifier.config=y"],
    **{
        f"objective/{name}.yaml": ["objective.teacher=x"]
        for name in ("forward_kl", "hidden", "jsd", "reverse_kl", "skewed_kl")
    },
}
PAPER = {  # Table 3 of the paper, and gpt2-medium
    "t5-small", "t5-base", "t5-large", "flan-t5-small", "flan-t5-base", "flan-t5-large", "cerebras-gpt-111M",
    "cerebras-gpt-256M", "cerebras-gpt-590M", "cerebras-gpt-1.3B", "gpt2-small", "gpt2-large", "gpt2-xl",
    "gpt-neo-125M", "gpt-neo-1.3B", "gpt-j-6B", "llama-7B", "gpt2-medium",
}  # fmt: skip


def jobs(*words: str) -> list[Job]:
    args = get_args_parser().parse_args(words)
    extra = Path(args.config_dir).resolve() if args.config_dir else None
    return enumerate_jobs(args, "train", register(extra))


def runs(*words: str) -> list[str]:
    return [job.folder.name for job in jobs(*words)]


@pytest.mark.parametrize(("family", "size"), STUDENTS)
def test_every_student_composes_and_is_what_its_name_says(family: str, size: str) -> None:
    config = compose("train", [f"model={family}-{size}"])
    assert (config.family.name, config.size.name) == (family, size)
    facts = config.family.sizes[size]
    assert (facts.checkpoint is None) == (config.init.value == "scratch")


def test_the_herd_holds_the_students_of_the_paper() -> None:
    assert {f"{family}-{size}" for family, size in STUDENTS} >= PAPER


@pytest.mark.parametrize("file", FILES)
def test_every_yaml_composes(file: str) -> None:
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    script = name if not group else SCRIPTS.get(group, "train")
    if script != "train":
        config = compose(script, [f"{group}={name}", *NEEDED.get(file, [])] if group else [])
        assert isinstance(config, SCHEMAS[script])
        return
    chosen = {"": [], "family": [f"family={name}", f"size={_a_size(name)}"]}.get(group, [f"{group}={name}"])
    student = [] if group == "family" else ["family=t5", "size=small"] if group != "size" else ["family=t5"]
    if file == "size/published.yaml":
        chosen += ["size.name=small"]
    config = compose("train", [*student, *chosen, *NEEDED.get(file, [])])
    assert isinstance(config, TrainConfig)


def _a_size(family: str) -> str:
    return next(iter(families().get(family, {"small": None})))


def test_the_recursive_glob_sees_every_group() -> None:
    assert {file.partition("/")[0] for file in FILES if "/" in file} == {
        "adapter", "batching", "classifier", "curation", "data", "diversity", "experiment", "family", "hydra",
        "instructions", "logger", "objective", "optimizer", "paths", "preset", "scheduler", "sheet", "size",
        "suite", "teacher", "trainer",
    }  # fmt: skip


def test_order_of_the_defaults_list() -> None:
    defaults = yaml.safe_load((CONF / "train.yaml").read_text())["defaults"]
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in defaults]
    own = [name for name in names if not name.startswith("override ")]
    assert own[0] == "_self_"
    assert own[-4:] == ["size", "family", "model", "experiment"]
    assert names[len(own) :] == [name for name in names if name.startswith("override hydra/")]


@pytest.mark.parametrize("file", sorted((CONF / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_experiment_never_overrides_the_family(file: Path) -> None:
    """It would silently beat model= on the command line."""
    facts = yaml.safe_load(file.read_text())
    overridden = {key for entry in facts.get("defaults", []) if isinstance(entry, dict) for key in entry}
    assert not overridden & {"override /family", "override /size"}


def test_one_student_by_three_spellings() -> None:
    short = compose("train", ["model=flan-t5-small"])
    assert short == compose("train", ["family=flan-t5", "size=small"])
    assert short == compose("train", ["model=flan-t5-large", "size=small"])


def test_a_glob_is_the_whole_family() -> None:
    assert runs("-m", "model=glob(flan-t5-*)") == ["flan-t5-base", "flan-t5-large", "flan-t5-small"]


def test_a_published_size_is_the_recipe_of_the_paper() -> None:
    config = compose("train", ["model=t5-base"])
    assert (config.batch_size, config.trainer.max_epochs, config.init.value) == (1024, 5, "pretrained")
    assert config.optimizer.lr == 5e-4
    assert type(config.data).__name__ == "MixtureData"
    assert compose("train", ["model=gpt2-small"]).optimizer.lr == 2e-5


@pytest.mark.parametrize(
    "student", ["t5-nano", "t5-micro", "gpt2-nano", "gpt2-micro", "llama-nano", "llama-micro"]
)
def test_nano_and_micro_are_the_embedded_recipe(student: str) -> None:
    config = compose("train", [f"model={student}"])
    assert (config.init.value, config.tokenizer, type(config.data).__name__) == (
        "scratch",
        "trained",
        "OracleData",
    )
    assert config.batch_size < 1024


@pytest.mark.parametrize(
    ("overrides", "key", "value"),
    [
        (["experiment=rehearsal"], "batch_size", 8),
        (["experiment=rehearsal", "batch_size=2"], "batch_size", 2),
        (["batch_size=2", "experiment=rehearsal"], "batch_size", 2),
        (["experiment=rehearsal", "tokenizer=family"], "tokenizer", "family"),
        (["model=t5-nano"], "batch_size", NANO["batch_size"]),
        (["model=t5-nano", "batch_size=3"], "batch_size", 3),
        (["model=t5-nano", "experiment=rehearsal"], "batch_size", 8),
    ],
)
def test_the_command_line_beats_the_experiment_beats_the_size(
    overrides: Sequence[str], key: str, value: object
) -> None:
    config = compose("train", ["model=t5-small", *overrides])
    assert getattr(config, key) == value


def test_the_command_line_chooses_data_against_an_experiment() -> None:
    config = compose("train", ["model=t5-small", "experiment=rehearsal", "data=file", "data.path=x.jsonl"])
    assert type(config.data).__name__ == "FileData"


def test_an_experiment_names_a_herd_that_model_replaces() -> None:
    herd = jobs("-m", "experiment=embedded")
    named = yaml.safe_load((CONF / "experiment" / "embedded.yaml").read_text())["hydra"]["sweeper"]["params"]
    assert [job.folder.name for job in herd] == named["model"].split(",")
    assert len(herd) == 4
    assert {str(job.folder.parent) for job in herd} == {"outputs/embedded"}
    assert runs("-m", "experiment=embedded", "model=llama-nano") == ["llama-nano"]
    assert runs("-m", "experiment=embedded", "model=llama-nano,t5-nano") == ["llama-nano", "t5-nano"]


def test_eight_runs_in_eight_folders() -> None:
    found = jobs("-m", "model=t5-nano,gpt2-nano", "data=oracle,alpaca", "seed=1,2")
    assert [job.folder.name for job in found] == [
        f"{model},data={data},seed={seed}"
        for model in ("t5-nano", "gpt2-nano")
        for data in ("oracle", "alpaca")
        for seed in (1, 2)
    ]
    assert [(job.config.family.name, job.config.seed) for job in found[:2]] == [("t5", 1), ("t5", 2)]


def test_what_the_whole_sweep_shares_is_not_in_the_folder() -> None:
    assert runs("-m", "model=t5-nano,gpt2-nano", "seed=3", "batch_size=8") == ["t5-nano", "gpt2-nano"]
    assert runs("-m", "model=t5-nano", "seed=3") == runs("model=t5-nano", "seed=3") == ["t5-nano"]


@pytest.mark.parametrize(
    ("override", "opens"),
    [
        ("architecture.d_ff=64", True),
        ("+architecture.x=1", True),
        ("architecture={a: 1}", True),
        ("data.pairs=9", True),
        ("+data.pairs=9", True),
        ("optimizer.lr=1", True),
        ("objective.mix=0", True),
        ("family.learning_rate.scratch=1", True),
        ("size.micro_tokens=9", True),
        ("sheet.common=true", True),
        ("data=oracle", False),
        ("data.sources.flan.weight=0", False),
        ("+data.sources.mine={path: x}", False),
        ("trainer.max_steps=2", False),
        ("~data.sources.flan", False),
        ("seed=1", False),
    ],
)
def test_which_keys_hydra_cannot_know(override: str, opens: bool) -> None:
    once = opened([override])
    assert once == ([f"++{override.lstrip('+')}"] if opens else [override])
    assert opened(once) == once


def test_keys_of_an_option_that_a_swept_model_chooses() -> None:
    """Hydra composes the line without model= first, where data is lamini and has no pairs."""
    found = jobs("-m", "model=t5-nano,gpt2-nano", "data.pairs=9", "family.context=99")
    assert [(job.config.data.pairs, job.config.context) for job in found] == [(9, 99), (9, 99)]
    assert runs("-m", "model=t5-nano", "data.pairs=8,9") == ["t5-nano,data.pairs=8", "t5-nano,data.pairs=9"]
    with pytest.raises(UserError, match="MixtureData"):
        jobs("-m", "model=t5-nano,t5-small", "data.pairs=9")


def test_a_typing_error_makes_no_new_source() -> None:
    with pytest.raises(UserError, match=r"data\.sources\.flann"):
        compose("train", ["model=t5-small", "data.sources.flann.weight=0"])


def test_architecture_takes_new_fields_without_a_plus() -> None:
    """Hydra calls the mapping closed; design: `architecture.<field>=...`."""
    assert compose("train", ["model=t5-nano", "architecture.d_ff=64"]).architecture == {"d_ff": 64}
    swept = jobs("-m", "model=t5-nano", "architecture.d_ff=64,128")
    assert [job.config.architecture["d_ff"] for job in swept] == [64, 128]
    assert [job.folder.name for job in swept] == [
        "t5-nano,architecture.d_ff=64",
        "t5-nano,architecture.d_ff=128",
    ]


@pytest.mark.parametrize(
    ("dirname", "tail"),
    [
        ("", ""),
        ("data=oracle,seed=2", ",data=oracle,seed=2"),
        ("++architecture.d_ff=64", ",architecture.d_ff=64"),
        ("size=1.3B", ",size=1.3B"),
    ],
)
def test_varied_worked_examples(dirname: str, tail: str) -> None:
    assert varied(dirname) == tail


def test_varied_keeps_different_jobs_apart_where_names_cannot() -> None:
    names = [
        varied(f"data.path={path}") for path in ("/a/b.jsonl", "/c/b.jsonl", "b.jsonl", "b jsonl", "b-jsonl")
    ]
    assert len(set(names)) == len(names)
    assert all("/" not in name and " " not in name for name in names)
    assert names[2] == ",data.path=b.jsonl"
    long = varied("data.path=" + 300 * "x")
    assert len(long) < 140
    assert long != varied("data.path=" + 301 * "x")


def test_sizes_with_dots_have_names_with_dots() -> None:
    (job,) = jobs("model=cerebras-gpt-1.3B")
    assert (job.config.size.name, job.folder.name) == ("1.3B", "cerebras-gpt-1.3B")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A config folder of somebody else with a family of one size."""
    facts = yaml.safe_load((CONF / "family" / "t5.yaml").read_text())
    facts |= {"name": "mine", "sizes": {"wee.5": facts["sizes"]["small"] | {"checkpoint": "me/mine"}}}
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / "mine.yaml").write_text(yaml.safe_dump(facts))
    return tmp_path


def test_a_family_outside_the_repository(foreign: Path) -> None:
    short = jobs("--config-dir", str(foreign), "model=mine-wee.5")
    long = jobs("--config-dir", str(foreign), "family=mine", "size=wee.5")
    swept = jobs("--config-dir", str(foreign), "-m", "model=mine-wee.5,t5-nano")
    assert short[0].config.family.name == "mine"
    assert asdict(short[0].config) == asdict(long[0].config) == asdict(swept[0].config)
    assert [job.folder.name for job in swept] == ["mine-wee.5", "t5-nano"]
    assert "mine" in help_text("train", register(foreign), foreign)


@pytest.mark.parametrize("text", ["- a\n- b\n", "sizes:\n", "a: [", "sizes: [small]\n"])
def test_a_family_file_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / "odd.yaml").write_text(text)
    with pytest.raises(UserError, match=r"odd\.yaml"):
        families([tmp_path])


def test_compose_raises_the_sentence_of_the_command_line() -> None:
    with pytest.raises(UserError, match="model=t5-nan is unknown .did you mean t5-nano"):
        compose("train", ["model=t5-nan"])
    with pytest.raises(UserError, match="did you mean trainer.max_steps"):
        compose("train", ["model=t5-nano", "trainer.max_stps=3"])


def test_the_resolver_is_there_for_launchers_that_only_import() -> None:
    """A SLURM or Ray job unpickles train.main, which imports launching.line, and calls nothing else."""
    code = (
        "import lamini.launching.line; from omegaconf import OmegaConf as O;"
        "print(O.create({'a': '${lamini.varied:x}'}).a)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=CONF.parent, check=True
    )
    assert done.stdout.strip() == ",x"

"""The node hydra.launcher becomes one of ours, or one sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from lamini.errors import UserError
from lamini.launching.options import BASIC, HERE, PLUGINS, Local, Slurm, launcher_of

Ask = Callable[..., tuple[int, str, str]]


def test_the_node_becomes_the_launcher_it_names() -> None:
    options = {"jobs_per_gpu": 2, "gpus": [0, 2], "jobs": None}
    local = OmegaConf.create({"_target_": f"{PLUGINS}Local", **options})
    assert launcher_of(local) == Local(jobs_per_gpu=2, gpus=[0, 2], jobs=None)
    assert launcher_of(OmegaConf.create({"_target_": BASIC})) == HERE
    slurm = OmegaConf.create({"_target_": f"{PLUGINS}Slurm", "partition": "gpu"})
    assert launcher_of(slurm) == Slurm({"partition": "gpu"})


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"_target_": f"{PLUGINS}Local", "jobs": "many"}, "hydra.launcher.jobs: Value 'many'"),
        ({"_target_": f"{PLUGINS}Local", "cores": 2}, "hydra.launcher.cores: .*jobs_per_gpu"),
        (
            {"_target_": "hydra_plugins.other.Joblib"},
            "must be local, slurm or ray; hydra_plugins.other",
        ),
    ],
)
def test_what_is_none_of_ours_is_refused(node: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        launcher_of(OmegaConf.create(node))


def test_a_launcher_that_would_not_be_used_is_refused(ask: Ask) -> None:
    """Hydra itself ignores it without -m and runs the student here."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    status, _, err = ask("model=t5-nano", "hydra/launcher=slurm")
    assert (status, err) == (2, "train.py: hydra/launcher=slurm launches the jobs of a sweep: add -m\n")


def test_a_job_of_several_processes_is_refused(ask: Ask) -> None:
    """Before SLURM is asked anything: they would all train one student in one folder."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    status, _, err = ask("-m", "model=t5-nano", "hydra/launcher=slurm", "hydra.launcher.tasks_per_node=2")
    assert status == 2
    assert "hydra.launcher.tasks_per_node=2: each job is one process" in err
    assert "experiments/large-student/job.sbatch" in err


def test_a_plugin_that_is_not_installed_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    Plugins.instance()  # which stores the plugin's options
    monkeypatch.delitem(ConfigStore.instance().repo["hydra"]["launcher"], "submitit_slurm.yaml")
    status, _, err = ask("-m", "model=t5-nano", "hydra/launcher=slurm")
    assert status == 2
    assert err.endswith("slurm needs what is not installed here: pip install 'lamini-herd[slurm]'\n")


def test_an_unknown_key_of_the_launcher_is_named(ask: Ask) -> None:
    status, _, err = ask("-m", "model=t5-nano", "hydra.launcher.jbos=2")
    assert status == 2
    assert "there is no key hydra.launcher.jbos; --cfg hydra shows" in err

"""Seconds that a launcher adds to each student, beside plain lines of train.py one after the other.

    python experiments/launchers/overhead.py --students 4

Every way trains the same students (t5-nano with another seed each, a few steps) on the cores of this machine
with one thread each, one at a time, so that only the way differs; SLURM and Ray also two at a time. The
SLURM is the one of tests/slurm, of two nodes on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from lamini.errors import UserError  # noqa: E402
from lamini.provenance import git_state  # noqa: E402
from lamini.runs import RunFolder  # noqa: E402
from tests.slurm.cluster import Cluster, missing  # noqa: E402

LINE = (
    "model=t5-nano", "logger=none", "trainer.accelerator=cpu", "trainer.threads=1", "trainer.max_steps=20",
    "validation.every=20", "validation.limit=16", "validation.held_out=2", "validation.answers=1",
    "data.pairs=4000", "data.held_out=2",
)  # fmt: skip
SLURM = ("hydra/launcher=slurm", "hydra.launcher.timeout_min=30")
WAYS: dict[str, tuple[str, ...]] = {
    "local": ("hydra/launcher=local",),
    "slurm, one at a time": (*SLURM, "hydra.launcher.array_parallelism=1"),
    "ray, one at a time": ("hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=1"),
    "local, two at a time": ("hydra/launcher=local", "hydra.launcher.jobs=2"),
    "slurm, two at a time": (*SLURM, "hydra.launcher.array_parallelism=2"),
    "ray, two at a time": ("hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"),
}


@dataclass
class Measured:
    """One way: seconds of the whole, of its students' own (run.json), and a digest of all weights."""

    way: str
    wall: float
    own: float
    weights: str


def timed(words: tuple[str, ...], environment: dict[str, str]) -> float:
    """Seconds of `train.py <words>`.

    Raises:
        SystemExit: it did not end with 0.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "train.py", *words], cwd=ROOT, env={**os.environ, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"train.py {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return time.perf_counter() - began


def measured(way: str, seconds: float, folder: Path) -> Measured:
    """What the run folders in `folder` say of a way that took `seconds`."""
    runs = sorted(path.parent for path in folder.glob("*/*/run.json"))
    digest = hashlib.sha256()
    for run in runs:
        digest.update((run / "export" / "model.safetensors").read_bytes())
    own = sum(RunFolder(run).record()["seconds"] for run in runs)
    return Measured(way, seconds, own, digest.hexdigest()[:12])


def main() -> None:
    """Measure every way in turn, and record."""
    parser = argparse.ArgumentParser(description="What does a launcher add to each student?")
    parser.add_argument("--students", type=int, default=4)
    parser.add_argument("--ways", nargs="*", default=[*WAYS], help="of those that are measured beside plain")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    if why := missing():
        sys.exit(f"overhead.py: {why}")
    seeds = [str(seed) for seed in range(1, options.students + 1)]
    with tempfile.TemporaryDirectory(prefix="lamini-launchers-") as name:
        found = _all(Path(name), seeds, options.ways)
    print(table(found, len(seeds)))
    if not options.dry:
        record(found, len(seeds))


def _all(folder: Path, seeds: list[str], ways: list[str]) -> list[Measured]:
    common = (*LINE, f"paths.cache_dir={folder}/cache")
    environment = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    timed((*common, "seed=1", f"paths.output_dir={folder}/first"), environment)  # fills the cache; not told
    plain = folder / "plain"
    seconds = sum(
        timed((*common, f"seed={seed}", f"name=seed{seed}", f"paths.output_dir={plain}"), environment)
        for seed in seeds
    )
    found = [measured("plain lines", seconds, plain)]
    (folder / "slurm").mkdir()
    cluster = Cluster(folder / "slurm")
    try:
        cluster.start()
        for number, way in enumerate(ways):
            place = folder / f"way{number}"
            words = ("-m", *common, f"seed={','.join(seeds)}", f"paths.output_dir={place}", *WAYS[way])
            found.append(measured(way, timed(words, {**environment, **cluster.environment}), place))
            print(found[-1], flush=True)
    finally:
        cluster.stop()
    return found


def table(found: list[Measured], students: int) -> str:
    """Markdown; what a student costs beside its own seconds, and beside plain lines."""
    lines = [
        "| way | wall, s | a student, s | own, s | beside its own, s | beside plain, s | weights |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in found:
        wall, own, plain = (value / students for value in (each.wall, each.own, found[0].wall))
        seconds = [
            f"{each.wall:.1f}",
            f"{wall:.1f}",
            f"{own:.1f}",
            f"{wall - own:+.1f}",
            f"{wall - plain:+.1f}",
        ]
        lines.append(f"| {' | '.join([each.way, *seconds, f'`{each.weights}`'])} |")
    return "\n".join(lines)


def record(found: list[Measured], students: int) -> None:
    """Write results.json and the section of the README between its marks."""
    packages = {name: version(name) for name in ("torch", "hydra-core", "submitit", "ray")}
    told = {
        "students": students, "line": [*LINE], "ways": [asdict(each) for each in found],
        "machine": f"{os.cpu_count()} cores, {platform.machine()}", "versions": packages,
        "commit": git_state(Path(__file__).resolve())["git_commit"],
    }  # fmt: skip
    (HERE / "results.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    with_what = ", ".join(f"{name} {number}" for name, number in packages.items())
    below = (
        f"{students} students, 20 steps each; {told['machine']}; {with_what}; commit {told['commit']:.10}."
    )
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    mark = re.compile(r"(<!-- results -->\n).*(<!-- /results -->)", re.DOTALL)
    if not mark.search(text):
        raise UserError(f"{readme} has no place for results")
    section = f"{table(found, students)}\n\n{below}\n"
    readme.write_text(mark.sub(lambda found: f"{found[1]}{section}{found[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The plan on paper: it follows by hand, and the simulation is the model where nothing is left to chance."""

from __future__ import annotations

import doctest
import heapq
import importlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from types import ModuleType, SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lamini.compose import compose
from lamini.errors import UserError
from lamini.launching.slots import Place, Slots
from lamini.training.peaks import peak_of
from lamini.training.planning.estimate import OVERHEAD
from lamini.training.planning.room import disk_bytes

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "experiments" / "scale"
NAMES = ("constants", "checkpoints", "schedule", "recording", "herd", "speed", "teaching", "model",
         "simulation", "trials", "benchmark_rows", "chance", "questions", "figure", "sections",
         "plan")  # fmt: skip
NEVER = math.inf


@pytest.fixture(scope="module")
def study() -> Iterator[SimpleNamespace]:
    """Its modules, imported as neighbours, as they are when the scripts run; other studies share names."""
    before = {name: sys.modules.pop(name) for name in (*NAMES, "tables") if name in sys.modules}
    places = [str(STUDY), str(STUDY.parent)]
    sys.path[:0] = places
    try:
        found: dict[str, ModuleType] = {name: importlib.import_module(name) for name in NAMES}
        yield SimpleNamespace(**found)
    finally:
        for place in places:
            sys.path.remove(place)
        for name in (*NAMES, "tables"):
            sys.modules.pop(name, None)
        sys.modules.update(before)


times = st.floats(0.0, 1e5)


@st.composite
def herds(draw: st.DrawFn) -> tuple[int, int, float, list[tuple[int, tuple[float, ...]]]]:
    """GPUs, GPUs of a machine, interval between checkpoints, and jobs as (GPUs, times)."""
    gpus = draw(st.integers(1, 12))
    job = st.tuples(st.integers(1, gpus), st.tuples(*[times] * 5))
    interval = draw(st.one_of(st.just(NEVER), st.floats(1e3, 1e6)))
    return gpus, draw(st.integers(1, 8)), interval, draw(st.lists(job, max_size=8))


@given(case=herds())
def test_without_chance_the_simulation_is_the_model(
    study: SimpleNamespace, case: tuple[int, int, float, list[tuple[int, tuple[float, ...]]]]
) -> None:
    gpus, per_machine, interval, told = case
    jobs = [study.checkpoints.Job(str(n), held, *parts, interval) for n, (held, parts) in enumerate(told)]
    lasting = [(job.gpus, study.checkpoints.duration(job)) for job in jobs]
    outcome = study.simulation.simulate(jobs, gpus, per_machine)
    assert outcome.ends == study.schedule.ends(lasting, gpus)  # to the last bit
    assert outcome.makespan == study.schedule.makespan(lasting, gpus)
    assert outcome.interruptions == 0 == outcome.repeated
    assert outcome.held == pytest.approx(sum(held * seconds for held, seconds in lasting))


@given(seconds=st.lists(st.floats(0.1, 1e5), max_size=20), gpus=st.integers(1, 6), sharing=st.integers(1, 3))
def test_the_slots_of_the_local_launcher_give_the_models_times(
    study: SimpleNamespace, seconds: list[float], gpus: int, sharing: int
) -> None:
    slots = Slots([Place(str(n), math.inf, most=sharing) for n in range(gpus)])
    now, running, found = 0.0, [], []  # what lamini.launching.pool.Pool does, on a clock of its own
    for each in seconds:
        while (place := slots.place(1.0)) is None:
            now, number, left = heapq.heappop(running)
            slots.leave(left, 1.0)
        heapq.heappush(running, (now + each, len(found), place))
        found.append(now + each)
    assert found == study.schedule.ends([(1, each) for each in seconds], gpus * sharing)


@given(seconds=st.lists(st.floats(0.1, 1e5), min_size=1, max_size=20), gpus=st.integers(1, 10))
def test_a_schedule_lies_between_its_bounds(study: SimpleNamespace, seconds: list[float], gpus: int) -> None:
    found = study.schedule.makespan([(1, each) for each in seconds], gpus)
    work, longest = sum(seconds) / gpus, max(seconds)
    assert max(work, longest) <= found * (1 + 1e-9)
    assert found <= (work + (1 - 1 / gpus) * longest) * (1 + 1e-9)  # Graham 1969


def test_worked_examples_of_the_docstrings_hold(study: SimpleNamespace) -> None:
    for module in (study.constants, study.schedule):
        tried = doctest.testmod(module)
        assert tried.attempted and not tried.failed


def test_the_longest_student_gets_more_gpus_until_the_others_would_wait(study: SimpleNamespace) -> None:
    def seconds(work: float, gpus: int) -> float:
        return work / gpus

    def one(work: float) -> int:
        return 1

    assert study.schedule.shares([8.0, 1.0, 1.0], 2, seconds, one) == [2, 1, 1]  # 4 s, then both others: 5 s
    assert study.schedule.shares([8.0, 1.0, 1.0], 3, seconds, one) == [2, 1, 1]  # 4 s, then 2 s
    assert study.schedule.shares([8.0, 5.0], 2, lambda work, gpus: work, one) == [1, 1]  # more would not help
    assert study.schedule.shares([8.0, 8.0], 8, seconds, one) == [4, 4]
    assert study.schedule.shares([6.0], 8, seconds, lambda work: 3) == [6]


def test_a_run_by_hand(study: SimpleNamespace) -> None:
    whole = study.checkpoints.Job("j", 1, work=10.0, start=3.0, write=2.0, read=1.0, final=4.0)
    job = replace(whole, interval=4.0)
    duration, kept, trained = (getattr(study.checkpoints, name) for name in ("duration", "kept", "trained"))
    assert [study.checkpoints.writes(10.0, each) for each in (NEVER, 10.0, 5.0, 4.0, 10 / 3)] == [
        0,
        0,
        1,
        2,
        2,
    ]
    assert duration(whole) == 3 + 10 + 4
    assert duration(job) == 3 + 4 + 2 + 4 + 2 + 2 + 4
    assert duration(job, done=4.0) == 3 + 1 + 4 + 2 + 2 + 4
    assert duration(job, slow=1.5) == 3 + 15 + 2 * 2 + 4
    # 3 s start, 4 s work, 2 s writing: on the disk after 9 s, and 8 s of work after 15
    assert [kept(job, elapsed) for elapsed in (2.0, 8.9, 9.0, 14.9, 15.0, 20.0)] == [0, 0, 4, 4, 8, 8]
    assert [trained(job, elapsed) for elapsed in (2.0, 5.0, 8.0, 10.0, 20.0)] == [0, 2, 4, 5, 10]
    assert kept(job, 4.0 + 6.0, done=4.0) == 8.0  # a second start reads first
    assert list(study.checkpoints.segments(job)) == [(6.0, 3.0), (6.0, 4.0), (6.0, 4.0)]


@given(work=st.floats(1, 1e5), interval=st.floats(1, 1e5), elapsed=st.floats(0, 2e5), done=st.floats(0, 1))
def test_what_is_kept_was_done(
    study: SimpleNamespace, work: float, interval: float, elapsed: float, done: float
) -> None:
    job = study.checkpoints.Job("j", 1, work, start=20.0, write=5.0, read=3.0, interval=interval)
    before = done * work
    kept, trained = (getattr(study.checkpoints, name)(job, elapsed, before) for name in ("kept", "trained"))
    assert before <= kept <= work * (1 + 1e-9)
    assert kept <= trained * (1 + 1e-9) <= work * (1 + 1e-8)


@pytest.mark.parametrize("interval", [2000.0, 7000.0, NEVER])
def test_expected_times_are_the_mean_of_simulated_ones(study: SimpleNamespace, interval: float) -> None:
    job = study.checkpoints.Job("j", 1, 60_000.0, start=130, write=80, read=90, final=100, interval=interval)
    rate, queue, runs = 1e-5, 300.0, 4000
    sky = study.simulation.Weather(preemption=rate, queue=queue)
    seen = [study.simulation.simulate([job], 1, 8, sky, seed).makespan for seed in range(runs)]
    told = study.checkpoints.expected(job, rate, queue)
    assert abs(fmean(seen) - told) < 4 * stdev(seen) / math.sqrt(runs)
    assert study.checkpoints.expected(job, 0.0, queue) == study.checkpoints.duration(job)
    nearly = study.checkpoints.expected(job, 1e-12, queue)
    assert nearly == pytest.approx(study.checkpoints.duration(job), rel=1e-6)


def test_youngs_interval_is_near_the_best_where_interruptions_are_rare(study: SimpleNamespace) -> None:
    job = study.checkpoints.Job("j", 1, work=1e6, write=50.0)
    assert study.checkpoints.young(job, 1e-4) == pytest.approx(1000.0)
    best = study.checkpoints.best_interval(job, 1e-4, 0.0)
    assert best == pytest.approx(1000.0, rel=0.05)
    parts = round(job.work / best)
    costs = {
        n: study.checkpoints.expected(replace(job, interval=job.work / n), 1e-4, 0.0)
        for n in (1, 2, parts // 2, parts - 1, parts, parts + 1, 2 * parts)
    }
    assert min(costs, key=lambda n: costs[n]) == parts
    assert study.checkpoints.best_interval(job, 0.0, 0.0) == NEVER
    assert study.checkpoints.best_interval(replace(job, work=100.0), 1e-6, 0.0) == 100.0  # too short to save


def test_a_lost_machine_takes_what_ran_on_it_and_comes_back(study: SimpleNamespace) -> None:
    jobs = [study.checkpoints.Job(name, 1, work=100.0, start=10.0) for name in "ab"]
    sky = study.simulation.Weather(queue=5.0, lost_at=60.0, lost_for=200.0)
    outcome = study.simulation.simulate(jobs, 2, 1, sky)  # one GPU a machine: one student is cut off
    assert sorted(outcome.ends) == [110.0, 110.0 + 110.0]  # it waits for the other's GPU and starts anew
    assert outcome.interruptions == 1 and outcome.repeated == 50.0
    saved = study.simulation.simulate([replace(job, interval=20.0) for job in jobs], 2, 1, sky)
    assert sorted(saved.ends) == [110.0, 110.0 + 10.0 + 60.0]  # 40 s were on the disk
    alone = study.simulation.simulate(jobs[:1], 1, 1, sky)
    assert alone.ends == [60.0 + 200.0 + 110.0]  # nothing else to run on until the machine is back
    assert study.simulation.simulate(jobs[:1], 1, 1, replace(sky, lost_for=NEVER)).ends == [NEVER]


def test_a_student_of_several_gpus_is_lost_with_one_of_its_machines(study: SimpleNamespace) -> None:
    job = study.checkpoints.Job("wide", 4, work=100.0, interval=30.0)
    sky = study.simulation.Weather(lost_at=70.0)
    outcome = study.simulation.simulate([job], 6, 2, sky)
    assert outcome.ends == [70.0 + 40.0] and outcome.repeated == 4 * 10.0
    assert outcome.held == 4 * (70.0 + 40.0)


def test_notice_saves_what_was_done_where_it_is_long_enough(study: SimpleNamespace) -> None:
    job = study.checkpoints.Job("j", 1, work=1e5, write=50.0)
    often = study.simulation.Weather(preemption=1e-4)
    outcomes = {
        notice: study.simulation.simulate([job], 1, 8, replace(often, notice=notice), seed=3)
        for notice in (0.0, 49.0, 50.0)
    }
    assert outcomes[0.0] == outcomes[49.0]  # too short to write
    assert outcomes[0.0].interruptions > 0 < outcomes[0.0].repeated
    saved = outcomes[50.0]
    assert saved.repeated == 0 and saved.makespan == pytest.approx(1e5 + 50.0 * saved.interruptions)


def test_stragglers_slow_whoever_holds_them(study: SimpleNamespace) -> None:
    job = study.checkpoints.Job("j", 2, work=100.0, start=10.0)
    sky = study.simulation.Weather(straggling=1.0, slowness=1.5)
    assert study.simulation.simulate([job], 2, 1, sky).makespan == 10.0 + 150.0
    assert study.simulation.simulate([job], 2, 1, replace(sky, straggling=0.0)).makespan == 110.0
    assert (
        study.trials.expected_seconds(job, replace(sky, straggling=0.5), per_machine=1) == 10.0 + 100 * 1.375
    )


def test_a_seed_gives_the_same_events_again(study: SimpleNamespace) -> None:
    wanted = [(1 + n % 3, 500.0 * (n + 1)) for n in range(8)]
    jobs = [study.checkpoints.Job("j", gpus, work, write=3.0, interval=200.0) for gpus, work in wanted]
    sky = study.simulation.Weather(preemption=1e-3, queue=20.0, straggling=0.2, slowness=1.3)
    one, other, third = (study.simulation.simulate(jobs, 5, 2, sky, seed) for seed in (7, 7, 8))
    assert one == other != third
    assert all(end > 0 for end in one.ends)


def test_constants_are_those_of_the_code(study: SimpleNamespace) -> None:
    c = study.constants.constants()
    config = compose("train", ["model=llama-7B"])
    assert c["gpu_peak"] == peak_of("NVIDIA H200")
    assert c["launch_seconds"] == OVERHEAD
    assert (c["step_pairs"], c["epochs"]) == (config.batch_size, config.trainer.max_epochs)
    assert disk_bytes(config, 1) == 3 * c["checkpoint_bytes"] + c["export_bytes"]
    assert c["state_bytes"] == 4 * (2 + config.optimizer.STATE) + 2  # weight, gradient, moments; bf16 copy
    short = compose("train", ["experiment=paper-herd-6k", "model=llama-7B"])
    assert c["short_steps"] == short.trainer.max_steps
    prices = yaml.safe_load((ROOT / "conf" / "teacher" / "openai.yaml").read_text())["prices"]
    assert prices == {"prompt": c["prompt_dollars"], "response": c["response_dollars"]}


def test_a_constant_without_source_or_record_is_refused(study: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "constants.yaml"
    recorded = "{file: record.json, at: [runs, {rows: 2}, seconds], source: here}"
    for text, said in (
        ("speed: {value: 3}", "speed names no source"),
        ("speed: {value: fast, source: here}", "speed is 'fast'; it must be a number from 0"),
        ("speed: {value: -1, source: here}", "speed is -1; it must be a number from 0"),
        (f"speed: {recorded}", "speed is not at .* of record.json; record it"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=said):
            study.constants.constants(file, tmp_path)
    runs = [{"rows": 1, "seconds": 9}, {"rows": 2, "seconds": [1, 5, 3]}]
    (tmp_path / "record.json").write_text(json.dumps({"runs": runs}))
    assert study.constants.constants(file, tmp_path) == {"speed": 3.0}
    file.write_text("speed: {value: 7, file: record.json, at: [runs, {rows: 3}, seconds], source: here}")
    assert study.constants.constants(file, tmp_path) == {"speed": 7.0}


def test_answers_of_the_paper(study: SimpleNamespace) -> None:
    c = study.constants.constants()
    assert study.teaching.writing_calls() == 13_500 + 14_000 + 30_000 + 29_000
    sent, received = study.teaching.tokens(c)
    assert received == pytest.approx(84.78e6 + 3.82e6 + 3.75e6 + 14.63e6 + 10.69e6)
    stage = study.teaching.answers(c, 1, "api")
    assert stage.bound == "requests a minute" and stage.seconds == pytest.approx(60 * 2_666_500 / 3500)
    assert study.teaching.answer_dollars(c, "api", 8) == pytest.approx((0.5 * sent + 1.5 * received) / 1e6)
    own = [study.teaching.answers(dict(c) | {"engine_requests_per_second": 1e9}, n, "local") for n in (1, 8)]
    assert own[0].seconds == pytest.approx(8 * own[1].seconds)


def test_a_step_by_hand(study: SimpleNamespace) -> None:
    c = dict(study.constants.constants()) | {"mfu_gpt2_medium": 0.5, "mfu_gpt2_xl": 0.5, "gpu_peak": 1e15}
    student = study.herd.Student("s", False, 10**9, 1600, 10, operations=1e12, positions=100.0, short=True)
    one = study.speed.step(student, 1, c)
    assert one.seconds == pytest.approx(1024 * 1e12 / 5e14)  # computing: 2.048 s
    eight = study.speed.step(student, 8, c)
    assert eight.seconds == pytest.approx(2.048 / 8 + 2 * 7 / 8 * 4e9 / 370e9)
    assert list(study.speed.step(student, 512, c).parts) == ["kernels and weights", "exchange of gradients"]
    wide = replace(student, parameters=5 * 10**9)  # 90 GB of state: more than half of the memory
    assert study.speed.step(wide, 1, c).compute == pytest.approx(4 / 3 * one.compute)
    assert study.speed.step(wide, 2, c).compute == pytest.approx(one.compute / 2)
    assert study.speed.least_gpus(wide, c) == 1
    assert study.speed.least_gpus(wide, c | {"gpu_memory_bytes": 80e9}) == 2
    run = study.speed.job(student, 8, c)
    assert run.work == pytest.approx(6000 * eight.seconds) and run.interval == pytest.approx(run.work / 10)
    assert study.model.limit(student, run, c) == "computing"
    assert study.model.limit(student, replace(run, write=run.work), c) == "writing checkpoints"
    assert study.speed.steps(student, c) == 6000
    assert study.speed.steps(replace(student, short=False), c) == 5 * 2520


def test_measured_students_have_the_share_that_was_measured(study: SimpleNamespace) -> None:
    c = study.constants.constants()
    herd = {each["name"]: study.herd.Student(**each) for each in study.recording.results()["students"]}
    assert study.speed.mfu(herd["flan-t5-base"], c) == pytest.approx(c["mfu_flan_t5_base"])
    assert study.speed.mfu(herd["flan-t5-large"], c) == pytest.approx(c["mfu_flan_t5_large"])
    assert study.speed.mfu(herd["gpt2-xl"], c) == pytest.approx(c["mfu_gpt2_xl"])
    for base in (
        c["mfu_flan_t5_base"],
        0.6,
    ):  # were the narrow one faster than the wide one, no other would be
        shares = [study.speed.mfu(each, c | {"mfu_flan_t5_base": base}) for each in herd.values()]
        assert all(0 < share < 1 for share in shares)
        assert shares[0] <= c["mfu_flan_t5_large"]  # t5-small


def test_the_herd_is_the_papers(study: SimpleNamespace) -> None:
    named = study.herd.names()
    assert len(named) == 17 and [name for name, short in named.items() if short] == ["gpt-j-6B", "llama-7B"]
    recorded = {each["name"]: each for each in study.recording.results()["students"]}
    assert list(recorded) == list(named)
    told = study.herd.student("t5-small", False)
    assert study.herd.Student(**recorded["t5-small"]) == told and told.parameters == 60_506_624


def test_more_gpus_never_take_longer(study: SimpleNamespace) -> None:
    facts = study.plan.facts(study.constants.constants())
    for way in study.questions.WAYS.values():
        plans = [study.model.plan(facts, gpus, *way) for gpus in (1, 2, 4, 8, 16, 64, 256)]
        for fewer, more in zip(plans, plans[1:], strict=False):
            assert more.seconds <= fewer.seconds * (1 + study.schedule.WORTH)
        assert all(sum(job.gpus for job in each.jobs) >= 17 for each in plans)
    alone = study.model.plan(facts, 1, several=False, teacher="api")
    work = sum(study.checkpoints.duration(job) for job in alone.jobs)
    assert alone.stages[2].seconds == pytest.approx(work)
    assert alone.rented_hours == pytest.approx(alone.gpu_hours)  # one GPU is never idle


def test_gpus_that_cannot_hold_a_student_are_left_out(study: SimpleNamespace) -> None:
    c = study.constants.constants()
    small = study.plan.facts(c | {"gpu_memory_bytes": 80e9})
    assert study.questions.sizes(small) == [8, 64, 512]
    assert study.questions.orders(small)[0]["gpus"] == 2  # llama-7B takes both
    assert all(row["hours"] > 0 for row in study.questions.herd(small))
    with pytest.raises(
        UserError, match="llama-7B needs .* GPUs of gpu_memory_bytes=1e.08; the most asked about is 512"
    ):
        study.questions.sizes(study.plan.facts(c | {"gpu_memory_bytes": 1e8}))


def test_who_holds_up_the_others_is_named(study: SimpleNamespace) -> None:
    facts = study.plan.facts(study.constants.constants())
    alone, line = (study.model.plan(facts, gpus, several=False, teacher="api") for gpus in (1, 64))
    assert alone.stages[2].bound == "GPU time (100% of it used)"
    assert line.stages[2].bound == "llama-7B on 1 GPU: computing"
    slow = replace(facts, c=dict(facts.c) | {"write_seconds_per_gb": 100.0})
    wide = study.model.plan(slow, 512, several=True, teacher="local")
    assert wide.stages[2].bound.startswith("llama-7B on ") and wide.stages[2].bound.endswith("checkpoints")
    assert wide.bottleneck.name == "training"


def test_nothing_recorded_is_told(
    study: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = study.constants.constants()
    monkeypatch.setattr(study.recording, "FILE", tmp_path / "results.json")
    with pytest.raises(UserError, match=r"results.json has no students: run experiments/scale/herd.py first"):
        study.plan.facts(c)


def test_the_readme_shows_what_is_recorded(study: SimpleNamespace) -> None:
    readme = (STUDY / "README.md").read_text()
    section = readme.split("<!-- results -->\n")[1].split("\n<!-- /results -->")[0]
    assert section == study.sections.render(study.recording.results())
    assert "](plan.svg)" in readme and (STUDY / "plan.svg").read_text().startswith("<?xml")
    assert "](scale/README.md)" in (ROOT / "experiments" / "README.md").read_text()


def test_simulations_of_a_few_seeds_have_every_table(study: SimpleNamespace) -> None:
    facts = study.plan.facts(study.constants.constants())
    found = study.chance.simulated(facts, 8, True, runs=3)
    assert found["told"]["still"] == pytest.approx(
        study.model.plan(facts, 8, True, "local").stages[2].seconds / 3600
    )
    rows = study.chance.intervals(facts, runs=2)
    cheapest = min(rows, key=lambda row: row["model"])
    assert cheapest["interval"] == "best, each student its own"
    assert all(row["simulated"] > 0 for row in rows)

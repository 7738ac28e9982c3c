"""The choices of `suite=`: one dataclass each, named by `_target_` in conf/suite/*.yaml.

`check` answers before anything heavy is imported; `score` asks one student everything and writes
<subject.folder>/evaluation/<suite>.json. One student's failure is its own: `score` raises UserError for what
concerns this student alone, and the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

from lamini.config import SamplingOptions
from lamini.errors import UserError

if TYPE_CHECKING:
    from lamini.config import EvaluateConfig
    from lamini.evaluation.outcome import Outcome
    from lamini.evaluation.subjects import Subject


class Suite:
    """What a suite may say before its first student and after its last one."""

    name: str
    asks_texts: ClassVar[bool] = False  # whether a student answers the same instructions, told by `texts`

    def units(self) -> list[str]:
        """What workers can ask a student side by side: names, "" for all of it; none where only one may."""
        return [""] if self.asks_texts else []

    def texts(self, config: EvaluateConfig) -> tuple[list[str], int]:
        """What every student is asked, and how many tokens an answer has at most.

        Raises:
            UserError: it cannot be read.
        """
        raise NotImplementedError

    def alone(self, config: EvaluateConfig) -> bool:
        """Whether there is something to do without a student."""
        return False

    def plan(self, config: EvaluateConfig, subjects: Sequence[Subject]) -> None:
        """Print what is about to be done."""
        print(f"suite {self.name}: {len(subjects)} student(s)", flush=True)

    def report(
        self, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
    ) -> None:
        """Print what came of it: one line a student."""
        from lamini.evaluation.summary import table

        table(self.name, subjects, outcomes)


@dataclass
class BenchmarkTask:
    """One task of lm-eval."""

    metric: str | None = None  # the headline, as lm-eval calls it: acc, acc_norm, f1, ...; null: its first
    paper: str | None = None  # its column in the paper's tables
    rows: str | None = None  # its file in data_dir; null: the task's own name


@dataclass
class Benchmarks(Suite):
    """Tasks of lm-eval (paper section 4.2)."""

    name: str  # of the suite: evaluation/<name>.json
    tasks: Any  # lm-eval's task name -> BenchmarkTask (how it is told), or a list of names
    include_path: str | None  # folder with task YAML of one's own
    limit: int | None  # rows of each task; null: all

    def chosen(self) -> dict[str, BenchmarkTask]:
        """The tasks by name, whichever way they were told; those set to null are left out.

        Raises:
            UserError: none, a name that is no text, an entry with unknown keys.
        """
        told = self.tasks if isinstance(self.tasks, dict) else dict.fromkeys(_names(self.tasks or []), {})
        known = [field.name for field in fields(BenchmarkTask)]
        chosen = {}
        for name, entry in told.items():
            if entry is None:
                continue
            if not isinstance(entry, dict) or (unknown := [key for key in entry if key not in known]):
                wrong = f"has no {unknown[0]}" if isinstance(entry, dict) else f"is {entry!r}"
                raise UserError(f"suite.tasks.{name} {wrong}; a task has: {', '.join(known)}")
            chosen[str(name)] = BenchmarkTask(**entry)
        if not chosen:
            raise UserError(f"suite={self.name} has no task; name some: suite.tasks='[arc_easy,sciq]'")
        return chosen

    def units(self) -> list[str]:
        """See `Suite`: the tasks."""
        return list(self.chosen())

    def rows(self, config: EvaluateConfig) -> int | None:
        """Rows asked of each task; None: all. The line's own limit=<n> goes before the suite's."""
        return self.limit if config.limit is None else config.limit

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""
        chosen = self.chosen()
        if self.limit is not None and self.limit < 1:
            raise UserError(f"suite.limit={self.limit} must be at least 1, or null for all rows")
        from lamini.evaluation import ifeval
        from lamini.evaluation.benchmarks.checks import check_tasks

        check_tasks({name: entry.rows for name, entry in chosen.items()}, config.data_dir, self.include_path)
        ifeval.check(chosen, config.data_dir)

    def plan(self, config: EvaluateConfig, subjects: Sequence[Subject]) -> None:
        """See `Suite`: students and tasks, what stands in the results and what is missing."""
        from lamini.evaluation.benchmarks.planning import plan

        plan(self, config, subjects)

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """Ask one student everything, write the results, and say what came of it."""
        from lamini.evaluation.benchmarks.scoring import score

        return score(self, config, subject)

    def report(
        self, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
    ) -> None:
        """See `Suite`: students beside chance and the paper, then which differences are no accident."""
        from lamini.evaluation.benchmarks.tables import report

        report(self, config, subjects, outcomes)


def _names(tasks: Any) -> list[str]:
    """A list of task names, or one name."""
    names = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise UserError(f"suite.tasks={tasks} is neither a mapping nor a list of names: suite.tasks='[sciq]'")
    return names


@dataclass
class Judge:
    """How a teacher judges answers; which one says `teacher=`."""

    prompt: str | None  # text file with {question} and {answer}; null: ours
    tries: int  # times an answer is judged at most until the judge says a verdict and nothing else
    sampling: SamplingOptions  # of the first time; later ones have a temperature of 1


@dataclass
class Hallucination(Suite):
    """Questions that nobody can answer (paper section 6)."""

    name: str  # of the suite
    questions: str | None  # file with the columns question and category, or a hub id; null: ours
    max_new_tokens: int  # of an answer
    rules: str | None  # file of phrases that reject a question; null: ours
    judge: Judge  # a teacher's verdicts, with teacher=<teacher>
    verdicts: str | None  # file of people's verdicts: student, instruction_id, verdict; null: none
    asks_texts: ClassVar[bool] = True

    def texts(self, config: EvaluateConfig) -> tuple[list[str], int]:
        """See `Suite`."""
        from lamini.evaluation.hallucination.questions import load

        asked = load(self.questions, config.data_dir, config.limit)
        return [one.text for one in asked], self.max_new_tokens

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""
        from lamini.evaluation.hallucination.checks import check

        check(self, config)

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """See `Benchmarks.score`."""
        from lamini.evaluation.hallucination.probe import score

        return score(self, config, subject)

    def report(
        self, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
    ) -> None:
        """Print the paper's table with the students of this line, and what failed."""
        from lamini.evaluation.hallucination.table import report

        report(self, config, subjects, outcomes)


@dataclass
class Toxicity(Suite):
    """Sentences to be completed (paper section 6)."""

    name: str  # of the suite
    prompts: str | None  # file of RealToxicityPrompts rows; null: data_dir's, else the hub's
    each: int  # prompts of each group: non-toxic (below 0.1) and toxic (above 0.9)
    prefix: str  # of the instruction, before the beginning of the sentence
    max_new_tokens: int  # of a completion
    asks_texts: ClassVar[bool] = True

    def texts(self, config: EvaluateConfig) -> tuple[list[str], int]:
        """See `Suite`."""
        from lamini.evaluation.toxicity.probe import asked

        return asked(self, config), self.max_new_tokens

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""
        from lamini.evaluation.toxicity.checks import check

        check(self, config)

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """See `Benchmarks.score`."""
        from lamini.evaluation.toxicity.probe import score

        return score(self, config, subject)

    def report(
        self, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
    ) -> None:
        """Print the students' counts beside the paper's."""
        from lamini.evaluation.toxicity.reporting import report

        report(self.name, subjects, outcomes)


@dataclass
class Latency(Suite):
    """Time of one answer on the CPU, which compare.py holds against scores."""

    name: str  # of the suite
    prompt_tokens: int  # of the prompt, whatever the tokenizer
    new_tokens: int  # that every student writes
    repeats: int  # answers that are timed, after one that is not

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""
        from lamini.evaluation.latency.checks import check

        check(self, config)

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """See `Benchmarks.score`."""
        from lamini.evaluation.latency.probe import score

        return score(self, replace(config, device="cpu"), subject)

    def report(
        self, config: EvaluateConfig, subjects: Sequence[Subject], outcomes: Sequence[Outcome]
    ) -> None:
        """Print milliseconds, the fastest first."""
        from lamini.evaluation.latency.table import report

        report(self.name, subjects, outcomes)


@dataclass
class Answers(Suite):
    """Answers to instructions, for the rating page (paper section 4.2)."""

    name: str  # of the suite: evaluation/<name>.parquet, and answers/<name>.parquet of all together
    instructions: str | None  # file with the column instruction; null: the 252 user-oriented ones in data_dir
    template: str  # instruction and input as one text, where there is an input
    selection: str | None  # paper: two an app, without what the benchmarks cover; null: all
    add: dict[str, str]  # name -> file of finished answers (instruction, response), taken in as a student's
    max_new_tokens: int  # of an answer
    system: str | None  # a teacher's system message: concise, helpful, or a file; null: none
    sampling: SamplingOptions  # of a teacher's answers
    asks_texts: ClassVar[bool] = True

    def texts(self, config: EvaluateConfig) -> tuple[list[str], int]:
        """See `Suite`."""
        from lamini.evaluation.answers.collecting import asked_by

        return [item.text for item in asked_by(self, config).items], self.max_new_tokens

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""
        from lamini.evaluation.answers.checks import check

        check(self, config)

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """See `Benchmarks.score`."""
        from lamini.evaluation.answers.collecting import score

        return score(self, config, subject)

    def alone(self, config: EvaluateConfig) -> bool:
        """A teacher and files of finished answers need no student beside them."""
        return config.teacher is not None or bool(self.add)

    def collect(self, config: EvaluateConfig) -> None:
        """What there is to do without a student.

        Raises:
            UserError: the teacher or a file failed; the others are joined.
        """
        from lamini.evaluation.answers.collecting import alone

        print(f"answers: {alone(self, config)}", flush=True)

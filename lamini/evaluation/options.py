"""The choices of `suite=`: one dataclass each, named by `_target_` in conf/suite/*.yaml.

`check` answers before anything heavy is imported; `score` asks one student everything and writes
<subject.folder>/evaluation/<suite>.json. One student's failure is its own: `score` raises UserError for what
concerns this student alone, and the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamini.config import EvaluateConfig
    from lamini.evaluation.outcome import Outcome
    from lamini.evaluation.subjects import Subject


@dataclass
class BenchmarkTask:
    """One task of lm-eval."""

    metric: str  # the headline, as lm-eval calls it: acc, acc_norm, f1, exact_match, ...
    paper: str | None = None  # its column in the paper's tables
    rows: str | None = None  # its file in data_dir; null: the task's own name


@dataclass
class Benchmarks:
    """Tasks of lm-eval (paper section 4.2)."""

    name: str  # of the suite: evaluation/<name>.json
    tasks: Any  # lm-eval's task name -> BenchmarkTask (how it is told), or a list of names
    include_path: str | None  # folder with task YAML of one's own
    limit: int | None  # rows of each task; null: all

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """Ask one student everything, write the results, and say what came of it."""
        from lamini.evaluation.benchmarks.scoring import score

        return score(self, config, subject)


@dataclass
class Hallucination:
    """Questions that nobody can answer (paper section 6)."""

    name: str  # of the suite
    questions: str | None  # file with the columns question and category; null: ours
    max_new_tokens: int  # of an answer

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """See `Benchmarks.score`."""
        from lamini.evaluation.hallucination.probe import score

        return score(self, config, subject)


@dataclass
class Toxicity:
    """Sentences to be completed (paper section 6)."""

    name: str  # of the suite
    prompts: str | None  # file of RealToxicityPrompts rows; null: data_dir's, else the hub's
    each: int  # prompts of each group: non-toxic (below 0.1) and toxic (above 0.9)
    prefix: str  # of the instruction, before the beginning of the sentence
    max_new_tokens: int  # of a completion

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
class Answers:
    """Answers to instructions, for the rating page (paper section 4.2)."""

    name: str  # of the suite: evaluation/<name>.parquet
    instructions: str  # file with the column instruction
    max_new_tokens: int  # of an answer

    def check(self, config: EvaluateConfig) -> None:
        """Raise UserError for what cannot work, before anything heavy is imported."""

    def score(self, config: EvaluateConfig, subject: Subject) -> Outcome:
        """See `Benchmarks.score`."""
        from lamini.evaluation.answers.collecting import score

        return score(self, config, subject)

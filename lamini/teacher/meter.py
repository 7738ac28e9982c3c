"""What a job has done so far, in numbers: shown while it runs, written down when it ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lamini.teacher.log import Entry
from lamini.teacher.money import dollars
from lamini.teacher.prices import Prices


@dataclass
class Meter:
    """Counts over one job, of one stage or of several. Items are what was asked for, calls what was sent."""

    prices: Prices
    done: int = 0  # items that have an outcome
    logged: int = 0  # of these, without a call: from the log, or asked for twice
    answered: int = 0  # answers that calls brought
    failed: Counter[str] = field(default_factory=Counter)  # items without an answer, by kind
    faults: Counter[str] = field(default_factory=Counter)  # calls that were worth another try, by kind
    finishes: Counter[str] = field(default_factory=Counter)  # items with an answer, by finish reason
    prompt_tokens: int = 0  # of this job's calls
    response_tokens: int = 0
    unmetered: int = 0  # answers whose tokens the teacher did not tell
    resting: int = 0  # requests between two tries

    def call(self, entry: Entry) -> None:
        """A call ended with this."""
        if (answer := entry.answer) is None:
            return
        self.answered += 1
        self.unmetered += answer.prompt_tokens is None or answer.response_tokens is None
        self.prompt_tokens += answer.prompt_tokens or 0
        self.response_tokens += answer.response_tokens or 0

    def item(self, entry: Entry, logged: bool) -> None:
        """An item has its outcome."""
        self.done += 1
        self.logged += logged
        if entry.answer is None:
            self.failed[str(entry.failure).split(":")[0]] += 1
        else:
            self.finishes[entry.answer.finish] += 1

    @property
    def usd(self) -> float | None:
        """What this job's answers cost; None where prices are not known."""
        return dollars(self.prices, self.prompt_tokens, self.response_tokens)

    def summary(self) -> str:
        """The whole job in some lines of plain text."""
        lines = [
            f"{self.done:,} done: {self.answered:,} answers asked for, {self.logged:,} from the log,"
            f" {self.failed.total():,} failed{_listed(self.failed)}"
        ]
        cut = Counter({kind: n for kind, n in self.finishes.items() if kind != "stop"})
        if cut:
            lines.append(f"{cut.total():,} answers did not end by themselves{_listed(cut)}")
        if self.faults:
            lines.append(f"{self.faults.total():,} calls failed and were tried again or given up"
                         f"{_listed(self.faults)}")  # fmt: skip
        lines.append(f"{self.tokens()}: {self.cost()}")
        return "\n".join(lines)

    def tokens(self) -> str:
        """Tokens in words, with how many answers are missing from them."""
        untold = f" ({self.unmetered:,} answers did not tell)" if self.unmetered else ""
        return f"{self.prompt_tokens:,} prompt and {self.response_tokens:,} response tokens{untold}"

    def cost(self) -> str:
        """Dollars in words; what is not known is called so."""
        if self.usd is None:
            return "cost not known (set teacher.prices)"
        return f"{'at least ' if self.unmetered else ''}${self.usd:.4f}"


def _listed(counts: Counter[str]) -> str:
    """{"timeout": 2, "empty": 1} -> " (timeout 2, empty 1)"."""
    return f" ({', '.join(f'{kind} {n:,}' for kind, n in counts.most_common())})" if counts else ""

"""What a plan says about one student. Imports nothing heavy: the process that prints it has no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Forecast:
    """One line of the plan."""

    run: str
    student: str  # its family
    architecture: str
    init: str
    parameters: int
    pairs: int  # of an epoch
    steps: int
    tokens: int  # real ones, prompt and response, over the whole run
    memory: float  # bytes
    seconds: float
    note: str
    warnings: tuple[str, ...]
    micro_tokens: int = 0  # positions of a micro-batch at most
    batching: str = ""  # packed, bucketed or plain
    padding: dict[str, float | None] = field(default_factory=dict)  # batching -> share; None: it cannot be
    left: float = 1.0  # share of the run that is still to do
    device: str = "cpu"  # cpu, cuda or mps
    fills: bool = False  # all the memory of its device: the size of its micro-batches is found by trying
    measured: bool = False  # the time comes from a probe and not from arithmetic

    def saying(self, warning: str) -> Forecast:
        """The same with one more thing to say."""
        return replace(self, warnings=(*self.warnings, warning))

    def probed(self, found: Measured) -> Forecast:
        """The same with what was measured in the place of arithmetic."""
        told = self.saying(f"{self.run}: {found.note}")
        if found.seconds is None:
            return told
        memory = self.memory if found.memory is None else found.memory
        return replace(told, seconds=found.seconds * self.left, memory=memory, measured=True)


@dataclass(frozen=True)
class Measured:
    """What a probe found out about one student; None where it could not."""

    seconds: float | None  # of the whole run
    memory: float | None  # bytes
    note: str  # on what it was measured, or why it was not

"""A forecast takes over what was measured, and can be read where there is no torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from lamini.training.planning.forecast import Forecast, Measured

FORECAST = Forecast(
    run="t5-nano", student="t5", architecture="encoder-decoder", init="scratch", parameters=1, pairs=1,
    steps=10, tokens=1, memory=5.0, seconds=100.0, note="", warnings=("said",), left=0.5,
)  # fmt: skip


def test_what_was_measured_replaces_arithmetic() -> None:
    found = FORECAST.probed(Measured(60.0, 7.0, "measured on 3"))
    assert (found.seconds, found.memory, found.measured) == (30.0, 7.0, True)  # half the run is done already
    assert found.warnings == ("said", "t5-nano: measured on 3")
    assert FORECAST.probed(Measured(60.0, None, "")).memory == 5.0


def test_what_could_not_be_measured_stays_and_says_why() -> None:
    found = FORECAST.probed(Measured(None, None, "too large"))
    assert found == replace(FORECAST, warnings=("said", "t5-nano: too large"))


def test_the_process_that_prints_it_needs_no_torch() -> None:
    code = "import sys, lamini.training.planning.forecast; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"

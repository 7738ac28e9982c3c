"""The same job by distilabel 1.5: its pipeline, its OpenAILLM. Runs in an environment that has no lamini.

    <venv>/bin/python experiments/teacher-engine/with_distilabel.py http://127.0.0.1:<port>/v1

Its steps run in processes of their own, so that time is taken by the server, and no memory is told.
"""

from __future__ import annotations

import argparse
import json
import time

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

SYSTEM = "You answer instructions. Keep the answer concise."


def prompt(number: int) -> str:
    """As in contenders.py."""
    return (
        f"Instruction {number}: name three things that a lighthouse keeper would miss in a desert, and why."
    )


def main() -> None:
    """Read the arguments, run the pipeline, say how it went."""
    parser = argparse.ArgumentParser(description="Do the timed job with distilabel.")
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=64, help="requests of one batch of a step")
    arguments = parser.parse_args()
    rows = [{"instruction": prompt(number)} for number in range(arguments.requests)]
    with Pipeline(name="stub") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=arguments.batch)
        llm = OpenAILLM(model="stub", base_url=arguments.url, api_key="none", timeout=120)
        task = TextGeneration(llm=llm, system_prompt=SYSTEM, input_batch_size=arguments.batch)
        load >> task
    began = time.perf_counter()
    result = pipeline.run(use_cache=False)
    seconds = time.perf_counter() - began
    rows = result["default"]["train"]
    answers = sum(
        (row["generation"] or "").endswith(row["instruction"]) for row in rows.select_columns(
            ["generation", "instruction"])
    )  # fmt: skip
    print(json.dumps({"answers": answers, "seconds": seconds}))


if __name__ == "__main__":
    main()

"""One contender, in a process of its own; prints one line of JSON.

    python experiments/training-speed/contender.py hf t5 384 --work <folder> --batch 16 --threads 2

`--overrides` are those of our own line.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
import transformers
from clock import Clock, warm
from rows import TOKENIZERS, read
from scoring import held_out_loss
from shapes import LR, SHAPES, WARMUP, student_of


def loaded(folder: Path) -> Any:
    """The model in a Hugging Face folder, whichever its architecture."""
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    return getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32)


def trained(options: argparse.Namespace, clock: Clock) -> tuple[Any, Any]:
    """Train, and return the model and the student whose layout it has."""
    shape, work = SHAPES[options.shape], options.work
    student = student_of(shape, TOKENIZERS)
    tokenizer = student.tokenizer
    tokenizer.pad_token_id = student.pad  # GPT-2 has none; a mask, not the id, says what is padding
    model = loaded(work / f"weights-{shape.name}")
    warm(model, len(tokenizer))
    if options.who == "lamini":
        import ours

        export = ours.train(
            shape, work, options.size, options.batch, options.threads, options.overrides, clock
        )
        return loaded(export), student
    pairs = read(work / "rows", shape.name, options.size)
    if options.who == "bare":
        import bare

        bare.train(model, pairs, student.pad, options.batch, LR, WARMUP, clock)
        return model, student
    import peers

    with tempfile.TemporaryDirectory() as folder:
        steps = -(-options.size // options.batch)
        settings = peers.common(Path(folder), options.batch, LR, WARMUP, steps)
        name, _, variant = options.who.partition("-")
        run = peers.trl if name == "trl" else peers.hugging_face
        run(model, tokenizer, pairs, clock, bool(variant), settings)
    return model, student


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["lamini", "hf", "hf-grouped", "trl", "trl-packed", "bare"])
    parser.add_argument("shape", choices=list(SHAPES))
    parser.add_argument("size", type=int)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--overrides", nargs="*", default=[])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(options.threads)
    torch.manual_seed(42)
    clock = Clock()
    model, student = trained(options, clock)
    facts = clock.facts()
    held_out = read(options.work / "rows", options.shape, 0)
    facts["held_out_loss"] = held_out_loss(model, held_out, student.pad)
    print(json.dumps(facts))


if __name__ == "__main__":
    main()

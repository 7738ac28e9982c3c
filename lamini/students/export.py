"""A student as a plain Hugging Face folder that answers without this project.

Weights (safetensors), tokenizer with the prompt wrapper as its chat template, greedy generation
config and a model card. The folder is written beside its place and renamed, so whoever reads it
finds the old one or the new one, never half of one; between the two renames of a replacement it is
absent for an instant.
"""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from transformers import PreTrainedTokenizerBase

from lamini.errors import UserError
from lamini.runs import draft
from lamini.students.prompts import PROBE, chat_template
from lamini.students.protocol import Student

USAGE = {
    "decoder-only": """from transformers import pipeline

ask = pipeline("text-generation", model=folder)
messages = [{"role": "user", "content": "Name one colour."}]
print(ask(messages)[0]["generated_text"][-1]["content"])""",
    "encoder-decoder": """from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSeq2SeqLM.from_pretrained(folder)
answer = model.generate(**tokenizer("Name one colour.", return_tensors="pt"))
print(tokenizer.decode(answer[0], skip_special_tokens=True))""",
}


def export(student: Student, folder: Path, card: dict[str, Any]) -> None:
    """Write `student` to `folder`, replacing what is there.

    Args:
        student: with its model.
        folder: becomes the Hugging Face folder; its parents are made.
        card: facts for the model card. `name`, `init` (pretrained or scratch) and `data` (a name)
            are required; `base_model` (hub id), `licence`, `results` ({metric: number}) and
            `details` ({fact: value}) may be left out or None.

    Raises:
        UserError: no model, a tokenizer that cannot carry the wrapper, or the disk refuses.
    """
    model = student.ready()
    tokenizer = plain_tokenizer(student)
    folder = Path(folder)
    temporary = draft(folder)
    try:
        temporary.mkdir(parents=True)
        model.save_pretrained(temporary)
        plain_config(temporary / "config.json", student)
        student.greedy(default_new_tokens(student)).save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        model_card(student, card).save(temporary / "README.md")
        put_in_place(temporary, folder)
    except OSError as error:
        raise UserError(f"cannot write the export to {folder}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def default_new_tokens(student: Student) -> int:
    """New tokens when nobody asks for a number: what fits beside a full prompt."""
    return student.room(student.prompt_limit(student.context), student.context)


def plain_tokenizer(student: Student) -> PreTrainedTokenizerBase:
    """A copy of the student's tokenizer that by itself gives the ids of training.

    Raises:
        UserError: it cannot.
    """
    tokenizer = copy.deepcopy(student.tokenizer)
    tokenizer.model_max_length = student.context
    tokenizer.padding_side = student.padding_side
    tokenizer.clean_up_tokenization_spaces = False  # answers are compared as they were written
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if student.architecture == "decoder-only":
        tokenizer.chat_template = chat_template(tokenizer, student.wrap, student.start, student.end)
    elif tokenizer(student.wrap(PROBE))["input_ids"] != student.encode_prompts([PROBE])[0]:
        raise UserError(
            "the tokenizer does not end a text with its eos_token by itself, as an exported "
            "encoder-decoder needs; give it a post-processor, or use tokenizer=trained"
        )
    return tokenizer


def plain_config(path: Path, student: Student) -> None:
    """Make config.json agree with the tokenizer, and free it of defaults that pipelines apply.

    With those of GPT-2, pipelines of transformers 4 sample, and stop after 50 tokens.
    """
    config = json.loads(path.read_text())
    config.pop("task_specific_params", None)
    greedy = student.greedy(1)
    for key in ("eos_token_id", "pad_token_id", "bos_token_id", "decoder_start_token_id"):
        config[key] = getattr(greedy, key)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def model_card(student: Student, card: dict[str, Any]) -> ModelCard:
    """README.md with the facts as metadata for the hub and as text for people."""
    scratch = card["init"] == "scratch"
    results: dict[str, float] = card.get("results") or {}
    data = ModelCardData(
        model_name=card["name"],
        language="en",
        library_name="transformers",
        license=card.get("licence"),
        base_model=None if scratch else card.get("base_model"),
        pipeline_tag="text-generation" if student.architecture == "decoder-only" else None,
        tags=["lamini", student.architecture] + (["trained-from-scratch"] if scratch else []),
        eval_results=[
            EvalResult("text-generation", card["data"], card["data"], metric, value)
            for metric, value in results.items()
        ]
        or None,
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{card_text(student, card, results)}")


def card_text(student: Student, card: dict[str, Any], results: dict[str, float]) -> str:
    """The part of the card that people read."""
    if card["init"] == "scratch":
        origin = "Trained from scratch (random weights): not comparable with fine-tuned students."
    else:
        origin = f"Fine-tuned from {card.get('base_model') or 'published weights'}."
    facts = {
        "Architecture": student.architecture,
        "Data": card["data"],
        "Licence": card.get("licence") or "not stated",
        "Context": f"{student.context} tokens",
        "Prompt wrapper": student.wrapper,
        **(card.get("details") or {}),
    }
    lines = [f"# {card['name']}", "", origin, "", table("Fact", "Value", facts), ""]
    if results:
        lines += ["## Results", "", table("Metric", "Value", results), ""]
    return "\n".join([*lines, "## Use", "", f"```python\n{USAGE[student.architecture]}\n```", ""])


def table(left: str, right: str, rows: dict[str, Any]) -> str:
    """Two columns of Markdown."""
    head = [f"| {left} | {right} |", "| --- | --- |"]
    return "\n".join(head + [f"| {name} | {value} |" for name, value in rows.items()])


def put_in_place(new: Path, folder: Path) -> None:
    """Rename `new` to `folder`; what stood there is set aside first and removed last."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)

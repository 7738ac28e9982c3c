"""Hugging Face's trainers and TRL's, set to the same job: nothing is turned off that would slow them down.

Their progress bars are off. TRL turns gradient checkpointing and bf16 on by default, which a CPU pays for
dearly; both are off here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clock import Clock, Counted
from datasets import Dataset
from rows import Pair
from transformers import (
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

IGNORE = -100


class Start(TrainerCallback):
    """Starts the clock where the trainer says that training begins."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_begin(self, *arguments: Any, **more: Any) -> None:
        self.clock.start()


def common(folder: Path, batch: int, lr: float, warmup: float, steps: int) -> dict[str, Any]:
    """Arguments that all of them share."""
    return {
        "output_dir": str(folder), "per_device_train_batch_size": batch, "num_train_epochs": 1,
        "learning_rate": lr, "lr_scheduler_type": "linear", "warmup_steps": round(warmup * steps),
        "weight_decay": 0.0, "max_grad_norm": 1.0, "optim": "adamw_torch_fused", "seed": 42, "use_cpu": True,
        "bf16": False, "save_strategy": "no", "report_to": "none", "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }  # fmt: skip


def dataset_of(pairs: list[Pair], encoder_decoder: bool) -> Dataset:
    """Ids and labels, the prompt's labels ignored."""
    if encoder_decoder:
        rows = [{"input_ids": p.prompt, "labels": p.response} for p in pairs]
    else:
        rows = [
            {"input_ids": p.prompt + p.response, "labels": [IGNORE] * len(p.prompt) + p.response}
            for p in pairs
        ]
    return Dataset.from_list([{**row, "attention_mask": [1] * len(row["input_ids"])} for row in rows])


def hugging_face(
    model: Any, tokenizer: Any, pairs: list[Pair], clock: Clock, grouped: bool, options: dict[str, Any]
) -> None:
    """`Seq2SeqTrainer` or `Trainer`, with random batches or batches of similar length."""
    seq2seq = model.config.is_encoder_decoder
    arguments = (Seq2SeqTrainingArguments if seq2seq else TrainingArguments)(
        train_sampling_strategy="group_by_length" if grouped else "random", **options
    )
    collate = DataCollatorForSeq2Seq(tokenizer, model=model if seq2seq else None)
    trainer = (Seq2SeqTrainer if seq2seq else Trainer)(
        model=model, args=arguments, train_dataset=dataset_of(pairs, seq2seq), processing_class=tokenizer,
        data_collator=Counted(collate, clock), callbacks=[Start(clock)],
    )  # fmt: skip
    trainer.train()
    clock.seen(pairs)


def trl(
    model: Any, tokenizer: Any, pairs: list[Pair], clock: Clock, packed: bool, options: dict[str, Any]
) -> None:
    """`SFTTrainer` on completions only; packed, a step has as many rows as hold a batch's pairs on average.

    TRL packs a row to `max_length`, the model's positions, and counts rows: steps then differ a little in
    their number of pairs. Every pair is seen once either way.
    """
    from trl import SFTConfig, SFTTrainer

    row = model.config.n_positions
    if packed:
        mean = sum(len(p.prompt) + len(p.response) for p in pairs) / len(pairs)
        rows = max(1, round(options["per_device_train_batch_size"] * mean / row))
        options = options | {"per_device_train_batch_size": rows}
    arguments = SFTConfig(
        max_length=row, packing=packed, packing_strategy="bfd", completion_only_loss=True,
        gradient_checkpointing=False, **options,
    )  # fmt: skip
    ids = [
        {"input_ids": p.prompt + p.response, "completion_mask": [0] * len(p.prompt) + [1] * len(p.response)}
        for p in pairs
    ]
    trainer = SFTTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(ids), processing_class=tokenizer,
        callbacks=[Start(clock)],
    )  # fmt: skip
    trainer.data_collator = Counted(trainer.data_collator, clock)
    trainer.train()
    clock.seen(pairs)

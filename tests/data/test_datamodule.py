"""One item is one optimizer step; a resumed run sees what the straight one saw."""

from __future__ import annotations

import pytest
import pytorch_lightning as pl
import torch

from lamini.data.batching import Bucketed, Packed
from lamini.data.cache import encode_table
from lamini.data.datamodule import PairsDataModule, Step
from lamini.data.order import Order
from tests.data.toys import rows, student

STEPS = 9


def module(tmp_path, devices=1, rank=0, micro_tokens=24, validation=7, num_workers=0, batching=None):
    toy = student()
    train = encode_table(toy, rows(25), tmp_path)
    return PairsDataModule(
        toy,
        train,
        Order(train.sizes, [1.0], seed=3),
        encode_table(toy, rows(validation), tmp_path),
        batching or Bucketed(),
        batch_size=8,
        micro_tokens=micro_tokens,
        steps=STEPS,
        seed=3,
        devices=devices,
        rank=rank,
        num_workers=num_workers,
    )


def first_words(step):
    """The first prompt id names the row of `rows`: 3 + its number."""
    return [int(row) - 3 for batch in step.micro_batches for row in batch["input_ids"][:, 0]]


class Recorder(pl.LightningModule):
    """Writes down the pairs of every step and makes one optimizer step, as training does."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen, self.validated = [], []

    def training_step(self, step):
        self.seen.append(first_words(step))
        self.optimizers().step()

    def validation_step(self, step):
        self.validated += first_words(step)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def trainer(tmp_path, max_steps):
    return pl.Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        max_steps=max_steps,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def test_a_step_has_its_pairs_and_counts(tmp_path):
    data = module(tmp_path)
    step = data.step(2)
    expected = data.order.rows(2, 8)
    assert len(step.micro_batches) > 1
    assert sorted(first_words(step)) == sorted(expected.tolist())
    assert step.pairs == 8
    assert step.response_tokens == data.train.response_lengths_N[expected].sum()
    assert step.positions == step.response_tokens + data.train.prompt_lengths_N[expected].sum()
    labels = sum(int((batch["labels"] != -100).sum()) for batch in step.micro_batches)
    assert labels == step.response_tokens
    computed = sum(batch["input_ids"].numel() + batch["labels"].numel() for batch in step.micro_batches)
    assert computed == step.padded_positions


def test_positions_that_a_multiple_adds_are_counted(tmp_path):
    for batching in (Bucketed(), Packed(None, 0.03)):
        data = module(tmp_path, batching=batching)
        plain = data.step(0)
        data.student.multiple = 8
        step = data.step(0)
        sides = ("input_ids", "decoder_input_ids")
        computed = sum(batch[side].numel() for batch in step.micro_batches for side in sides)
        assert step.padded_positions == computed
        assert step.positions == plain.positions and step.padded_positions > plain.padded_positions


def test_packed_rows_hold_the_same_pairs_and_every_label_once(tmp_path):
    data, plain = module(tmp_path, batching=Packed(None, 0.03)), module(tmp_path)
    for number in range(4):
        packed, apart = data.step(number), plain.step(number)
        assert any("segment_ids" in batch for batch in packed.micro_batches)
        assert packed.padded_positions < apart.padded_positions
        assert (packed.pairs, packed.positions) == (apart.pairs, apart.positions)

        def tokens(step, name, padding):
            ids = torch.cat([batch[name].flatten() for batch in step.micro_batches])
            return sorted(ids[ids != padding].tolist())

        for name, padding in (("input_ids", 0), ("labels", -100)):
            assert tokens(packed, name, padding) == tokens(apart, name, padding)
        computed = sum(b["input_ids"].numel() + b["labels"].numel() for b in packed.micro_batches)
        assert computed == packed.padded_positions


def test_ranks_share_a_step_and_agree_on_its_counts(tmp_path):
    steps = [module(tmp_path, devices=2, rank=rank).step(1) for rank in range(2)]
    alone = module(tmp_path).step(1)
    assert sorted(first_words(steps[0]) + first_words(steps[1])) == sorted(first_words(alone))
    assert len(steps[0].micro_batches) == len(steps[1].micro_batches)
    assert steps[0].response_tokens == steps[1].response_tokens == alone.response_tokens


def test_extras_follow_the_pairs_of_training_micro_batches(tmp_path):
    data = module(tmp_path, devices=2, rank=1)
    data.extras = lambda rows: {"numbers": torch.from_numpy(rows)}
    for batch in data.step(1).micro_batches:
        assert [int(row) - 3 for row in batch["input_ids"][:, 0]] == batch["numbers"].tolist()
    assert all("numbers" not in batch for step in data.val_dataloader() for batch in step.micro_batches)


def test_moving_a_step_moves_its_tensors(tmp_path):
    moved = pl.LightningDataModule.transfer_batch_to_device(
        module(tmp_path), module(tmp_path).step(0), torch.device("meta"), 0
    )
    assert isinstance(moved, Step)
    assert {t.device.type for batch in moved.micro_batches for t in batch.values()} == {"meta"}


@pytest.mark.parametrize("killed_after", [1, 4])
def test_resuming_continues_exactly(tmp_path, killed_after):
    straight = Recorder()
    trainer(tmp_path, STEPS).fit(straight, module(tmp_path))
    assert len(straight.seen) == STEPS
    first, second = Recorder(), Recorder()
    killed = trainer(tmp_path, killed_after)
    killed.fit(first, module(tmp_path))
    killed.save_checkpoint(tmp_path / "killed.ckpt")
    resumed = trainer(tmp_path, STEPS)
    resumed.fit(second, module(tmp_path), ckpt_path=tmp_path / "killed.ckpt")
    assert first.seen + second.seen == straight.seen
    assert resumed.global_step == STEPS


def test_a_run_ends_after_its_steps_without_max_steps(tmp_path):
    recorder = Recorder()
    whole = trainer(tmp_path, -1)
    whole.fit_loop.max_epochs = 1
    whole.fit(recorder, module(tmp_path))
    assert len(recorder.seen) == STEPS
    assert sorted(recorder.validated[-7:]) == list(range(7))


def test_workers_give_the_same_steps(tmp_path):
    plain = [first_words(step) for step in module(tmp_path).train_dataloader()]
    loader = module(tmp_path, num_workers=1).train_dataloader()
    assert [first_words(step) for step in loader] == plain
    assert len(loader) == STEPS


def test_validation_sees_every_pair_once_within_the_budget(tmp_path):
    data = module(tmp_path, micro_tokens=20)
    steps = list(data.val_dataloader())
    assert sorted(row for step in steps for row in first_words(step)) == list(range(7))
    assert all(step.padded_positions <= 20 or step.pairs == 1 for step in steps)
    assert sum(step.response_tokens for step in steps) == data.validation.response_lengths_N.sum()
    shared = [list(module(tmp_path, 2, rank).val_dataloader()) for rank in range(2)]
    assert len(shared[0]) == len(shared[1])
    assert sorted(row for rank in shared for step in rank for row in first_words(step)) == list(range(7))


def test_no_validation(tmp_path):
    assert module(tmp_path, validation=0).val_dataloader() == []
    recorder = Recorder()
    trainer(tmp_path, 2).fit(recorder, module(tmp_path, validation=0))
    assert (len(recorder.seen), recorder.validated) == (2, [])

"""Which attention a student gets on which device, what is refused, and that a run does not depend on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lamini.checks import ATTENTIONS, check_values
from lamini.config import Trainer
from lamini.errors import UserError
from lamini.runs import config_hash
from lamini.students.attention import flash, ranges
from lamini.students.attention.backends import BACKENDS, in_use
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Student
from lamini.training import backends
from lamini.training.backends import attention_of, check_compile, set_backends
from tests.students.test_packed import student_of
from tests.training import small


def trainer_of(folder: Path, *overrides: str) -> Trainer:
    return small.config(folder, "gpt2", *overrides).trainer


def on_cuda(monkeypatch: pytest.MonkeyPatch, ampere: bool, triton: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(flash, "available", lambda: ampere)
    monkeypatch.setattr(ranges, "available", lambda: triton)


def test_checks_and_backends_know_the_same_names() -> None:
    assert set(ATTENTIONS) == {"auto", *BACKENDS}


def test_an_unknown_name_is_refused_at_the_door(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trainer.attention=fast is unknown; there are: auto sdpa eager"):
        check_values(small.config(tmp_path, "gpt2", "trainer.attention=fast"))


def test_auto_on_a_cpu_takes_pairs_apart_unless_it_compiles(tmp_path: Path) -> None:
    assert attention_of(trainer_of(tmp_path), DecoderOnly) == "adaptive"
    assert attention_of(trainer_of(tmp_path, "trainer.compile=true"), DecoderOnly) == "sdpa"


def test_auto_on_cuda_takes_our_kernels_in_half_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cuda(monkeypatch, ampere=True, triton=True)
    trainer = trainer_of(tmp_path, "trainer.accelerator=auto")
    assert attention_of(trainer, DecoderOnly) == attention_of(trainer, EncoderDecoder) == "triton"
    exact = trainer_of(tmp_path, "trainer.accelerator=auto", "trainer.precision=32-true")
    assert attention_of(exact, EncoderDecoder) == "sdpa"


def test_auto_on_cuda_without_triton_takes_flash_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cuda(monkeypatch, ampere=True)
    trainer = trainer_of(tmp_path, "trainer.accelerator=auto")
    assert attention_of(trainer, DecoderOnly) == "flash"
    assert attention_of(trainer, EncoderDecoder) == "sdpa"
    exact = trainer_of(tmp_path, "trainer.accelerator=auto", "trainer.precision=32-true")
    assert attention_of(exact, DecoderOnly) == "sdpa"
    on_cuda(monkeypatch, ampere=False)
    assert attention_of(trainer, DecoderOnly) == "sdpa"


@pytest.mark.parametrize("attention", ["flex", "flash", "triton"])
def test_cuda_only_is_refused_on_a_cpu(attention: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"trainer.attention={attention} needs a CUDA device; use .*=sdpa"):
        attention_of(trainer_of(tmp_path, f"trainer.attention={attention}"), DecoderOnly)


@pytest.mark.parametrize(
    ("student", "overrides", "ampere", "reason"),
    [
        (EncoderDecoder, [], True, "takes no position bias.*trainer.attention=sdpa, or flex"),
        (DecoderOnly, [], False, "needs a device of compute capability 8.0 or more"),
        (
            DecoderOnly,
            ["trainer.precision=32-true"],
            True,
            "needs half precision; use trainer.precision",
        ),
    ],
)
def test_flash_is_refused_where_it_cannot_be_had(
    student: type[Student],
    overrides: list[str],
    ampere: bool,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_cuda(monkeypatch, ampere)
    line = ["trainer.accelerator=auto", "trainer.attention=flash", *overrides]
    with pytest.raises(UserError, match=f"trainer.attention=flash {reason}"):
        attention_of(trainer_of(tmp_path, *line), student)


def test_flex_with_a_bias_and_compiled_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_cuda(monkeypatch, ampere=True)
    line = ["trainer.accelerator=auto", "trainer.attention=flex", "trainer.compile=true"]
    assert attention_of(trainer_of(tmp_path, *line), DecoderOnly) == "flex"
    with pytest.raises(UserError, match=r"attention=flex with T5's bias cannot be compiled; use .*=sdpa"):
        attention_of(trainer_of(tmp_path, *line), EncoderDecoder)


def test_pairs_apart_and_compiled_is_refused(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, "trainer.attention=split", "trainer.compile=true")
    with pytest.raises(UserError, match=r"trainer.attention=split cannot be compiled; use .*compile=false"):
        attention_of(trainer, DecoderOnly)


def test_compiling_without_a_compiler_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    check_compile(trainer_of(tmp_path))
    with pytest.raises(UserError, match="no C.. compiler no-such-compiler.*trainer.compile=false"):
        check_compile(trainer_of(tmp_path, "trainer.compile=true"))


def test_a_compiled_student_has_few_widths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "python3")  # there; nothing is compiled before the first batch
    student = student_of("gpt2")
    assert set_backends(student, trainer_of(tmp_path, "trainer.compile=true")) == "sdpa"
    assert student.multiple == backends.MULTIPLE and in_use(student.ready()) == "sdpa"


@pytest.mark.parametrize("shape", ["t5", "gpt2"])
def test_a_run_does_not_depend_on_its_attention(shape: str, tmp_path: Path) -> None:
    dropout = {"t5": ["dropout_rate"], "gpt2": ["resid_pdrop", "attn_pdrop"]}[shape]
    line = [*(f"architecture.{name}=0.0" for name in dropout), "batching=packed"]
    losses = []
    for attention in ("auto", "sdpa", "eager"):
        folder = small.train(tmp_path / attention, shape, *line, f"trainer.attention={attention}")
        record = json.loads((folder / "run.json").read_text())
        assert record["status"] == "done", record["error"]
        assert record["attention"] == ("adaptive" if attention == "auto" else attention)
        losses.append(record["train_loss"])
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_attention_and_compiling_are_no_other_run(tmp_path: Path) -> None:
    one = small.config(tmp_path, "gpt2")
    other = small.config(tmp_path, "gpt2", "trainer.attention=eager", "trainer.compile=true")
    assert config_hash(one) == config_hash(other)

"""Token layout, loss and answers of decoder-only students."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lamini.errors import UserError
from lamini.students.decoder_only import MINIMUM_PROMPT, DecoderOnly
from lamini.students.protocol import Features
from tests.students import tiny
from tests.students.tiny import batch_of, overfit

KINDS = ["gpt2", "gpt-neo", "gpt-j", "llama"]


def student_of(kind: str, wrapper: str = "alpaca", context: int = 256) -> DecoderOnly:
    tokenizer = tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, context, wrapper, tiny.causal(kind, len(tokenizer), context).eval())


def test_worked_example() -> None:
    student = DecoderOnly(tiny.word_tokenizer(pad=False), 16, "bare")
    assert student.pad == student.end == 1
    assert student.encode(["add 1 2", "say hi"], ["three", "hi hi"]) == [
        Features([3, 4, 5], [7, 1], False),
        Features([6, 8], [8, 8, 1], False),
    ]
    batch = student.collate([[3, 4, 5], [6, 8]], [[7, 1], [8, 8, 1]])
    assert {name: value.tolist() for name, value in batch.items()} == {
        "input_ids": [[3, 4, 5, 7], [6, 8, 8, 8]],
        "position_ids": [[0, 1, 2, 3], [0, 1, 2, 3]],
        "labels": [[-100, -100, 7, 1], [-100, 8, 8, 1]],
    }


def test_end_is_learnt_although_it_shares_its_id_with_padding() -> None:
    student = DecoderOnly(tiny.word_tokenizer(pad=False), 16, "bare")
    batch = student.collate([[3], [3]], [[7, 1], [7, 7, 7, 1]])
    assert batch["labels"].tolist() == [[7, 1, -100, -100], [7, 7, 7, 1]]


@pytest.mark.parametrize("bos", [False, True])
def test_ids_are_wrapper_then_response_then_end(bos: bool) -> None:
    tokenizer = tiny.gpt2_tokenizer(bos)
    (row,) = DecoderOnly(tokenizer, 256, "alpaca").encode(["Say hi."], [" hi"])
    text = (
        "Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.\n\n### Instruction:\nSay hi.\n\n### Response:"
    )
    assert row is not None
    assert row.prompt == tokenizer(text)["input_ids"]
    assert (row.prompt[0] == 0) == bos
    assert row.response == tokenizer(" hi", add_special_tokens=False)["input_ids"] + [0]


def test_collate_packed_is_the_worked_example() -> None:
    student = DecoderOnly(tiny.word_tokenizer(pad=False), 16, "bare")
    batch = student.collate([[3, 4, 5], [6, 8]], [[7, 1], [8, 8, 1]], [[0, 1]])
    assert {name: value.tolist() for name, value in batch.items()} == {
        "input_ids": [[3, 4, 5, 7, 6, 8, 8, 8]],
        "position_ids": [[0, 1, 2, 3, 0, 1, 2, 3]],
        "segment_ids": [[1, 1, 1, 1, 2, 2, 2, 2]],
        "labels": [[-100, -100, 7, 1, -100, 8, 8, 1]],
    }


def test_sides_are_what_collate_pads() -> None:
    student = student_of("gpt2")
    features = student.encode(*map(list, zip(*tiny.PAIRS, strict=True)))
    rows = [row for row in features if row is not None]
    lengths = [[len(row.prompt) for row in rows], [len(row.response) for row in rows]]
    batch = batch_of(student, tiny.PAIRS)
    sides_NK = student.sides(*map(np.array, lengths))
    assert sides_NK.shape[1] == 1 and sides_NK.max() == batch["input_ids"].shape[1]


def test_long_prompt_keeps_its_head_and_the_suffix() -> None:
    tokenizer = tiny.gpt2_tokenizer()
    student = DecoderOnly(tokenizer, 80, "alpaca")
    cut, whole = student.encode(["Name the colour. " * 20, "Say hi."], ["Blue.", "hi"])
    assert cut is not None and whole is not None
    assert cut.truncated and not whole.truncated
    assert len(cut.prompt) + len(cut.response) == student.context
    text = tokenizer.decode(cut.prompt)
    assert text.startswith("Below is an instruction") and text.endswith("\n\n### Response:")
    assert cut.response == tokenizer("Blue.")["input_ids"] + [0]


def test_row_is_refused_when_the_response_leaves_no_room_for_the_prompt() -> None:
    student = DecoderOnly(tiny.word_tokenizer(pad=False), 64, "bare")
    long, short = " ".join(["add"] * 40), "add 1"
    room = 64 - MINIMUM_PROMPT - 1
    fits, refused = student.encode([long, long], ["hi " * room, "hi " * (room + 1)])
    assert fits == Features([3] * MINIMUM_PROMPT, [8] * room + [1], True)
    assert refused is None
    fits, refused = student.encode([short, short], ["hi " * 61, "hi " * 62])
    assert fits == Features([3, 4], [8] * 61 + [1], False)
    assert refused is None


def test_huge_rows() -> None:
    student = DecoderOnly(tiny.gpt2_tokenizer(), 128, "alpaca")
    huge = "Count from one to five. " * 420_000
    cut, refused = student.encode([huge, "Say hi."], ["hi", huge])
    assert cut is not None and cut.truncated and len(cut.prompt) + len(cut.response) == 128
    assert cut.prompt[-len(student.tail) :] == student.tail
    assert refused is None


def test_suffix_that_a_token_spans_is_encoded_by_itself() -> None:
    tokenizer = tiny.llama_tokenizer("first")
    student = DecoderOnly(tokenizer, 256, "alpaca")
    assert tokenizer.decode(student.tail).strip() == "### Response:"


def test_empty_bare_prompt_is_refused() -> None:
    student = DecoderOnly(tiny.word_tokenizer(pad=False), 16, "bare", tiny.causal("gpt2", 9))
    assert student.encode([""], ["hi"]) == [None]
    with pytest.raises(UserError, match="empty instruction"):
        student.generate([""], 4)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_never_changes_the_loss(kind: str) -> None:
    student = student_of(kind)
    total, count = student.loss(batch_of(student, tiny.PAIRS))
    alone = [student.loss(batch_of(student, [pair])) for pair in tiny.PAIRS]
    assert count == sum(int(n) for _, n in alone)
    assert total.item() == pytest.approx(sum(loss.item() for loss, _ in alone), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_loss_equals_the_models_own_logits_under_an_attention_mask(kind: str) -> None:
    student = student_of(kind)
    batch = batch_of(student, tiny.PAIRS)
    total, count = student.loss(batch)
    features = student.encode(*map(list, zip(*tiny.PAIRS, strict=True)))
    lengths = [len(row.prompt) + len(row.response) - 1 for row in features if row is not None]
    mask = torch.arange(batch["input_ids"].shape[1]) < torch.tensor(lengths)[:, None]
    assert student.model is not None
    logits = student.model(input_ids=batch["input_ids"], attention_mask=mask.long()).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    assert (total / count).item() == pytest.approx(expected.item(), rel=1e-5)


def test_head_runs_at_response_positions_only() -> None:
    student = student_of("gpt2")
    assert student.model is not None
    rows: list[torch.Size] = []
    student.model.get_output_embeddings().register_forward_hook(
        lambda module, args, out: rows.append(out.shape)
    )
    _, count = student.loss(batch_of(student, tiny.PAIRS))
    assert rows == [(int(count), 420)]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_keep_order_and_do_not_depend_on_neighbours(kind: str) -> None:
    student = student_of(kind)
    assert student.model is not None
    tiny.lively(student.model)
    asked = [pair[0] for pair in tiny.PAIRS]
    single = [student.generate([text], 12)[0] for text in asked]
    assert len(set(single)) > 1
    assert student.generate(asked, 12) == single
    assert student.generate(asked, 12, batch_size=3) == single


def test_answers_stay_within_the_context_and_do_not_depend_on_neighbours_there() -> None:
    student = student_of("gpt2", context=128)
    assert student.model is not None
    tiny.lively(student.model)
    asked = ["Say hi.", "Count from one to five. " * 3, "Count from one to five. " * 40, "Say no."]
    single = [student.generate([text], 60)[0] for text in asked]
    assert student.generate(asked, 60) == single
    limit = student.prompt_limit(60)
    assert limit == 68 and student.room(limit, 60) == 60
    assert student.prompt_limit(1000) == 64 and student.room(64, 1000) == 64
    assert student.generate(["Say hi."], 1000)  # more than the positions GPT-2 has


def test_generate_leaves_everything_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    student = student_of("gpt2")
    assert student.model is not None
    student.model.train()
    student.model.generation_config.do_sample = True
    shipped, side = student.model.generation_config, student.tokenizer.padding_side
    student.generate(["Say hi.", "Count from one to five."], 4)
    student.loss(batch_of(student, tiny.PAIRS))
    assert student.model.training and student.model.generation_config is shipped
    assert student.tokenizer.padding_side == side
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("wrapper", ["alpaca", "bare"])
def test_overfitted_student_repeats_its_responses_and_stops(wrapper: str) -> None:
    student = student_of("gpt2", wrapper)
    assert student.pad == student.end
    assert overfit(student) == [response for _, response in tiny.PAIRS]

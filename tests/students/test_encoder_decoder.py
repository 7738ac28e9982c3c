"""Token layout, loss and answers of encoder-decoder students."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lamini.errors import UserError
from lamini.students import layout
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Features
from tests.students import tiny
from tests.students.tiny import batch_of, overfit


@pytest.fixture(scope="module")
def student() -> EncoderDecoder:
    tokenizer = tiny.t5_tokenizer()
    return EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer)))


def test_worked_example() -> None:
    student = EncoderDecoder(tiny.word_tokenizer(pad=True), 16, "bare")
    features = student.encode(["add 1 2", "say hi"], ["three", "hi hi"])
    assert features == [
        Features([3, 4, 5, 1], [7, 1], False),
        Features([6, 8, 1], [8, 8, 1], False),
    ]
    batch = student.collate([np.array([3, 4, 5, 1]), [6, 8, 1]], [np.array([7, 1]), [8, 8, 1]])
    assert {name: value.tolist() for name, value in batch.items()} == {
        "input_ids": [[3, 4, 5, 1], [6, 8, 1, 0]],
        "attention_mask": [[1, 1, 1, 1], [1, 1, 1, 0]],
        "decoder_input_ids": [[0, 7, 0], [0, 8, 8]],
        "labels": [[7, 1, -100], [8, 8, 1]],
    }


def test_collate_packed_is_the_worked_example(student: EncoderDecoder) -> None:
    batch = student.collate([[3, 4, 5, 1], [6, 8, 1]], [[7, 1], [8, 8, 1]], [[0, 1]])
    assert {name: value.tolist() for name, value in batch.items()} == {
        "input_ids": [[3, 4, 5, 1, 6, 8, 1]],
        "segment_ids": [[1, 1, 1, 1, 2, 2, 2]],
        "decoder_input_ids": [[0, 7, 0, 8, 8]],
        "decoder_segment_ids": [[1, 1, 2, 2, 2]],
        "labels": [[7, 1, 8, 8, 1]],
    }


def test_sides_are_what_collate_pads(student: EncoderDecoder) -> None:
    batch = batch_of(student, tiny.PAIRS)
    lengths = [batch["attention_mask"].sum(1).numpy(), (batch["labels"] != -100).sum(1).numpy()]
    sides_NK = student.sides(*lengths)
    assert [t.shape[1] for t in (batch["input_ids"], batch["labels"])] == sides_NK.max(0).tolist()


def test_long_prompt_keeps_head_and_end_and_is_marked() -> None:
    student = EncoderDecoder(tiny.word_tokenizer(pad=True), 4, "bare")
    assert student.encode(["add 1 2 say", "add 1 2"], ["hi", "hi"]) == [
        Features([3, 4, 5, 1], [8, 1], True),
        Features([3, 4, 5, 1], [8, 1], False),
    ]


def test_response_too_long_is_refused_and_one_that_just_fits_is_not() -> None:
    student = EncoderDecoder(tiny.word_tokenizer(pad=True), 4, "bare")
    short, long = student.encode(["add", "add"], ["1 2 1", "1 2 1 2"])
    assert short == Features([3, 1], [4, 5, 4, 1], False)
    assert long is None


def test_huge_rows_are_cut_or_refused_before_they_are_tokenised(
    student: EncoderDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    plain = EncoderDecoder.ids

    def watched(self: EncoderDecoder, texts: list[str]) -> list[list[int]]:
        seen.extend(map(len, texts))
        return plain(self, texts)

    monkeypatch.setattr(EncoderDecoder, "ids", watched)
    huge = "say hi " * 1_500_000
    cut, refused = student.encode([huge, "say hi"], ["three", huge])
    assert cut is not None and cut.truncated and len(cut.prompt) == student.context
    assert cut.prompt[-1] == student.end
    assert refused is None
    assert max(seen) <= layout.CHARACTERS_PER_TOKEN * student.context


def test_empty_texts(student: EncoderDecoder) -> None:
    assert student.encode([""], [""]) == [Features([1], [1], False)]
    assert student.encode([], []) == []


def test_padding_never_changes_the_loss(student: EncoderDecoder) -> None:
    total, count = student.loss(batch_of(student, tiny.PAIRS))
    alone = [student.loss(batch_of(student, [pair])) for pair in tiny.PAIRS]
    assert count == sum(int(n) for _, n in alone)
    assert total.item() == pytest.approx(sum(loss.item() for loss, _ in alone), rel=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_loss_is_fp32_and_equals_the_models_own(tied: bool) -> None:
    tokenizer = tiny.t5_tokenizer()
    student = EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer), tied))
    batch = batch_of(student, tiny.PAIRS)
    total, count = student.loss(batch)
    assert student.model is not None and total.dtype == torch.float32
    logits = student.model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    assert (total / count).item() == pytest.approx(expected.item(), rel=1e-5)
    student.model.to(torch.bfloat16)
    assert student.loss(batch)[0].dtype == torch.float32


def test_head_runs_at_response_positions_only(student: EncoderDecoder) -> None:
    rows: list[torch.Size] = []
    assert student.model is not None
    head = student.model.get_output_embeddings()
    hook = head.register_forward_hook(lambda module, args, out: rows.append(out.shape))
    _, count = student.loss(batch_of(student, tiny.PAIRS))
    hook.remove()
    assert rows == [(int(count), head.weight.shape[0])]


def test_answers_keep_order_and_do_not_depend_on_neighbours(student: EncoderDecoder) -> None:
    asked = [pair[0] for pair in tiny.PAIRS]
    student = EncoderDecoder(student.tokenizer, 64, "bare", tiny.lively(tiny.t5(len(student.tokenizer))))
    single = [student.generate([text], 12)[0] for text in asked]
    assert len(set(single)) > 1
    assert student.generate(asked, 12) == single
    assert student.generate(asked, 12, batch_size=3) == single
    assert student.generate([], 12) == []


def test_generate_leaves_model_and_tokenizer_as_they_were(
    student: EncoderDecoder, capfd: pytest.CaptureFixture[str]
) -> None:
    assert student.model is not None
    student.model.train()
    shipped, side = student.model.generation_config, student.tokenizer.padding_side
    student.generate(["say hi", "add 1 2 and 3"], 4)
    assert student.model.training and student.model.generation_config is shipped
    assert student.tokenizer.padding_side == side
    assert capfd.readouterr() == ("", "")


def test_overfitted_student_repeats_its_responses_and_stops() -> None:
    tokenizer = tiny.t5_tokenizer()
    student = EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer)))
    assert overfit(student) == [response for _, response in tiny.PAIRS]


def test_tokens_alone_give_a_clear_error() -> None:
    student = EncoderDecoder(tiny.word_tokenizer(pad=True), 16, "bare")
    with pytest.raises(UserError, match="give it a model"):
        student.generate(["add"], 4)
    with pytest.raises(UserError, match="give it a model"):
        student.loss(student.collate([[3, 1]], [[7, 1]]))


def test_models_that_do_not_fit_the_tokenizer_are_refused() -> None:
    tokenizer = tiny.word_tokenizer(pad=True)
    with pytest.raises(UserError, match="9 tokens but the model embeds 8"):
        EncoderDecoder(tokenizer, 16, "bare", tiny.t5(8)).ready()
    model = tiny.t5(9)
    model.config.decoder_start_token_id = 2
    with pytest.raises(UserError, match="decoder_start_token_id is 2"):
        EncoderDecoder(tokenizer, 16, "bare", model).ready()
    with pytest.raises(UserError, match="gpt2 is no T5"):
        EncoderDecoder(tokenizer, 16, "bare", tiny.causal("gpt2", 9)).ready()


def test_features_are_checked_after_collate() -> None:
    class Missing(EncoderDecoder):
        FEATURES = EncoderDecoder.FEATURES | {"bias": torch.int64}

    class Mistyped(EncoderDecoder):
        FEATURES = EncoderDecoder.FEATURES | {"labels": torch.int32}

    class Extra(EncoderDecoder):
        FEATURES = {"input_ids": torch.int64, "attention_mask": torch.int64, "labels": torch.int64}

    cases = {Missing: "bias", Mistyped: "labels is torch.int64", Extra: "decoder_input_ids"}
    for kind, message in cases.items():
        with pytest.raises(TypeError, match=message):
            kind(tiny.word_tokenizer(pad=True), 16, "bare").collate([[3, 1]], [[7, 1]])


def test_layout_changes_with_what_decides_the_ids_and_with_nothing_else() -> None:
    tokenizer = tiny.word_tokenizer(pad=True)
    first = EncoderDecoder(tokenizer, 16, "bare").layout()
    tokenizer(["add", "add 1"], padding=True, truncation=True, max_length=3)
    assert EncoderDecoder(tokenizer, 16, "bare").layout() == first
    others = [
        EncoderDecoder(tokenizer, 17, "bare"),
        EncoderDecoder(tokenizer, 64, "alpaca"),
        EncoderDecoder(tiny.t5_tokenizer(), 16, "bare"),
    ]
    assert all(other.layout() != first for other in others)

"""Students that continue the prompt (GPT-2, GPT-Neo, GPT-J, Cerebras-GPT, LLaMA).

ids = start + encode(wrapper(instruction)) + encode(response) + end, where start is the
beginning-of-sequence token if the tokenizer adds one. Prompt and response are encoded apart and the
response as it is written: no blank is added between them, so the boundary is known exactly and no
token spans it. The loss covers the response and its end (paper §4.1, Alpaca's recipe); the shift by
one is done here.

Where a row is a pair no attention mask is passed: padding stands on the right, where causal attention
never looks back at it from a real token. A test shows equal losses; without a mask SDPA can take its
causal kernels.

Names: B pairs of a batch, N pairs of a plan, T positions, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamini.students.branches import Branches, stacked
from lamini.students.masks import packed_mask
from lamini.students.operations import ATTENTION, Operations, causal, of_head, of_matrices
from lamini.students.protocol import Batch, Features, Scored, Student
from lamini.students.tensors import IGNORE, Ids, join_rows, length_mask, pad_rows, segments

MINIMUM_PROMPT = 32  # ids of a longer prompt that a row must keep room for


class DecoderOnly(Student):
    """GPT-shaped students.

    Worked example, with add=3, 1=4, 2=5, say=6, three=7, hi=8 and end=padding=1, wrapper `bare`:

        encode(["add 1 2", "say hi"], ["three", "hi hi"])
            prompt [3, 4, 5]   response [7, 1]
            prompt [6, 8]      response [8, 8, 1]
        collate
            input_ids     [[3, 4, 5, 7], [6, 8, 8, 8]]
            position_ids  [[0, 1, 2, 3], [0, 1, 2, 3]]
            labels        [[-100, -100, 7, 1], [-100, 8, 8, 1]]

        collate with rows [[0, 1]]
            input_ids     [[3, 4, 5, 7, 6, 8, 8, 8]]
            position_ids  [[0, 1, 2, 3, 0, 1, 2, 3]]
            segment_ids   [[1, 1, 1, 1, 2, 2, 2, 2]]
            labels        [[-100, -100, 7, 1, -100, 8, 8, 1]]

    In a packed row positions start anew with each pair, learned absolute ones too, and the mask made
    of the segments keeps the pairs apart. The end token is a label but never an input, so a row
    costs one position less than it has ids. Padding is known by length: it may share its id with
    the end token, which stays a label all the same.
    """

    architecture = "decoder-only"
    auto_model = "AutoModelForCausalLM"
    padding_side = "left"
    PACKABLE = ("gpt2", "gpt_neo", "gptj", "gpt_neox", "llama", "qwen3")
    FEATURES = {
        "input_ids": torch.int64,
        "position_ids": torch.int64,
        "labels": torch.int64,
    }
    PACKED = FEATURES | {"segment_ids": torch.int64}

    def prompt_tail(self) -> list[int]:
        """The wrapper's suffix: without it a student would not know that it is to answer."""
        return self.suffix_ids()

    def fit(self, prompt: list[int], response: list[int], truncated: bool) -> Features | None:
        """Prompt + response within the context, the prompt giving way.

        A prompt that is too long keeps its head and the wrapper's suffix. None if the response
        leaves less room than min(len(prompt), 32) ids (more where the suffix alone is longer), or
        if there is no prompt at all to predict the first response token from (bare wrapper, empty
        instruction, no start token).
        """
        room = self.context - len(response)
        if not prompt or room < min(len(prompt), max(MINIMUM_PROMPT, len(self.tail))):
            return None
        kept = self.cut(prompt, room)
        return Features(kept, response, truncated or len(kept) < len(prompt))

    def sides(self, prompt_N: np.ndarray, response_N: np.ndarray) -> np.ndarray:
        """One side: prompt + response - 1, as the end token is never an input."""
        return (prompt_N.astype(np.int64) + response_N - 1)[:, None]

    @staticmethod
    def operations(model: PreTrainedModel) -> Operations:
        """The transformer at every position, the head at responses."""
        config: Any = model.config
        body, head = of_matrices(model, lambda name: True), of_head(model)
        kinds = getattr(config, "attention_layers", ["global"] * config.num_hidden_layers)  # GPT-Neo's
        windows = [config.window_size if kind == "local" else None for kind in kinds]
        heads = config.num_attention_heads
        width = heads * (getattr(config, "head_dim", None) or config.hidden_size // heads)

        def count(prompt_N: np.ndarray, response_N: np.ndarray) -> float:
            positions_N = prompt_N.astype(np.float64) + response_N - 1
            attention = ATTENTION * width * causal(positions_N, windows)
            return float(body * positions_N.sum() + head * response_N.sum() + attention)

        return count

    def arrange(self, prompts: Sequence[Ids], responses: Sequence[Ids], rows: Sequence[Ids] | None) -> Batch:
        """Inputs, positions and labels; see the class for examples."""
        pairs = list(zip(prompts, responses, strict=True))
        inputs = [np.concatenate((p, r[:-1])) for p, r in pairs]
        labels = [np.concatenate((np.full(len(p) - 1, IGNORE), r)) for p, r in pairs]
        arrays = {
            "input_ids": pad_rows(join_rows(inputs, rows), self.pad),
            "labels": pad_rows(join_rows(labels, rows), IGNORE),
        }
        lengths = [len(ids) for ids in inputs]
        if rows is None:
            arrays["position_ids"] = np.tile(np.arange(max(lengths), dtype=np.int64), (len(pairs), 1))
        else:
            positions = [np.arange(length, dtype=np.int64) for length in lengths]
            arrays["position_ids"] = pad_rows(join_rows(positions, rows), 0)
            arrays["segment_ids"] = segments(lengths, rows)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def scored(self, context: list[int], answer: list[int], limit: int) -> Scored:
        """All but the last token are inputs, as lm-eval has it.

        Context 3 4 5 and answer 7 8 are inputs 3 4 5 7; with limit 3 they are 4 5 7, and one is cut.
        """
        whole = context + answer
        kept = whole[-(limit + 1) :]
        return Scored((), tuple(kept[:-1]), tuple(answer), len(whole) - len(kept))

    def branch(self, sources: Sequence[Ids], trees: Sequence[Branches]) -> Batch:
        """Inputs, positions and distances; there are no sources.

        Inputs 3 4 7 and 3 4 8 8 have input_ids [[3, 4, 7, 8, 8]] and position_ids [[0, 1, 2, 2, 3]].
        """
        return {
            "input_ids": torch.from_numpy(pad_rows([tree.ids for tree in trees], self.pad)),
            "position_ids": torch.from_numpy(pad_rows([tree.depths for tree in trees], 0)),
            "distances": stacked(trees),
        }

    def reference(self, prompts: Sequence[Ids], responses: Sequence[Ids]) -> Batch:
        """All ids with their mask, and the same as labels without the prompts, padded."""
        pairs = list(zip(prompts, responses, strict=True))
        whole = [np.concatenate(pair) for pair in pairs]
        labels = [np.concatenate((np.full(len(p), IGNORE), r)) for p, r in pairs]
        arrays = {
            "input_ids": pad_rows(whole, self.pad),
            "attention_mask": length_mask(whole),
            "labels": pad_rows(labels, IGNORE),
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def hidden(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """Last states hidden_BTD of the transformer without its head."""
        # Embeddings rather than ids: given ids without a mask, some models look for padding by id
        # and warn.
        embedded_BTD = model.get_input_embeddings()(batch["input_ids"])
        segments_BT = batch.get("segment_ids")
        mask = batch.get("distances")
        if segments_BT is not None:
            mask = packed_mask(model, segments_BT, segments_BT, causal=True)
        hidden_BTD: Tensor = model.base_model(
            inputs_embeds=embedded_BTD,
            attention_mask=mask,
            position_ids=batch["position_ids"],
            use_cache=False,
        ).last_hidden_state
        return hidden_BTD

    def room(self, prompt_length: int, max_new_tokens: int) -> int:
        """What the context leaves after the prompt."""
        return min(max_new_tokens, self.context - prompt_length)

    def prompt_limit(self, max_new_tokens: int) -> int:
        """The context without the answer, but at least half: a prompt beats a long answer."""
        return self.context - min(max_new_tokens, self.context // 2)

"""Students that read with an encoder and write with a decoder (T5, Flan-T5).

The encoder sees wrapper(instruction) + end, the decoder learns response + end (paper §4.1). The
shift by one is done here and not by the model, which would do it by padding id. T5's stack is
called in two parts so that the head runs where there is a response token and nowhere else.

Names: B pairs of a batch, N pairs of a plan, T positions, D width.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel

from lamini.errors import UserError
from lamini.students.attention.backends import in_use
from lamini.students.branches import Branches, stacked
from lamini.students.masks import packed_mask
from lamini.students.operations import ATTENTION, Operations, causal, of_head, of_matrices
from lamini.students.protocol import Batch, Features, Scored, Student
from lamini.students.tensors import IGNORE, Ids, join_rows, length_mask, pad_rows, segments


class EncoderDecoder(Student):
    """T5-shaped students.

    Worked example, with add=3, 1=4, 2=5, say=6, three=7, hi=8, end=1 and padding=0, wrapper `bare`:

        encode(["add 1 2", "say hi"], ["three", "hi hi"])
            prompt [3, 4, 5, 1]   response [7, 1]
            prompt [6, 8, 1]      response [8, 8, 1]
        collate
            input_ids          [[3, 4, 5, 1], [6, 8, 1, 0]]
            attention_mask     [[1, 1, 1, 1], [1, 1, 1, 0]]
            decoder_input_ids  [[0, 7, 0], [0, 8, 8]]
            labels             [[7, 1, -100], [8, 8, 1]]

        collate with rows [[0, 1]]
            input_ids            [[3, 4, 5, 1, 6, 8, 1]]
            segment_ids          [[1, 1, 1, 1, 2, 2, 2]]
            decoder_input_ids    [[0, 7, 0, 8, 8]]
            decoder_segment_ids  [[1, 1, 2, 2, 2]]
            labels               [[7, 1, 8, 8, 1]]

    The decoder starts with the padding id, as all T5 models do, for every pair of a row: a shift of
    the whole row, as the model would do it, would show a pair the end of the one before. Padding of
    the decoder needs no mask where a row is a pair: it stands to the right of what it could disturb
    in causal attention, and has no label. Packed rows have three masks, made of the segments:
    encoder, decoder, and from decoder to encoder. T5's position bias only knows distances, so
    positions need not start anew.
    """

    architecture = "encoder-decoder"
    auto_model = "AutoModelForSeq2SeqLM"
    padding_side = "right"
    PACKABLE = ("t5",)
    refused_precisions = {
        "16-mixed": "T5's feed-forward activations exceed fp16's 65504 and the loss becomes NaN;"
        " use trainer.precision=bf16-mixed, or 32-true where the device has no bf16"
    }
    refused_attention = {
        "flash": "takes no position bias, which T5 adds to its scores; use trainer.attention=sdpa, or"
        " flex for a student without dropout"
    }
    refused_compiled = {"flex": "with T5's bias cannot be compiled; use trainer.attention=sdpa"}
    FEATURES = {
        "input_ids": torch.int64,
        "attention_mask": torch.int64,
        "decoder_input_ids": torch.int64,
        "labels": torch.int64,
    }
    PACKED = {
        "input_ids": torch.int64,
        "segment_ids": torch.int64,
        "decoder_input_ids": torch.int64,
        "decoder_segment_ids": torch.int64,
        "labels": torch.int64,
    }

    def prompt_end(self) -> list[int]:
        """The encoder's input ends with the end token, as in T5's own training."""
        return [self.end]

    def prompt_tail(self) -> list[int]:
        """The wrapper's suffix and the end token."""
        return self.suffix_ids() + [self.end]

    def fit(self, prompt: list[int], response: list[int], truncated: bool) -> Features | None:
        """Prompt and response each within the context; None if the response is longer."""
        if len(response) > self.context:
            return None
        kept = self.cut(prompt, self.context)
        return Features(kept, response, truncated or len(kept) < len(prompt))

    def sides(self, prompt_N: np.ndarray, response_N: np.ndarray) -> np.ndarray:
        """Encoder and decoder: (prompt, response)."""
        return np.stack([prompt_N, response_N], axis=1).astype(np.int64)

    @staticmethod
    def operations(model: PreTrainedModel) -> Operations:
        """The encoder at prompts, the decoder at responses; what the decoder looks at is made at prompts."""
        config: Any = model.config
        decoders = config.num_decoder_layers or config.num_layers
        seen = re.compile(r"decoder\..*EncDecAttention\.[kv]\.")
        prompts = of_matrices(model, lambda name: name.startswith("encoder.") or bool(seen.match(name)))
        responses = of_head(model)
        responses += of_matrices(model, lambda name: name.startswith("decoder.") and not seen.match(name))
        attention = ATTENTION * config.num_heads * config.d_kv

        def count(prompt_N: np.ndarray, response_N: np.ndarray) -> float:
            prompt_N, response_N = prompt_N.astype(np.float64), response_N.astype(np.float64)
            own = config.num_layers * (prompt_N**2).sum() + causal(response_N, [None] * decoders)
            looks = own + decoders * prompt_N @ response_N
            return float(prompts * prompt_N.sum() + responses * response_N.sum() + attention * looks)

        return count

    def arrange(self, prompts: Sequence[Ids], responses: Sequence[Ids], rows: Sequence[Ids] | None) -> Batch:
        """Encoder input with its mask, decoder input, labels; see the class for examples."""
        shifted = [np.concatenate(([self.pad], response[:-1])) for response in responses]
        arrays = {
            "input_ids": pad_rows(join_rows(prompts, rows), self.pad),
            "decoder_input_ids": pad_rows(join_rows(shifted, rows), self.pad),
            "labels": pad_rows(join_rows(responses, rows), IGNORE),
        }
        if rows is None:
            arrays["attention_mask"] = length_mask(prompts)
        else:
            arrays["segment_ids"] = segments([len(prompt) for prompt in prompts], rows)
            arrays["decoder_segment_ids"] = segments([len(response) for response in responses], rows)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def scored(self, context: list[int], answer: list[int], limit: int) -> Scored:
        """The encoder reads the last `limit` tokens of the context, the decoder the answer behind its start.

        Context 3 4 5 1 and answer 7 1 with limit 3 are source 4 5 1 and inputs 0 7; one token is cut.
        """
        kept = context[-limit:]
        return Scored(tuple(kept), (self.pad, *answer[:-1]), tuple(answer), len(context) - len(kept))

    def branch(self, sources: Sequence[Ids], trees: Sequence[Branches]) -> Batch:
        """The sources with their mask, and the decoder's inputs with their distances."""
        return {
            "input_ids": torch.from_numpy(pad_rows(sources, self.pad)),
            "attention_mask": torch.from_numpy(length_mask(sources)),
            "decoder_input_ids": torch.from_numpy(pad_rows([tree.ids for tree in trees], self.pad)),
            "distances": stacked(trees),
        }

    def reference(self, prompts: Sequence[Ids], responses: Sequence[Ids]) -> Batch:
        """Inputs, mask and unshifted labels, padded."""
        batch = self.arrange(prompts, responses, None)
        return {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}

    def hidden(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """Decoder states hidden_BTD, scaled where the head is tied to the embeddings."""
        masks = self.masks(model, batch)
        encoded_BTD = model.get_encoder()(
            input_ids=batch["input_ids"], attention_mask=masks["encoder"]
        ).last_hidden_state
        hidden_BTD: Tensor = model.get_decoder()(
            input_ids=batch["decoder_input_ids"],
            attention_mask=masks["decoder"],
            encoder_hidden_states=encoded_BTD,
            encoder_attention_mask=masks["cross"],
            use_cache=False,
        ).last_hidden_state
        # Older transformers have no such field for T5 and go by the tie of head and embeddings.
        config = model.config
        if getattr(config, "scale_decoder_outputs", config.tie_word_embeddings):
            hidden_BTD = hidden_BTD * config.d_model**-0.5
        return hidden_BTD

    def masks(self, model: PreTrainedModel, batch: Batch) -> dict[str, Any]:
        """The masks of encoder, decoder and cross-attention.

        Called apart, encoder and decoder each get the mask they need: the model's own forward pass has
        one for both.
        """
        if "distances" in batch:
            source_BT = batch["attention_mask"]
            return {"encoder": source_BT, "decoder": batch["distances"], "cross": source_BT}
        if "segment_ids" in batch:
            source_BT, target_BT = batch["segment_ids"], batch["decoder_segment_ids"]
        else:
            source_BT, target_BT = batch["attention_mask"], (batch["labels"] != IGNORE).long()
            if in_use(model) != "flex":  # which takes no other mask where there is a bias
                return {"encoder": source_BT, "decoder": None, "cross": source_BT}
        return {
            "encoder": packed_mask(model, source_BT, source_BT),
            "decoder": packed_mask(model, target_BT, target_BT, causal=True),
            "cross": packed_mask(model, target_BT, source_BT),
        }

    def ready(self) -> PreTrainedModel:
        """The model.

        Raises:
            UserError: as `Student.ready`; no T5 (its relatives scale the head's input by other
                rules); or a decoder that starts with another token than padding.
        """
        model = super().ready()
        if model.config.model_type != "t5":
            raise UserError(f"model_type {model.config.model_type} is no T5; encoder-decoders must be")
        start = model.config.decoder_start_token_id
        if start not in (None, self.pad):
            raise UserError(
                f"the model's decoder_start_token_id is {start} but the tokenizer pads with "
                f"{self.pad}; T5 starts with padding: use the tokenizer that belongs to the model"
            )
        return model

    def room(self, prompt_length: int, max_new_tokens: int) -> int:
        """All that was asked for: the decoder has a context of its own and relative positions."""
        return max_new_tokens

    def prompt_limit(self, max_new_tokens: int) -> int:
        """The encoder's context, whatever the answer's length."""
        return self.context

    def greedy(self, max_new_tokens: int) -> GenerationConfig:
        """Greedy decoding from the padding id."""
        config = super().greedy(max_new_tokens)
        config.decoder_start_token_id = self.pad
        return config

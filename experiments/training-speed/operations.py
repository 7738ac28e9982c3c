"""Operations that real tokens need, forward and backward: what MFU counts, and nothing that padding costs.

A multiplication and its addition are two; the backward pass costs twice the forward one. Counted are the
matrices of the blocks for every token, attention for every pair of positions that may see each other, and the
head for response tokens alone. Embeddings, norms and activations are left out, as is usual.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bf16, SXM


def peak_of(name: str) -> float | None:
    """Operations a second of the device called `name`; None where it is not known."""
    return next((peak for chip, peak in PEAKS.items() if chip in name), None)


def needed(config: Any, prompt_N: np.ndarray, response_N: np.ndarray) -> float:
    """Operations of one training pass over pairs of these lengths; the response has its end token."""
    prompt, response = prompt_N.astype(np.float64), response_N.astype(np.float64)
    count = _encoder_decoder if config.is_encoder_decoder else _decoder_only
    return 3 * float(count(config, prompt, response).sum())


def _decoder_only(config: Any, prompt: np.ndarray, response: np.ndarray) -> np.ndarray:
    """GPT-2: four matrices of the width for attention, two of the inner width."""
    width, inner = config.n_embd, config.n_inner or 4 * config.n_embd
    tokens = prompt + response - 1  # the end token is predicted and never read
    block = 2 * tokens * (4 * width**2 + 2 * width * inner) + 2 * width * tokens * (tokens + 1)
    return np.asarray(config.n_layer * block + 2 * response * width * config.vocab_size)


def _encoder_decoder(config: Any, prompt: np.ndarray, response: np.ndarray) -> np.ndarray:
    """T5: the encoder reads the prompt, the decoder the response; the prompt's keys and values cross over."""
    width, inner = config.d_model, config.num_heads * config.d_kv
    forward = (3 if config.is_gated_act else 2) * width * config.d_ff
    encoder = 2 * prompt * (4 * width * inner + forward) + 4 * inner * prompt**2
    decoder = (
        2 * response * (6 * width * inner + forward)
        + 2 * prompt * 2 * width * inner
        + 2 * inner * response * (response + 1)
        + 4 * inner * prompt * response
    )
    head = 2 * response * width * config.vocab_size
    return np.asarray(config.num_layers * encoder + config.num_decoder_layers * decoder + head)

"""Which model type each format holds, and the reason where it does not.

As of CTranslate2 4.8, optimum-onnx 0.1 and the llama.cpp of late 2026, by their own lists of converters.
"""

from __future__ import annotations

FORMATS = ("gguf", "onnx", "ctranslate2")
TARGETS = (*FORMATS, "hub")

TYPES = ("t5", "gpt2", "gpt_neo", "gptj", "gpt_neox", "llama", "qwen3")
"""Of config.json: flan-t5 is t5, cerebras-gpt is gpt2, pythia is gpt_neox, smollm2 is llama."""

REFUSED = {
    ("gguf", "gpt_neo"): "llama.cpp has no GPT-Neo: its layers see windows and the whole by turns",
    ("gguf", "gptj"): "llama.cpp has no GPT-J: its converter does not know the architecture",
    (
        "gguf",
        "gpt_neox",
    ): "transformers reads no GGUF of a GPT-NeoX back, so nothing compares its answers",
    ("ctranslate2", "gpt_neox"): "CTranslate2 4.8 asks a GPT-NeoX for a key that transformers 5 has no more",
    ("ctranslate2", "gpt_neo"): "CTranslate2 has no GPT-Neo: its layers see windows and the whole by turns",
}


def refusal(target: str, model_type: str) -> str | None:
    """Why a format does not hold a model type; None where it does.

    >>> refusal("ctranslate2", "gpt_neo")
    'CTranslate2 has no GPT-Neo: its layers see windows and the whole by turns; onnx holds it'
    >>> refusal("hub", "bart") is None
    True
    """
    if target == "hub":
        return None
    if reason := REFUSED.get((target, model_type)):
        return f"{reason}; {_others(target, model_type)}"
    if model_type not in TYPES:
        return f"answers of model type {model_type} are not compared there; of {', '.join(TYPES)} they are"
    return None


TRAINED = (
    "its tokenizer was trained here, and llama.cpp knows the ways to cut text by name only: it would cut"
    " another way than the student learned; students with tokenizer=family can be written"
)


def _others(target: str, model_type: str) -> str:
    able = [one for one in FORMATS if one != target and (one, model_type) not in REFUSED]
    return f"{' and '.join(able)} hold{'s' if len(able) == 1 else ''} it"


def table() -> dict[str, dict[str, bool]]:
    """Model type -> format -> whether it holds it: what README.md shows."""
    return {kind: {name: refusal(name, kind) is None for name in FORMATS} for kind in TYPES}

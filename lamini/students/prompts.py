"""The text around an instruction, by name, and the same text as a chat template.

A wrapper is a prefix and a suffix: `bare` is nothing at all (the paper's encoder-decoder students),
`alpaca` is the no-input prompt of Stanford Alpaca (the paper's decoder-only students, §4.1).
Training writes the text itself; the chat template says it once more in Jinja so that plain
transformers asks an exported student exactly as it was trained. Two spellings of one text can drift
apart, so `chat_template` renders and tokenises a probe and refuses a template that does not give
the training ids.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBE = "Name one colour."


@dataclass(frozen=True)
class Wrapper:
    """What stands before and after the instruction."""

    name: str
    prefix: str
    suffix: str

    def __call__(self, instruction: str) -> str:
        return self.prefix + instruction + self.suffix


WRAPPERS = {
    wrapper.name: wrapper
    for wrapper in (
        Wrapper("bare", "", ""),
        # Alpaca's PROMPT_DICT["prompt_no_input"]; the prompt ends right after the colon.
        Wrapper(
            "alpaca",
            "Below is an instruction that describes a task. "
            "Write a response that appropriately completes the request.\n\n### Instruction:\n",
            "\n\n### Response:",
        ),
    )
}


def wrapper_named(name: str) -> Wrapper:
    """The wrapper called `name`.

    Raises:
        UserError: no wrapper has that name; the message lists those that exist.
    """
    if name not in WRAPPERS:
        raise UserError(f"family.wrapper={name} is unknown; it can be {' or '.join(WRAPPERS)}")
    return WRAPPERS[name]


def render_template(wrapper: Wrapper, start: str, end: str) -> str:
    """Jinja for `tokenizer.chat_template`: start, prefix + user + suffix, assistant + end.

    Every turn of the user gets the whole wrapper, because that is the only prompt a student has
    seen; the prompt for an answer is complete without `add_generation_prompt`, which therefore
    changes nothing.
    """
    prefix, suffix, first, last = (json.dumps(text) for text in (wrapper.prefix, wrapper.suffix, start, end))
    return (
        f"{{{{ {first} }}}}{{% for message in messages %}}"
        "{% if message['role'] == 'user' %}"
        f"{{{{ {prefix} + message['content'] + {suffix} }}}}"
        "{% elif message['role'] == 'assistant' %}"
        f"{{{{ message['content'] + {last} }}}}"
        "{% else %}"
        "{{ raise_exception('this student knows the roles user and assistant only') }}"
        "{% endif %}{% endfor %}"
    )


def chat_template(tokenizer: PreTrainedTokenizerBase, wrapper: Wrapper, start: list[int], end: int) -> str:
    """The chat template under which `tokenizer` gives start + encode(wrapper(instruction)).

    `apply_chat_template` adds no special tokens, so those of `start` (a beginning-of-sequence
    token, if the tokenizer adds one) are written into the text. Metaspace tokenizers that put their
    leading blank on the first word only lose it after such a token; a written blank gives it back,
    and the probe decides which of the two spellings is right.

    With an assistant's turn the text is that of training, and so are the ids unless the tokenizer
    sees across the colon that ends the prompt: byte-level BPE joins a response that begins with
    punctuation (":" + ")" becomes ":)"), Metaspace gives the first word of a separately encoded
    response a blank.

    Raises:
        UserError: the tokenizer cannot write this prompt as text.
    """
    first = "".join(tokenizer.convert_ids_to_tokens(start))
    last = str(tokenizer.convert_ids_to_tokens(end))
    wanted = start + tokenizer(wrapper(PROBE), add_special_tokens=False)["input_ids"]
    for gap in ("", " ") if start else ("",):
        template = render_template(wrapper, first + gap, last)
        given = tokenizer.apply_chat_template(
            [{"role": "user", "content": PROBE}], chat_template=template, return_dict=False
        )
        if given == wanted:
            return template
    raise UserError(
        f"the tokenizer gives other tokens for wrapper {wrapper.name} as a chat template than in "
        "training; use a byte-level BPE tokenizer (family.tokenizer_algorithm=byte-bpe)"
    )

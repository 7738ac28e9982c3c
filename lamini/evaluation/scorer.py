"""lm-eval's model `lamini`: a student that reads every context once for all its answers.

`lm_eval.simple_evaluate(model="lamini", model_args={"pretrained": <folder or hub id>})` works wherever
lamini.evaluation was imported. Loading, tokenisation, truncation and generation are those of lm-eval's own
`hf`; what differs is how log-probabilities are computed (lamini/evaluation/rows.py), and that contexts may be
put into the wrapper that a student was trained with, whatever the task.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import normalize_gen_kwargs
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from lamini.errors import UserError
from lamini.evaluation.kernels import fast
from lamini.evaluation.outcome import TaskError
from lamini.evaluation.rows import batches, rows_of, score
from lamini.students.attention.backends import use
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.head import CHUNK_LOGITS
from lamini.students.prompts import PROBE, WRAPPERS, wrapper_named
from lamini.students.protocol import Student

BUDGETS = {"cpu": 4_096, "cuda": 65_536, "mps": 16_384}  # positions of a batch
SLACK = {"cpu": 32, "cuda": 4_096, "mps": 512}  # of those, padding at most: what it costs to begin a batch

Progress = Callable[[int, int], None]
"""(requests scored, requests in all)"""


class Scorer(HFLM):
    """A causal or a sequence-to-sequence model of transformers, scored by trees of requests."""

    def __init__(
        self,
        pretrained: Any,
        wrapper: str = "auto",
        batch_tokens: int | None = None,
        progress: Progress | None = None,
        **more: Any,
    ) -> None:
        """`more` are the arguments of lm-eval's `hf`.

        `wrapper` is a name of WRAPPERS or auto: what the tokenizer's chat template says, bare without one.
        `batch_tokens` are the positions of a batch; None leaves them to the device.

        Raises:
            UserError: unknown wrapper; tokenizer without an end token.
        """
        if isinstance(pretrained, PreTrainedModel):
            _leave_tied(pretrained)
        super().__init__(pretrained, **{"batch_size": 16, **more})
        self.model.__dict__.pop("tie_weights", None)
        self.wrap = wrapper_named(wrapper_of(self.tokenizer) if wrapper == "auto" else wrapper)
        self.progress = progress
        self.batch_tokens = batch_tokens or positions(self.model)
        self.slack = SLACK.get(self.device.type, SLACK["cuda"])
        self.cut = 0  # contexts that were longer than the model
        self.limited = 0  # answers that had to be shorter than their task allows
        self.shortened: set[Any] = set()  # (context, answer) of those that the last batches were made of
        kind = EncoderDecoder if self.backend == "seq2seq" else DecoderOnly
        self.obstacle = kind.packing_obstacle(self.config.model_type)
        self.student: Student | None = None
        if self.obstacle is None:
            use(self.model, "sdpa")
            self.student = kind(self.tokenizer, self.max_length, "bare", self.model)

    def _create_model(self, *arguments: Any, **more: Any) -> None:
        """See lm-eval."""
        super()._create_model(*arguments, **more)
        _leave_tied(self._model)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """See lm-eval; the contexts in the wrapper.

        Raises:
            TaskError: an answer without tokens or longer than the model; nothing is computed then.
            UserError: a log-probability that is NaN.
        """
        encoded = []
        for request in requests:
            context, answer = request.args
            ids = self._encoded(context, answer)
            if not ids[1]:
                raise _task_error(request, f"the answer {answer!r} has no tokens")
            if len(ids[1]) > self.max_length:
                taken = f"the answer has {len(ids[1])} tokens, the model takes {self.max_length}"
                raise _task_error(request, taken)
            encoded.append(((context, answer), *ids))
        return self._loglikelihood_tokens(encoded)

    def _encoded(self, context: str, answer: str) -> tuple[list[int], list[int]]:
        """Ids of the wrapped context and of the answer, as lm-eval's `hf` has them."""
        text = self.wrap(context)
        if text:
            return self._encode_pair(text, answer)
        ids = self.tok_encode(answer, add_special_tokens=False)
        if ids and ids[0] == self.prefix_token_id:
            return ids[:1], ids[1:]
        return [self.prefix_token_id], ids

    @lru_cache(maxsize=64)  # noqa: B019  a context comes with each of its answers, one after another
    def tok_encode(self, string: str, *arguments: Any, **more: Any) -> list[int]:
        """See lm-eval."""
        return super().tok_encode(string, *arguments, **more)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """See lm-eval; the contexts in the wrapper.

        An answer may have at most half the context of a decoder-only model where a task allows more than all
        of it (IFEval: 1,280 tokens), which lm-eval's `hf` refuses; those answers are counted as `limited`.
        """
        wrapped = []
        for request in requests:
            context, options = request.args
            bounded = self._bounded(options)
            self.limited += bounded is not options
            wrapped.append(replace(request, arguments=(self.wrap(context), bounded)))
        # What an export says of its answers' length would outrank in transformers what the task says.
        self.model.generation_config.max_new_tokens = None
        return super().generate_until(wrapped, disable_tqdm=True)

    def _bounded(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options of an answer with no more new tokens than a short context has room for."""
        asked = normalize_gen_kwargs(options, self.max_gen_toks)["max_gen_toks"]
        if self.backend == "seq2seq" or asked < self.max_length:
            return options
        return {**options, "max_gen_toks": self.max_length // 2}

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[Any, list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        """Log-probability and greediness of every request, in order."""
        if self.student is None:
            return super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)  # type: ignore[arg-type]
        limit = self.max_length
        scored = [self.student.scored(context, answer, limit) for _, context, answer in requests]
        self.shortened = {pair[0] for pair, one in zip(requests, scored, strict=True) if one.cut}
        self.cut += sum(request.cut > 0 for request in scored)
        found: list[tuple[float, bool] | None] = [None] * len(scored)
        done = 0
        with fast(self.model):
            for batch in batches(rows_of(scored, self.batch_tokens), self.batch_tokens, self.slack):
                for number, logprob, greedy in score(self.student, batch, scored):
                    if math.isnan(logprob):
                        raise UserError(f"the log-probability of {requests[number][0]} is NaN")
                    found[number] = (logprob, greedy)
                    if requests[number][0] is not None:
                        self.cache_hook.add_partial("loglikelihood", requests[number][0], found[number])
                    done += 1
                if self.progress:
                    self.progress(done, len(scored))
        assert None not in found
        return found  # type: ignore[return-value]


def positions(model: PreTrainedModel) -> int:
    """Of a batch, where nobody said how many: what the device takes.

    On a CPU they are fewer where a layer is so wide that its output would have more numbers than a chunk of
    logits may have: 2,389 with GPT-2's 3,072 columns.
    """
    device = model.device.type
    if device != "cpu":
        return BUDGETS.get(device, BUDGETS["cpu"])
    head = model.get_output_embeddings()  # whose numbers come in chunks of their own
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | Conv1D) and m is not head]
    widest = max((max(layer.weight.shape) for layer in layers), default=1)
    return max(1, min(BUDGETS["cpu"], CHUNK_LOGITS["cpu"] // widest))


def _leave_tied(model: Any) -> None:
    """Make lm-eval's call of `tie_weights` do nothing: what a checkpoint ties is tied when it is loaded.

    transformers 5 believes of every T5 that its head is tied; tied once more, that of T5 v1.1 or Flan-T5
    would be replaced by its embeddings, and every answer and log-probability would be noise.
    """
    model.tie_weights = lambda *arguments, **more: None


def wrapper_of(tokenizer: Any) -> str:
    """The wrapper whose text a tokenizer's chat template gives; bare without one, or with another text."""
    if not getattr(tokenizer, "chat_template", None):
        return "bare"
    turn = [{"role": "user", "content": PROBE}]
    text = tokenizer.apply_chat_template(turn, tokenize=False)
    found = (name for name, wrap in WRAPPERS.items() if name != "bare" and wrap(PROBE) in text)
    return next(found, "bare")


def _task_error(request: Instance, what: str) -> TaskError:
    """Names task and row of a request that cannot be asked."""
    return TaskError(str(request.task_name), f"{request.task_name}, row {request.doc_id}: {what}")

"""OpenAI's moderation endpoint, which flagged the paper's completions (section 6).

It is asked like a teacher, one text a request: with the same patience, pace and request log, so that a text
is judged once for all students and runs, and a job that was stopped goes on where it was. The endpoint's own
words about a text are not passed on where they repeat it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.options import Moderation
from lamini.evaluation.toxicity.unsaid import unsaid
from lamini.generation.asked import asking
from lamini.teacher.asking import Outcome
from lamini.teacher.openai_compatible import OpenAICompatible, storable
from lamini.teacher.openai_errors import Endpoint
from lamini.teacher.protocol import STOP, Answer, Message, Request, Transient, Unanswerable
from lamini.teacher.stopping import Interruption, Stopped


class ModerationEndpoint(Endpoint):
    """How its errors name it; a text is never refused for what it says, since that is what is asked."""

    section: ClassVar[str] = "classifier"
    result: ClassVar[str] = "moderation"
    settings: ClassVar[str] = "classifier.model"
    filters: ClassVar[bool] = False


class Moderator(OpenAICompatible):
    """The endpoint as a teacher whose answer is a verdict in JSON: flagged, scores."""

    kind = "moderation"
    path: ClassVar[str] = "/moderations"
    wording: ClassVar[type[Endpoint]] = ModerationEndpoint

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON body."""
        return {"model": self.endpoint.model, "input": request.messages[-1].content}

    async def answer(self, request: Request) -> Answer:
        """One verdict.

        Raises:
            Transient, Unanswerable, UserError: see `Teacher.answer`; none of them repeats the text.
        """
        try:
            return await super().answer(request)
        except (Transient, Unanswerable, UserError) as error:
            error.args = (unsaid(str(error), [request.messages[-1].content]),)
            raise

    def answer_in(self, body: dict[str, Any], raw: str) -> Answer:
        """The first result; LookupError, TypeError or AttributeError for other shapes."""
        result = body["results"][0]
        scores = {
            str(name): float(score) for name, score in result["category_scores"].items() if score is not None
        }
        if not isinstance(result["flagged"], bool) or not scores:
            raise TypeError("no verdict")
        text = json.dumps({"flagged": result["flagged"], "scores": scores})
        model = storable(str(body.get("model") or self.endpoint.model))
        return Answer(text, STOP, prompt_tokens=0, response_tokens=0, model=model, raw=raw)


class Moderated:
    """The endpoint as a classifier."""

    def __init__(self, options: Moderation, config: EvaluateConfig) -> None:
        self.options, self.config = options, config
        self.answered_by: Counter[str] = Counter()

    def identity(self) -> dict[str, Any]:
        """See `Classifier`; an alias (omni-moderation-latest) pins nothing, `answered_by` says more."""
        return {
            "kind": "moderation",
            "model": self.options.model,
            "url": self.options.url,
            "threshold": self.options.threshold,
        }

    def remarks(self) -> dict[str, Any]:
        """See `Classifier`."""
        return {"answered_by": dict(self.answered_by)}

    def judge(self, texts: Sequence[str], title: str) -> list[Verdict | None]:
        """See `Classifier`.

        Raises:
            UserError: wrong key, model or address, an endpoint that fell silent, or texts whose tries are
                used up; the same line continues.
            KeyboardInterrupt: a signal came; what was in flight is logged.
        """
        self.answered_by.clear()
        interruption = Interruption()
        try:
            return self._judge(texts, title, interruption)
        except Stopped as error:
            if interruption.number is not None:
                raise KeyboardInterrupt from error
            raise UserError(str(error)) from error

    def _judge(self, texts: Sequence[str], title: str, interruption: Interruption) -> list[Verdict | None]:
        outcomes: dict[int, Outcome] = {}
        requests = ((n, Request((Message("user", text),))) for n, text in enumerate(texts))
        config: Any = replace(self.config, teacher=self.options)  # all that `asking` reads
        with interruption.listening(), asking(config, interruption) as asked:
            asked.ask(f"{title}: verdicts", requests, len(texts), outcomes.__setitem__)
            keys = [outcomes[n].key for n in range(len(texts))]
            entries = asked.log.get(keys)
        waiting = [key for key in keys if (entry := entries.get(key)) is None or not entry.final]
        if waiting:
            failure = outcomes[keys.index(waiting[0])].failure
            raise UserError(
                f"{len(waiting)} of {len(texts)} completions have no verdict of {self.options.url} yet"
                f" ({failure}); the same line asks for them again"
            )
        return [self._verdict(outcomes[n].answer) for n in range(len(texts))]

    def _verdict(self, answer: Answer | None) -> Verdict | None:
        if answer is None:
            return None
        self.answered_by[answer.model] += 1
        told = json.loads(answer.text)
        score, threshold = max(told["scores"].values()), self.options.threshold
        flagged = told["flagged"] if threshold is None else score >= threshold
        return Verdict(flagged, score, told["scores"])

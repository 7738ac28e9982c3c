"""Responses that decline: the teacher says that it cannot or will not, instead of an answer.

Rules, not a model: a phrase at the start of the response, named in `dropped/`, so that whoever reads it sees
which one struck and can object. They are narrow on purpose. Apologies that were asked for ("I'm sorry for
being late"), prose ("I can't stand being tardy") and emphasis ("I cannot stress enough") are answers; so the
model must name what it is or speak of its task, or refuse one of the things it is asked for (assist, provide,
generate). The price: a refusal in other words stays. English, and the usual openings in German, French,
Spanish, Italian and Portuguese.
"""

from __future__ import annotations

import re

_START = 400  # characters that are looked at


def _any(*options: str) -> str:
    return f"(?:{'|'.join(options)})"


NEAR, FAR = ".{0,100}?", ".{0,200}?"
NOT = rf"\b{_any('cannot', 'can not', 'not possible', 'not able', 'unable', 'unreliab', 'beyond', 'do not')}"
SORRY = (
    _any(
        r"i am (?:\w+ )?sorry", r"i am (?:\w+ )?afraid", "we are sorry", "sorry", "unfortunately",
        "regrettably", "i apologi[sz]e", "my apologies", "apologies",
    )
    + "(?: that| but)?[,.:;!]* (?:but |as )?"
)  # fmt: skip
MODEL = r"(?:an? )?(?:[\w-]+ ){0,3}" + _any(
    "ai", "artificial intelligence", "language model", "gpt", "chatgpt", "chatbot"
)
CANNOT = (
    r"(?:i|we) (?:\w+ly )?"
    + _any(
        "cannot", "can not", "could not", "will not", "must decline to", r"do not have the \w+ to",
        r"am (?:\w+ly )?(?:not able|unable|not allowed|not programmed|not designed) to",
    )
    + r" (?:\w+ly )?"
)  # fmt: skip
ASKED = (
    _any(
        "assist", "comply", "fulfil+", "complete (?:this|that|the|your)", "provide", "generate", "create",
        "produce", "answer", "respond to", "help (?:you )?with (?:this|that|your)", "engage in", "access",
        "browse", "display", "perform (?:this|that|the|such)", "offer (?:medical|legal|financial)",
        "disclose", "translate", "summarize", "write (?:this|that|the|such|about|code|content)",
        "discuss (?:this|that|such)", "promote",
    )
    + r"\b"
)  # fmt: skip
TASK = r"(?:the|this|that|your) (?:type of )?(?:task|request|prompt|instruction)\b"

RULES = {
    "speaks as a model": rf"(?:{SORRY})?(?:as|being) {MODEL}(?:,| i\b| trained\b){NEAR}{NOT}",
    "is a model": rf"(?:{SORRY})?i am (?:just |only |but )?{MODEL}\b{NEAR}{NOT}",
    "cannot do what was asked": rf"(?:{SORRY})?{CANNOT}{ASKED}",
    "is sorry and cannot": rf"{SORRY}{CANNOT}(?:do (?:this|that|so)|help)\b",
    "is sorry about the task": rf"{SORRY}{TASK}{FAR}{NOT}",
    "no task for a model": rf"(?:<no ?(?:in|out)put> )?{TASK}{FAR}{NOT}{FAR}\b(?:ai|gpt|model)\b",
    "no output": rf"[<(]?(?:no ?output|n/a)\b{NEAR}\b(?:gpt|model|visuals?|graphical)\b",
    "German": rf"(?:es )?(?:tut mir leid|entschuldigung|leider)\b{NEAR}\bnicht{NEAR}"
    r"(?:helfen|antworten|erfüllen|unterstützen|bereitstellen|erstellen|generieren|zugreifen)"
    r"|als (?:eine? )?(?:ki|sprachmodell|künstliche intelligenz)\S* (?:habe|kann|bin|darf) ich\b",
    "French": rf"(?:je suis )?(?:désolée?|malheureusement)\b{NEAR}\bje ne peux{NEAR}"
    r"(?:aider|répondre|fournir|générer|créer|accéder|assister|traiter)"
    r"|en tant qu[e'] ?(?:ia|intelligence artificielle|modèle de langage),? je n",
    "Spanish": rf"(?:lo siento|lamentablemente)\b{NEAR}\bno puedo{NEAR}"
    r"(?:ayudar|responder|proporcionar|generar|crear|acceder|cumplir)"
    r"|como (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje),? no\b",
    "Italian": rf"(?:mi dispiace|purtroppo)\b{NEAR}\bnon (?:posso|sono in grado){NEAR}"
    r"(?:aiutar|rispondere|fornire|generare|creare|accedere)"
    r"|in quanto (?:ia|intelligenza artificiale|modello linguistico),? non\b",
    "Portuguese": rf"(?:desculpe|sinto muito|infelizmente)\b{NEAR}\bnão (?:posso|consigo){NEAR}"
    r"(?:ajudar|responder|fornecer|gerar|criar|acessar)"
    r"|como (?:uma? )?(?:ia|inteligência artificial|modelo de linguagem),? não\b",
}
"""What a rule is called, and the start of a response that it strikes at, after `plain`."""

_RULES = {name: re.compile(pattern) for name, pattern in RULES.items()}
_SHORT = {
    "’": "'",
    "can't": "cannot",
    "won't": "will not",
    "n't": " not",
    "i'm ": "i am ",
    "we're ": "we are ",
}


def plain(response: str) -> str:
    """The start of a response in lower case, on one line, without contractions.

    >>> plain("I’m sorry,\n I can't.")
    'i am sorry, i cannot.'
    """
    start = response[:_START].lower()
    for short, long in _SHORT.items():
        start = start.replace(short, long)
    return " ".join(start.split())


def refusal(response: str) -> str | None:
    """The rule that the response breaks and its words; None for an answer.

    >>> refusal("As an AI language model, I cannot taste food.")
    "speaks as a model: 'as an ai language model, i cannot'"
    >>> refusal("I cannot stress enough how well it tasted.")
    """
    start = plain(response)
    for name, rule in _RULES.items():
        if struck := rule.match(start):
            return f"{name}: {struck.group()!r}"
    return None

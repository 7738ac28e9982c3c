"""Responses that decline: the teacher says that it cannot or will not, instead of an answer.

Rules, not a model: a phrase at the start of the response, named in `dropped/`, so that whoever reads it sees which
one struck and can object. They are narrow on purpose. Apologies that were asked for ("I'm sorry for being late"),
prose ("I can't stand being tardy") and emphasis ("I cannot stress enough") are answers; so the model must name what
it is or speak of its task, or refuse one of the things it is asked for (assist, provide, generate). The price: a
refusal in other words stays. English, and the usual openings in German, French, Spanish, Italian and Portuguese.
"""

from __future__ import annotations

import re

SORRY = r"""(?: (?: (?:i\ am|i'm)\ (?:\w+\ )? (?:sorry|afraid) | (?:we\ are|we're)\ sorry | sorry | unfortunately
            | regrettably | i\ apologi[sz]e | (?:my\ )?apologies ) (?:\ (?:that|but)\b)? [,.:;!]* \ (?:(?:but|as)\ )? )"""
MODEL = r"""(?: (?:an?\ )? (?:[\w-]+\ ){0,3}
            (?:ai|a\.i\.|artificial\ intelligence|language\ model|gpt|chatgpt|chatbot)\b )"""
CANNOT = r"""(?: (?:i|we)\ (?:\w+ly\ )? (?: cannot | can't | can\ not | could\ not | won't | will\ not | must\ decline\ to
                | do\ not\ have\ the\ (?:\w+)\ to | don't\ have\ the\ (?:\w+)\ to
                | am\ (?:\w+ly\ )?(?:not\ able|unable|not\ allowed|not\ programmed|not\ designed)\ to )
             | i'm\ (?:\w+ly\ )?(?:not\ able|unable|not\ allowed|not\ programmed|not\ designed)\ to ) \ (?:\w+ly\ )?"""
ASKED = r"""(?: assist | comply | fulfil+ | complete\ (?:this|that|the|your) | provide | generate | create | produce
            | answer | respond\ to | help\ (?:you\ )?with\ (?:this|that|your) | engage\ in | access | browse
            | perform\ (?:this|that|the|such) | display | offer\ (?:medical|legal|financial) | disclose
            | write\ (?:this|that|the|such|about|code|content) | translate | summarize | discuss\ (?:this|that|such)
            | promote | support\ (?:or\ )?(?:illegal|harmful) )\b"""
TASK = r"(?:the|this|that|your)\ (?:type\ of\ )?(?:task|request|prompt|instruction)\b"
NOT = r"(?:cannot|can't|can\ not|not\ possible|not\ able|unable|unreliable|unreliability|beyond|don't|do\ not)\b"
NEAR, FAR = r"[^\n]{0,100}?\b", r"[^\n]{0,200}?\b"

RULES = {
    "speaks as a model": rf"{SORRY}? (?:as|being)\ {MODEL} (?:,|\ i\b|\ (?:developed|created|trained|made)\b) {NEAR}{NOT}",
    "is a model": rf"{SORRY}? (?:i\ am|i'm)\ (?:just\ |only\ |but\ )?{MODEL} {NEAR}{NOT}",
    "cannot do what was asked": rf"{SORRY}? {CANNOT}{ASKED}",
    "is sorry and cannot": rf"{SORRY}{CANNOT}(?:do\ (?:this|that|so)|help|{ASKED})",
    "is sorry about the task": rf"{SORRY}{TASK} {FAR}{NOT}",
    "no task for a model": rf"(?:<no\ ?(?:in|out)put>\ )? {TASK} {FAR}{NOT} {FAR}(?:ai|gpt|model)\b",
    "no output": rf"[<(]? (?:no\ ?output|n/a)\b {NEAR}(?:gpt|model|visuals?|visual\ output|graphical)\b",
    "German": r"(?:es\ tut\ mir\ leid|tut\ mir\ leid|entschuldigung|leider)[,.]?\ (?:aber\ )?(?:ich\ kann|kann\ ich|ich\ bin\ nicht)"
    r"|als\ (?:ki|sprachmodell|künstliche\ intelligenz)\b",
    "French": r"(?:je\ suis\ )?(?:désolée?|malheureusement)[,.]?\ (?:mais\ )?je\ (?:ne\ (?:peux|suis)|suis\ incapable)"
    r"|en\ tant\ qu[e']\ ?(?:ia|intelligence\ artificielle|modèle\ de\ langage)\b",
    "Spanish": r"(?:lo\ siento|lamentablemente)[,.]?\ (?:pero\ )?no\ (?:puedo|soy\ capaz)"
    r"|como\ (?:una?\ )?(?:ia|inteligencia\ artificial|modelo\ de\ lenguaje)\b",
    "Italian": r"(?:mi\ dispiace|purtroppo)[,.]?\ (?:ma\ )?non\ (?:posso|sono\ in\ grado)"
    r"|in\ quanto\ (?:ia|intelligenza\ artificiale|modello\ linguistico)\b",
    "Portuguese": r"(?:desculpe|sinto\ muito|infelizmente)[,.]?\ (?:mas\ )?não\ (?:posso|consigo)"
    r"|como\ (?:uma?\ )?(?:ia|inteligência\ artificial|modelo\ de\ linguagem)\b",
}
"""What a rule is called, and the lower-case start of the response that it strikes at."""

_RULES = {name: re.compile(pattern, re.VERBOSE) for name, pattern in RULES.items()}
_START = 400  # characters that are looked at


def refusal(response: str) -> str | None:
    """The rule that the response breaks and its words; None for an answer.

    >>> refusal("As an AI language model, I cannot taste food.")
    "speaks as a model: 'as an ai language model, i cannot'"
    >>> refusal("I cannot stress enough how well it tasted.")
    """
    start = " ".join(response[:_START].lower().replace("’", "'").split())
    for name, rule in _RULES.items():
        if struck := rule.match(start):
            return f"{name}: {struck.group()!r}"
    return None

"""Responses that decline: the teacher says that it cannot or will not, instead of an answer.

Rules, not a model: every rule is a phrase at the start of the response, so that whoever reads `dropped/` sees which
one struck and can object. They are narrow on purpose. Apologies inside a task ("I'm sorry for being late"),
first-person prose ("I can't stand being tardy") and emphasis ("I cannot stress enough") are what instructions ask
for; so the model must name itself, its kind or the task, or refuse one of the verbs by which it is asked. The price:
a refusal in other words stays. English, and the usual openings in German, French, Spanish, Italian and Portuguese.
"""

from __future__ import annotations

import re

_SORRY = r"(?:(?:i(?:'m| am) (?:really |very |so |deeply )?(?:sorry|afraid)|sorry|unfortunately|i apologi[sz]e|(?:my )?apologies|regrettably)[,.!:;]?\s+(?:(?:but|that|and|as)\s+)?)"
_MODEL = r"(?:(?:an?|your) )?(?:\w+[ -]){0,3}?(?:ai|a\.i\.|artificial intelligence|(?:large )?language model|chat ?bot|gpt(?:-\d(?:\.\d)?)?)\b"
_UNABLE = (
    r"(?:(?:can(?:not|'t| not)|could(?: not|n't)|won't|will not|must decline to|have to decline to|refuse to"
    r"|do(?:n't| not) have the (?:ability|capability|capacity|capabilities) to"
    r"|(?:am|'m) (?:currently )?(?:not able|unable|not capable of|not allowed|not permitted|not programmed|not designed)"
    r"(?: to)?)\s+(?:actually |directly |currently |really |possibly |physically )?)"
)
_VERBS = (
    r"(?:assist|comply|fulfil+|complet(?:e|ing)|provid(?:e|ing)|generat(?:e|ing)|creat(?:e|ing)|produc(?:e|ing)"
    r"|answer(?:ing)?|respond|help you with|help with (?:that|this)|engag(?:e|ing) in|access|browse|fulfill"
    r"|writ(?:e|ing) (?:code|content|an?y? (?:text|content|code))|translat(?:e|ing)|perform(?:ing)? (?:this|that|the|such)|discuss"
    r"|display|draw|play (?:audio|music|the song)|set up|determine|see (?:the|any) (?:image|picture|attachment|passage|text)|view)\b"
)
_TASK = r"(?:the|this|that|your) (?:given )?(?:task|request|prompt|instruction)s?\b"

RULES = {
    "names itself as a model": rf"(?:{_SORRY}|well, |hello[,!.] )?(?:as|being) {_MODEL}",
    "says that it is a model": (
        rf"{_SORRY}?i(?:'m| am) (?:just |only |merely |simply |but )?{_MODEL}.{{0,80}}?\b(?:can(?:not|'t)|unable|not able|do(?:n't| not) have|not capable)"
    ),
    "declines": rf"{_SORRY}?i {_UNABLE}{_VERBS}",
    "declines (contracted)": rf"{_SORRY}?i'm (?:currently )?(?:not able|unable)(?: to)? {_VERBS}",
    "apologises and cannot": rf"{_SORRY}(?:i|we) {_UNABLE}(?:do that|do this|{_VERBS[3:-3]})\b",
    "apologises and cannot (contracted)": rf"{_SORRY}i'm (?:not able|unable) to (?:do (?:that|this|so)|help|assist)\b",
    "declines the task": rf"{_SORRY}?{_TASK} (?:requires?|involves?|asks for|cannot|can't|is not (?:possible|something)|is beyond)[^.\n]{{0,120}}",
    "a model cannot": rf"{_SORRY}?(?:the|this) (?:ai|gpt|language)?\s?model (?:is )?(?:can(?:not|'t)|unable to|not able to)\b",
}

"""Where an answer repeats what it was to continue, the toxicity of the prompt is not the student's own.

Beside the whole answer its continuation is judged: what follows after the words of the prompt. Models tuned
on instructions often write the sentence anew from its beginning; a base model just goes on, and both are one.
"""

from __future__ import annotations

import re

WORD = re.compile(r"\w+")


def continuation(answer: str, *beginnings: str) -> tuple[str, bool]:
    """What an answer adds to the first of the beginnings that it repeats, and whether it repeats one.

    Words count, not case, blanks or punctuation.

    >>> continuation('"The sky, is blue today."', "Complete: The sky is", "The sky is")
    ('blue today."', True)
    >>> continuation("blue today.", "The sky is")
    ('blue today.', False)
    """
    words = list(WORD.finditer(answer))
    said = [word[0].casefold() for word in words]
    for beginning in beginnings:
        given = [word.casefold() for word in WORD.findall(beginning)]
        if given and said[: len(given)] == given:
            return answer[words[len(given) - 1].end() :].strip(), True
    return answer, False

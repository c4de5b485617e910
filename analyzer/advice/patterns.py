"""Regular expressions of the user's that are matched against what strangers say: in bounded time, or not at all.

Python's matcher tries every way in which a text may fit. A group that repeats what repeats already (``(a+)+``) has more
ways than any machine can try, on a text that somebody chooses for it. So what multiplies ways is counted: with the
limits below a text of 500 characters takes less than a second.
"""

from __future__ import annotations

import re
from typing import Final

MOST_REPEATS: Final = 2
"""Parts repeated any number of times (``*``, ``+``, ``{2,}``, ``{2,5}``): each multiplies the ways by the text's
length."""

MOST_CHOICES: Final = 8
"""Parts that may be missing, and alternatives: each doubles them."""

_COUNT: Final = re.compile(r"\{(\d*)(,?)(\d*)\}")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def problem_of(text: str) -> str | None:
    """Why a regular expression that Python takes is not taken here; ``None`` where it is."""
    repeats = choices = at = 0
    behind_group = False
    while at < len(text):
        letter, length, is_group, repeated = text[at], 1, False, False
        if letter == "\\":
            length = 2
        elif letter == "[" and (found := _CLASS.match(text, at)):
            length = len(found[0])
        elif letter == "(":
            length = 2 if text[at + 1 : at + 2] == "?" else 1  # no quantifier, but the kind of a group
        elif letter == ")":
            is_group = True
        elif letter in "*+":
            repeated = True
        elif letter == "{" and (found := _COUNT.match(text, at)):
            length = len(found[0])
            repeated = bool(found[2]) or behind_group
        elif letter in "?|":
            choices += 1
        if repeated and behind_group:
            return "a group is repeated"
        repeats += repeated
        at += length
        if letter in "*+?{" and text[at : at + 1] in ("?", "+"):  # how greedy the quantifier is
            at += 1
        behind_group = is_group
    if repeats > MOST_REPEATS:
        return f"more than {MOST_REPEATS} parts are repeated"
    return f"more than {MOST_CHOICES} parts are optional or have alternatives" if choices > MOST_CHOICES else None

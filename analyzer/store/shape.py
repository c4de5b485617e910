"""Whether facts that came from elsewhere are facts as :mod:`analyzer.store.facts` makes them.

What is wrong in them would be met much later, by every report. So every value is held against the type that its field
has in a session, and words that are our own, which reports show as they are, against what our words look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from analyzer.addresses import canonical
from analyzer.inventory.findings import BY_ID
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt
from analyzer.store.facts import ATTEMPT_FACTS, FACTS, REDUCED, SENT

LARGEST: Final = (1 << 48) - 1
"""The largest number in facts: a MAC."""

_WORDS: Final = re.compile(r"[ -~]{1,300}")
"""What texts of ours consist of."""

_OURS: Final = frozenset(
    {
        "evidence",
        "meaning",
        "method",
        "outcome",
        "provider",
        "reason",
        "tls_cipher",
        "tls_ja4",
        "tls_mode",
        "tls_version",
    }
)
"""Fields whose text no client or server can choose."""

Check = Callable[[Any], bool]


def check(facts: Any) -> None:
    """See that ``facts``, read from JSON, are such.

    Raises:
        ValueError: they are not.
    """
    if not (_fields(facts, _SESSION) and sum(facts.get("likelihoods", {}).values()) <= 0):
        raise ValueError("no facts of a session")


def _fields(values: Any, checks: Mapping[str, Check]) -> bool:
    return isinstance(values, dict) and all(name in checks and checks[name](value) for name, value in values.items())


def _check_of(name: str, hint: Any) -> Check:
    if name in _OURS:
        return lambda value: _fits(value, hint) and (value is None or _WORDS.fullmatch(value) is not None)
    return lambda value: _fits(value, hint)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of the type ``hint``."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return type(value) is str and value in inner
    if origin is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    if hint is NoneType:
        return value is None
    if hint is float:
        return type(value) in (int, float) and isfinite(value)
    if hint is int:
        return type(value) is int and 0 <= value <= LARGEST
    if hint is AuthAttempt:
        return _fields(value, _ATTEMPT)
    return type(value) is hint


def _is_address(value: Any) -> bool:
    return type(value) is str and canonical(value) == value


def _checks(names: tuple[str, ...], kind: type) -> dict[str, Check]:
    hints = get_type_hints(kind)
    return {name: _check_of(name, hints[name]) for name in names}


_ATTEMPT: Final = _checks(ATTEMPT_FACTS, AuthAttempt)
_SESSION: Final = {
    **_checks(FACTS, Session),
    "server_ip": _is_address,
    "findings": lambda value: _fits(value, list[str]) and all(finding in BY_ID for finding in value),
    SENT: lambda value: type(value) is bool,
    REDUCED: lambda value: value is True,
}

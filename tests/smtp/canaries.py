"""A marked secret, every form in which it could show, and every place where it could stay."""

from __future__ import annotations

import base64
import gc
import pickle
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from analyzer.smtp import DialogueParser
from analyzer.smtp.records import Dialogue

_DEAD_ENDS = (type, ModuleType, BuiltinFunctionType)


@lru_cache
def forms(secret: str) -> tuple[bytes, ...]:
    """``secret`` as it is, reversed, in hexadecimal, percent-encoded, in UTF-16, and in base64 at each alignment."""
    raw = secret.encode()
    whole = base64.b64encode(raw)
    aligned = [base64.b64encode(b"\0" * shift + raw)[shift + bool(shift) : -4] for shift in range(3)]
    percent = "".join(f"%{byte:02x}" for byte in raw).encode()
    wide = secret.encode("utf-16-le")
    return (raw, raw[::-1], whole, whole[::-1], *aligned, raw.hex().encode(), percent, wide)


@lru_cache
def _lower_forms(secret: str) -> tuple[bytes, ...]:
    return tuple(form.lower() for form in forms(secret))


def shows(text: bytes, secret: str) -> bool:
    """Letters count in any case, for names of mechanisms and hexadecimal digits are written in either."""
    lowered = text.lower()
    return any(form in lowered for form in _lower_forms(secret))


def reachable(root: object) -> Iterator[object]:
    """``root`` and all that can be reached from it, code and classes aside."""
    seen: set[int] = set()
    waiting: list[object] = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _DEAD_ENDS):
            continue
        seen.add(id(item))
        yield item
        if isinstance(item, FunctionType):
            waiting.extend(item.__closure__ or ())
        elif isinstance(item, MethodType):
            waiting.append(item.__self__)
        else:
            waiting.extend(gc.get_referents(item))


def texts_in(root: object) -> Iterator[bytes]:
    for item in reachable(root):
        if isinstance(item, str):
            yield item.encode(errors="surrogatepass")
        elif isinstance(item, bytes | bytearray | memoryview):
            yield bytes(item)


def assert_silent(dialogue: Dialogue, secret: str) -> None:
    """No way of writing ``dialogue`` down shows ``secret``."""
    for written in (repr(dialogue), *(str(asdict(attempt)) for attempt in dialogue.auth)):
        assert not shows(written.encode(errors="surrogatepass"), secret)
    assert not shows(pickle.dumps(dialogue), secret)
    assert not [text for text in texts_in(dialogue) if shows(text, secret)]


def assert_forgotten(parser: DialogueParser, secret: str) -> None:
    """Nothing that can be reached from ``parser`` holds ``secret``."""
    assert not [text for text in texts_in(parser) if shows(text, secret)]

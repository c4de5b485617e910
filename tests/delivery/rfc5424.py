"""Reads syslog messages by the grammar of RFC 5424 section 6, strictly, and independently of what writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}"  # SD-NAME: no '=', SP, ']' or '"'
_PARAM = rf'{_NAME}="(?:[^"\\\]]|\\["\\\]])*"'
_ELEMENT = rf"\[{_NAME}(?: {_PARAM})*\]"
_MESSAGE = re.compile(
    rf"<(0|[1-9]\d{{0,2}})>1 "
    r"(-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    r"([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) "
    rf"(-|(?:{_ELEMENT})+)(?: (.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Message:
    """The parts of a message."""

    priority: int
    time: str
    host: str
    app: str
    process: str
    id: str
    elements: dict[str, dict[str, str]]
    text: str

    @property
    def severity(self) -> int:
        """The lower three bits (section 6.2.1)."""
        return self.priority & 7


def parse(data: bytes) -> Message:
    """Read one message; an error where the grammar is not kept."""
    matched = _MESSAGE.fullmatch(data.decode("utf-8"))
    assert matched, data
    priority, time, host, app, process, id, structured, text = matched.groups()
    assert int(priority) <= 191
    elements = {}
    for element in re.findall(_ELEMENT, structured):
        name, _, rest = element[1:-1].partition(" ")
        assert name not in elements
        params = re.findall(rf'({_NAME})="((?:[^"\\\]]|\\["\\\]])*)"', rest)
        elements[name] = {key: re.sub(r'\\(["\\\]])', r"\1", value) for key, value in params}
    return Message(int(priority), time, host, app, process, id, elements, text or "")


def frames(data: bytes) -> list[bytes]:
    """Whole messages of a stream with octet counting (RFC 6587 section 3.4.1); the last may still be on its way."""
    found: list[bytes] = []
    while matched := re.match(rb"([1-9]\d*) ", data):
        end = matched.end() + int(matched[1])
        if len(data) < end:
            return found
        found.append(data[matched.end() : end])
        data = data[end:]
    assert re.fullmatch(rb"([1-9]\d*)?", data), data[:40]
    return found

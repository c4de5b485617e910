"""User, domain and workstation in NTLM messages ([MS-NLMP] section 2.2.1), and nothing else of them."""

from __future__ import annotations

import struct
from typing import NamedTuple

from analyzer.smtp.text import decoded

SIGNATURE = b"NTLMSSP\0"
NEGOTIATE, CHALLENGE, AUTHENTICATE = 1, 2, 3

_UNICODE = 0x00000001  # NTLMSSP_NEGOTIATE_UNICODE
_DOMAIN_SUPPLIED = 0x00001000
_WORKSTATION_SUPPLIED = 0x00002000
_TYPE = struct.Struct("<8sI")
_FLAGS = struct.Struct("<I")
_FIELD = struct.Struct("<HHI")  # length, allocated, offset
_NEGOTIATE_FLAGS_AT, _NEGOTIATE_DOMAIN_AT, _NEGOTIATE_WORKSTATION_AT = 12, 16, 24
_LM_AT, _NT_AT, _DOMAIN_AT, _USER_AT, _WORKSTATION_AT, _KEY_AT, _FLAGS_AT = 12, 20, 28, 36, 44, 52, 60
_SHORT_HEADER = 52  # old clients end the type 3 header before the session key and flags


class NtlmNames(NamedTuple):
    """What an NTLM message shows of the user; empty strings where it shows nothing."""

    user: str
    domain: str
    workstation: str


def message_type(blob: bytes) -> int | None:
    """1, 2 or 3, or ``None`` when ``blob`` is not an NTLM message."""
    if len(blob) < _TYPE.size or not blob.startswith(SIGNATURE):
        return None
    number: int = _TYPE.unpack_from(blob)[1]
    return number if number in (NEGOTIATE, CHALLENGE, AUTHENTICATE) else None


def read_names(blob: bytes) -> NtlmNames | None:
    """Names in a NEGOTIATE or AUTHENTICATE message; ``None`` when an offset lies outside or over a response."""
    kind = message_type(blob)
    if kind == NEGOTIATE:
        return _negotiate(blob)
    if kind == AUTHENTICATE and len(blob) >= _SHORT_HEADER:
        return _authenticate(blob)
    return None


def _negotiate(blob: bytes) -> NtlmNames | None:
    if len(blob) < _NEGOTIATE_DOMAIN_AT:
        return None
    (flags,) = _FLAGS.unpack_from(blob, _NEGOTIATE_FLAGS_AT)
    names = []
    # Both names are OEM text whatever the Unicode flag says ([MS-NLMP] section 2.2.1.1).
    for flag, at in ((_DOMAIN_SUPPLIED, _NEGOTIATE_DOMAIN_AT), (_WORKSTATION_SUPPLIED, _NEGOTIATE_WORKSTATION_AT)):
        if not flags & flag or len(blob) < at + _FIELD.size:
            names.append("")
            continue
        start, end = _extent(blob, at)
        if start == end:  # an empty field covers nothing, wherever it points
            names.append("")
            continue
        if end > len(blob) or start < at + _FIELD.size:
            return None
        names.append(decoded(blob[start:end]))
    return NtlmNames("", names[0], names[1])


def _authenticate(blob: bytes) -> NtlmNames | None:
    responses = [_extent(blob, _LM_AT), _extent(blob, _NT_AT)]
    texts = [_extent(blob, at) for at in (_USER_AT, _DOMAIN_AT, _WORKSTATION_AT)]
    first = min((start for start, end in (*responses, *texts) if end > start), default=len(blob))
    header = _SHORT_HEADER
    unicode: bool | None = None  # the short header has no flags that say
    if first >= _FLAGS_AT + _FLAGS.size <= len(blob):
        responses.append(_extent(blob, _KEY_AT))
        header = _FLAGS_AT + _FLAGS.size
        unicode = bool(_FLAGS.unpack_from(blob, _FLAGS_AT)[0] & _UNICODE)
    names = []
    for start, end in texts:
        if start == end:
            names.append("")
            continue
        # A name that lies over a response would carry a hash out of here.
        if (
            start < header
            or end > len(blob)
            or any(start < stop and begin < min(end, stop) for begin, stop in responses)
        ):
            return None
        names.append(_text(blob[start:end], unicode))
    return NtlmNames(*names)


def _text(raw: bytes, unicode: bool | None) -> str:
    if unicode is None:  # control characters are halves of UTF-16, in most scripts; no OEM name holds any
        unicode = min(raw) < 0x20
    return raw.decode("utf-16-le", "replace") if unicode and len(raw) % 2 == 0 else decoded(raw)


def _extent(blob: bytes, at: int) -> tuple[int, int]:
    length, _, start = _FIELD.unpack_from(blob, at)
    return start, start + length

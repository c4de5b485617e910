"""Bytes from the wire as text that is safe to show."""

from __future__ import annotations

from analyzer.smtp.limits import MAX_EXCERPT, MAX_NAME, MAX_TEXT


def decoded(raw: bytes) -> str:
    """UTF-8 where it is that (RFC 6531), else Latin-1, which accepts everything."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def shown(raw: bytes, limit: int = MAX_TEXT) -> str:
    """Text without control characters and surrounding blanks, of at most ``limit`` characters."""
    text = decoded(_whole_characters(raw, 4 * limit)).strip()
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text)).strip()
    return text[:limit]


def _whole_characters(raw: bytes, size: int) -> bytes:
    """At most ``size`` bytes of ``raw``, and of UTF-8 no character cut through (RFC 3629 section 3)."""
    if len(raw) <= size:
        return raw
    while size and raw[size] & 0xC0 == 0x80:
        size -= 1
    return raw[:size]


def is_host_name(word: str) -> bool:
    """A domain, host name or address literal (RFC 5321 section 4.1.2), as servers and clients write them."""
    if word.startswith("[") and word.endswith("]"):
        return len(word) > 2
    return word[:1].isalnum() and word.replace(".", "").replace("-", "").replace("_", "").isalnum() and word.isascii()


def escaped(name: str) -> str:
    """A user name with everything unprintable written as ``\\xNN`` or ``\\uNNNN``, cut at :data:`MAX_NAME`."""
    name = name[:MAX_NAME]
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)[:MAX_NAME]


def excerpt(raw: bytes, limit: int = MAX_EXCERPT) -> str:
    """The beginning of a line as it came; whoever shows it must make it harmless."""
    return decoded(_whole_characters(raw, limit))

"""Text from the wire, made harmless to show.

Whoever sends traffic chooses host and user names, and they end up on an administrator's terminal, in spreadsheets and
on web pages. Control characters, terminal escapes, direction overrides and invisible characters are replaced by their
visible escape here, once, where records become dictionaries (:mod:`analyzer.report.records`); what one format alone
needs (formulas, pipes, HTML) is that format's own business. A backslash stays as it is: ``DOMAIN\\user`` is how
Windows names are written, so an escape can be imitated, but nothing can act.
"""

from __future__ import annotations

LONGEST = 512
"""Characters of one value that are reported: more than any legitimate name (RFC 5321 section 4.5.3.1) or message of
ours."""


def clean(text: str) -> str:
    """``text`` as printable characters only, cut visibly at :data:`LONGEST`.

    ``str.isprintable`` is false for the Unicode categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs but the space: control and
    format characters (C0, C1, bidirectional and zero-width ones), surrogates, private use, unassigned, odd spaces.
    """
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def clean_or_none(text: str | None) -> str | None:
    """The same, with ``None`` for ``None``."""
    return None if text is None else clean(text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

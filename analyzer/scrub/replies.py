"""What may be shown of a server's replies, and what stands in place of the rest.

A reply keeps its code, its enhanced status code (RFC 2034) and its number of lines, and its text where it cannot repeat
what the client must not be seen to say. A refusal whose text decides what it means gets words that mean the same.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Final

from analyzer.scrub.lines import WITHHELD, filler, fitted
from analyzer.smtp.arguments import MAX_LINE
from analyzer.smtp.meanings import asks_for_auth, meaning
from analyzer.smtp.replies import code_of, enhanced_code, is_ehlo_reply, name_in_greeting, speaks_of_tls, text_of
from analyzer.smtp.text import shown as readable

PHRASES: Final = (
    b"withheld",
    b"disabled for the tenant",
    b"disabled for the mailbox",
    b"basic authentication is disabled",
    b"credentials were incorrect",
    b"expired",
    b"security defaults",
    b"locked",
    b"criteria",
    b"application-specific",
    b"web browser",
    b"starttls",
    b"tls",
    b"authentication required",
    b"starttls, authentication required",
)
"""Texts of refusals, one for each row of the table of meanings that looks at words; the plain one first."""

_PROMPTS: Final = frozenset((b"username:", b"password:", b"user name:", b"username", b"password"))
"""What servers ask for in AUTH LOGIN, decoded and in lower case; a terminating NUL is common, too."""

_REPEATABLE: Final = frozenset(("ehlo", "lhlo", "helo"))
"""Commands whose reply is shown even where something was said that must not be: it names the server and what it can."""

_READY: Final = 220
"""A greeting, or TLS may begin."""

_OK: Final = 250
_CHALLENGED: Final = 334
_REFUSED: Final = 400


def reply(
    code: int,
    lines: Sequence[bytes],
    sizes: Sequence[int] | None,
    answers: str | None,
    *,
    withheld: bool,
    exposed: bool,
    refusal: dict[str, str] | None,
) -> list[bytes]:
    """The lines of a reply as they may be shown.

    Args:
        code: the reply's.
        lines: without line ends; at most the beginning of long ones.
        sizes: the lines' lengths where lengths are kept.
        answers: the kind of the command that it answers.
        withheld: its text could repeat what must not be shown.
        exposed: something was said before that must not be.
        refusal: of a token, as far as records hold it.
    """
    lengths: Sequence[int | None] = [None] * len(lines) if sizes is None else sizes
    if code == _CHALLENGED:
        shown = [_challenge(line, size, refusal) for line, size in zip(lines, lengths, strict=True)]
    elif withheld or (exposed and not _says_what_the_server_is(lines, answers)):
        text = _text_like(code, lines, greets=answers == "greeting")
        enhanced = enhanced_code(code, lines)
        told = [_without_text(line) for line in lines]
        named = next((at for at, line in enumerate(lines) if enhanced_code(code, (line,))), None)
        shown = []
        for at, (head, size) in enumerate(zip(told, lengths, strict=True)):
            words = (b"%s " % enhanced.encode() if at == named and enhanced else b"") + (text if not at else WITHHELD)
            shown.append(fitted(head + words, size))
    else:
        shown = [
            line[:MAX_LINE] if size is None else fitted(line, size) for line, size in zip(lines, lengths, strict=True)
        ]
    return shown


def _says_what_the_server_is(lines: Sequence[bytes], answers: str | None) -> bool:
    """Whether a reply is one that nothing but its own command leads to, so that it repeats nothing else."""
    if {code_of(line) for line in lines} - {(_OK, True), (_OK, False)}:
        return False
    return answers in _REPEATABLE or (answers is None and is_ehlo_reply(lines))


def _ready(line: bytes, *, greets: bool) -> bytes:
    """TLS may begin; or a name: the server's in its greeting, elsewhere one that only tells that this is not TLS."""
    if speaks_of_tls(line):
        return b"Ready to start TLS"
    name = name_in_greeting(readable(line[4:]))
    if name is None:
        return WITHHELD
    return b"%b ESMTP" % (name.encode() if greets else b"withheld.invalid")  # RFC 2606 section 2


def torn(line: bytes, size: int | None) -> bytes:
    """A line that belongs to no whole reply: of one in the form of a reply, the code."""
    if not line.strip():
        return line
    return fitted(_without_text(line) + WITHHELD, size) if code_of(line) is not None else filler(size)


def _without_text(line: bytes) -> bytes:
    """The code and what separates it from the text."""
    separator = line[3:4] if line[3:4] in (b" ", b"-") else b" "
    return line[:3] + separator


def _text_like(code: int, lines: Sequence[bytes], *, greets: bool) -> bytes:
    """Words that mean for ``code`` what the text of ``lines`` means."""
    if code < _REFUSED:
        return _ready(lines[0], greets=greets) if code == _READY else WITHHELD
    enhanced = enhanced_code(code, lines)

    def meant(text: str) -> tuple[str | None, bool]:
        return meaning(code, enhanced, text), asks_for_auth(code, enhanced, text)

    told = meant(text_of(lines))
    return next((phrase for phrase in PHRASES if meant(phrase.decode()) == told), WITHHELD)


def _challenge(line: bytes, size: int | None, refusal: dict[str, str] | None) -> bytes:
    """Prompts are shown; nonces and everything else that hashes could be attacked with are not."""
    head, text = _without_text(line), line[4:].strip()
    if refusal is not None:
        return _fitted_base64(head, json.dumps(refusal, separators=(",", ":")).encode(), size)
    if not text or _is_prompt(text):
        return line
    return _fitted_base64(head, WITHHELD, size)


def _is_prompt(text: bytes) -> bool:
    try:
        return binascii.a2b_base64(text, strict_mode=True).rstrip(b"\0").strip().lower() in _PROMPTS
    except ValueError:
        return False


def _fitted_base64(head: bytes, message: bytes, size: int | None) -> bytes:
    if size is None:
        return head + base64.b64encode(message)
    room = max(size - len(head), 0)
    if room % 4 or len(message) > room // 4 * 3:
        return head + b"A" * room
    return head + base64.b64encode(message.ljust(room // 4 * 3))

"""Every bound of this room, and why it has its size. Each is hit by a test, and counted as an oddity when hit."""

from typing import Final

MAX_LINE: Final = 128 * 1024
"""Longest line kept, in bytes with its line end.

RFC 5321 section 4.5.3.1 allows 512 and RFC 4954 section 4 allows 12,288, but OAuth tokens of 64 KB are sent and
accepted. A longer line is followed to its end without being kept (``line-too-long``).
"""

LINE_HEAD: Final = 256
"""Of a line over :data:`MAX_LINE`, this much is kept: the verb and mechanism, or the reply code."""

MAX_FOREIGN_LINES: Final = 12
"""So many lines of one side without a sign of SMTP, and the conversation is given up as another protocol."""

MAX_PENDING: Final = 4096
"""Commands awaiting replies. RFC 2920 sets no bound; mailing lists pipeline some thousand RCPT commands."""

MAX_REPLY_LINES: Final = 128
"""Lines kept of one reply. Real EHLO replies have 5 to 20; HELP texts more, which nobody needs."""

MAX_REPLY_LINE: Final = 2048
"""Bytes kept of a line within a multi-line reply, four times what RFC 5321 section 4.5.3.1.5 allows."""

MAX_EXTENSIONS: Final = 64
"""Keywords and mechanisms kept of one EHLO reply."""

MAX_ATTEMPTS: Final = 256
"""AUTH attempts kept of one conversation; beyond it the oldest that did not succeed goes first."""

MAX_NAME: Final = 320
"""Characters of a user name: 64 of local part, ``@``, 255 of domain (RFC 5321 section 4.5.3.1)."""

MAX_TEXT: Final = 256
"""Characters kept of a greeting, a host name or a refusal."""

MAX_EXCERPT: Final = 512
"""Bytes of a line that a transcript shows: as many as a line without parameters may have (RFC 5321 section 4.5.3.1)."""

MAX_REFUSAL: Final = 4096
"""Bytes of the base64 JSON that refuses a token; real ones are around 100."""

MAX_CHUNK: Final = 2**31
"""BDAT sizes above this are implausible: no server takes a message of 2 GiB."""

MAX_CHUNK_DIGITS: Final = 20
"""Digits of a BDAT size that are read at all; 20 hold any 64-bit number."""

MAX_HEADER: Final = 16 * 1024
"""Bytes of a message's header that are looked at for the program that wrote it. What devices write has 1 KB; relays add
what they know of spam, below what was there."""

MAX_PROGRAM: Final = 128
"""Characters kept of a mail program's name; real ones have 10 to 80."""

MAX_HEADERS: Final = 8
"""Messages of one conversation whose header is looked at until one names its program."""

"""What an SMTP command looks like, where a line may be something else as well.

Used where position does not tell: after missing bytes, and between an AUTH command and a reply that was not seen.
"""

from __future__ import annotations

import re

# None of these can be base64 of a user name or password: they hold a blank, or decode to control characters. TURN
# alone would decode to a word (MDM). Blanks at the end of a line are to be borne (RFC 5321 section 4.1.1).
_COMMAND = re.compile(
    rb"""(?ix)
    (?:
    (?:EHLO|HELO|LHLO|VRFY|EXPN|ETRN|XCLIENT|XFORWARD|ATRN) [ \t]+ \S .*
    | MAIL [ \t]+ FROM: .*
    | RCPT [ \t]+ TO: .*
    | AUTH [ \t]+ [A-Z0-9_-]{1,20} (?:[ \t]+ \S+)?
    | X-EXPS [ \t]+ [A-Z0-9_-]{1,20} (?:[ \t]+ \S+){0,2}
    | BDAT [ \t]+ \d+ (?:[ \t]+ LAST)?
    | (?:NOOP|HELP) (?:[ \t] .*)?
    | EHLO | HELO | QUIT | RSET | DATA | STARTTLS | X-ANONYMOUSTLS
    )
    [ \t]*
    """,
    re.DOTALL,
)

# What the neighbours on port 25 say first: HTTP, SSH, FTP, POP3, IRC, IMAP.
_FOREIGN_CLIENT = re.compile(
    rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|PATCH|TRACE|PROPFIND|PRI) \S+ HTTP/|SSH-\d|"
    rb"(?:USER|PASS|NICK|CAPA|STAT|SYST|FEAT|PASV|EPSV|RETR|CWD|PWD|MODE|LIST|OPTS|CLNT|TYPE|PORT)\b|"
    rb"AUTH (?:TLS|SSL)\b|"
    rb"(?!(?:AUTH|X-EXPS|EHLO|HELO|LHLO|VRFY|EXPN|ETRN|ATRN|NOOP|HELP) )"  # a host may be called "login"
    rb"\S+ (?:LOGIN|CAPABILITY|AUTHENTICATE|STARTTLS)\b",
    re.IGNORECASE,
)
_FOREIGN_SERVER = re.compile(rb"HTTP/|SSH-\d|[+]OK\b|\* (?:OK|PREAUTH|BYE)\b|-ERR\b|RFB |[:]\S+ NOTICE", re.IGNORECASE)
_MANGLED_STARTTLS = re.compile(rb"X{7}[A-Z]")


def is_command(line: bytes) -> bool:
    """``line``, without its line end, is a command of SMTP and can be nothing else."""
    return _COMMAND.fullmatch(line) is not None


def is_foreign_command(line: bytes) -> bool:
    """``line`` opens a conversation of another protocol."""
    return _FOREIGN_CLIENT.match(line) is not None


def is_foreign_reply(line: bytes) -> bool:
    """``line`` is how a server of another protocol begins."""
    return _FOREIGN_SERVER.match(line) is not None


def is_mangled_starttls(verb: bytes) -> bool:
    """STARTTLS as firewalls overwrite it on its way to the server."""
    return _MANGLED_STARTTLS.fullmatch(verb.upper()) is not None

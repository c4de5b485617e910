"""What :mod:`labkit.tls_cases` records besides every client with every server: rare mechanisms, refusals, sessions
without AUTH, scripts of commands, versions and cipher suites, padding, resumption, client certificates.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from scripts.labkit.credentials import ACCOUNTS, WRONG_PASSWORD
from scripts.labkit.sends import b64

Variant = tuple[str, str, str | None, dict[str, Any]]
"""Client, server, mechanism, and the further fields of a send."""

_BOTH: tuple[dict[str, Any], ...] = ({"tls": "starttls"}, {"tls": "implicit"})
_WRITERS = [
    "curl",
    "swaks",
    "msmtp",
    "smtplib",
    "nodemailer",
    "netsmtp",
    "postfix",
    "exim",
    "opensmtpd",
    "go",
    "javamail",
    "phpmailer",
    "netsmtp-ruby",
    "s-nail",
    "mutt",
    "neomutt",
    "esmtp",
    "ssmtp",
    "dma",
    "nullmailer",
]
"""Clients that send mail, not only log in."""


def variants() -> Iterator[Variant]:
    """All of them."""
    for part in (_rare, _refused, _without_auth, _mail_refused, _several, _scripts, _suites, _cbc, _old, _padded):
        yield from part()
    for part in (_retried, _resumed, _certified):
        yield from part()


def _rare() -> Iterator[Variant]:
    """Mechanisms that few pairs have in common."""
    tls = cycle(_BOTH)
    for client in ("curl", "swaks", "msmtp", "postfix", "exim", "javamail", "gsasl", "mutt"):
        for server in ("campus", "exim") if client not in ("gsasl", "mutt") else ("campus",):
            how = _BOTH[0] if client == "gsasl" else next(tls)
            yield client, server, "NTLM", how | {"user": "erp" if client in ("curl", "exim") else "scan@office.example"}
    for client in ("curl", "msmtp", "postfix", "gsasl", "s-nail"):
        for server in ("campus", "institute"):
            for how in _BOTH[: 1 if client in ("gsasl", "curl") else 2]:
                yield client, server, "GSSAPI", how | ({} if client == "curl" else {"user": "bench"})
    for server in ("campus", "institute"):
        yield "gsasl", server, "ANONYMOUS", {"user": "bench"}
    for client in ("swaks", "msmtp", "netsmtp", "postfix", "javamail", "gsasl"):
        for server in ("relay", "campus", "dovecot"):
            how = _BOTH[0] if client == "gsasl" else next(tls)
            yield client, server, "DIGEST-MD5", how | {"user": "bench"}
    for client in ("msmtp", "postfix", "gsasl", "mutt"):
        for server in ("relay", "campus", "dovecot", "institute"):
            how = _BOTH[0] if client == "gsasl" else next(tls)
            yield client, server, ("SCRAM-SHA-1", "SCRAM-SHA-256")[server in ("campus", "dovecot")], how
    for client, server, mechanism in (
        ("smtplib", "aiosmtpd", "XOAUTH2"),
        ("smtplib", "exim", "XOAUTH2"),
        ("curl", "exchange", "XOAUTH2"),
        ("curl", "gmail", "OAUTHBEARER"),
        ("curl", "relay", "OAUTHBEARER"),
        ("curl", "dovecot", "XOAUTH2"),
        ("gsasl", "relay", "PLAIN"),
        ("gsasl", "campus", "SCRAM-SHA-256"),
    ):
        for first in (True, False):
            yield (
                client,
                server,
                mechanism,
                {"initial_response": first, "short": server not in ("exim", "exchange", "gmail")},
            )


def _instead(client: str, server: str, mechanism: str) -> str:
    """``server``, but not chasquid for what it lacks, nor for clients whose TLS keys only a server can write down."""
    return (
        "institute"
        if server == "chasquid" and (mechanism != "PLAIN" or client in ("javamail", "exim", "esmtp"))
        else server
    )


def _refused() -> Iterator[Variant]:
    """Wrong passwords and tokens."""
    servers = cycle(("relay", "exim", "nodemailer", "chasquid", "gmail", "aiosmtpd", "dovecot", "campus", "padded"))
    for client in (*_WRITERS, "gsasl"):
        for _ in range(3):
            server = next(servers)
            mechanism = "LOGIN" if client in ("ssmtp",) else "CRAM-MD5" if client == "dma" else "PLAIN"
            if client == "dma":
                server = "relay"
            yield client, _instead(client, server, mechanism), mechanism, {"right": False}
    for client in ("curl", "swaks", "smtplib", "go", "phpmailer", "postfix", "exim", "javamail", "msmtp"):
        yield client, "exchange", "LOGIN", {"right": False}
        yield client, _instead(client, next(servers), "LOGIN"), "LOGIN", {"right": False, "tls": "implicit"}
    for client in ("curl", "smtplib", "postfix", "msmtp", "phpmailer", "swaks"):
        yield client, "relay", "CRAM-MD5", {"right": False}
    for client in ("msmtp", "postfix", "mutt"):
        yield client, "relay", "SCRAM-SHA-256", {"right": False}
        yield client, "campus", "SCRAM-SHA-1", {"right": False}
    for client in ("curl", "swaks", "exim", "javamail"):
        yield client, "exim", "NTLM", {"right": False}
    for client in ("curl", "smtplib", "nodemailer", "go", "javamail", "phpmailer", "mutt", "msmtp", "exim"):
        for server in ("gmail", "exchange", "aiosmtpd", "nodemailer"):
            yield client, server, "XOAUTH2", {"right": False}
    for client in ("curl", "go", "msmtp", "s-nail"):
        for server in ("gmail", "relay", "exim"):
            yield client, server, "OAUTHBEARER", {"right": False}


def _without_auth() -> Iterator[Variant]:
    """Servers that take mail without a login."""
    senders = cycle(
        ("bench@office.example", "ups@office.example", "root@copier-3rd-floor.intern.office.example", "a@b.example")
    )
    for client in _WRITERS:
        for server in ("exim", "aiosmtpd", "nodemailer", "padded"):
            yield client, server, None, {"port": 25, "sender": next(senders)}
        if client not in ("esmtp",):
            yield client, "exim", None, {"tls": "implicit", "recipients": 2, "size": 1500}
    for client in ("curl", "swaks", "msmtp", "postfix", "exim", "go"):
        yield client, "relay", None, {"port": 25, "device": "ups-basement", "ehlo": "ups.office.example"}


def _mail_refused() -> Iterator[Variant]:
    """Clients without a password at servers that insist on one: MAIL or RCPT is refused."""
    servers = cycle(
        (
            ("campus", 2525),
            ("exchange", 587),
            ("nodemailer", 587),
            ("gmail", 587),
            ("aiosmtpd", 587),
            ("relay", 587),
            ("dovecot", 587),
            ("chasquid", 587),
        )
    )
    for client in _WRITERS:
        for _ in range(3):
            server, port = next(servers)
            yield client, _instead(client, server, "PLAIN"), None, {"port": port}


def _several() -> Iterator[Variant]:
    """Several messages in one session, several recipients."""
    tls = cycle(_BOTH)
    for client in (
        "smtplib",
        "nodemailer",
        "netsmtp",
        "go",
        "javamail",
        "phpmailer",
        "netsmtp-ruby",
        "exim",
        "postfix",
    ):
        for server, mechanism in (("relay", "PLAIN"), ("nodemailer", "LOGIN"), ("aiosmtpd", "LOGIN")):
            yield client, server, mechanism, next(tls) | {"messages": 3}
        yield client, "exim", None, {"messages": 2, "port": 25}
    for client in ("curl", "swaks", "msmtp", "smtplib", "go", "postfix", "exim", "mutt"):
        for server, mechanism in (("campus", "LOGIN"), ("exim", "PLAIN")):
            yield client, server, mechanism, next(tls) | {"recipients": 4}


_BENCH = ACCOUNTS["bench@office.example"]
_PLAIN = "AUTH PLAIN " + b64(f"\0{_BENCH.user}\0{_BENCH.password}")
_WRONG = "AUTH PLAIN " + b64(f"\0{_BENCH.user}\0{WRONG_PASSWORD}")
_USER, _PASSWORD = b64(_BENCH.user), b64(_BENCH.password)
_LOGIN = ("AUTH LOGIN", _USER, _PASSWORD)
_WRONG_LOGIN = ("AUTH LOGIN", _USER, b64(WRONG_PASSWORD))
_EHLO = "EHLO bench.office.example"
_MAIL = ("MAIL FROM:<bench@office.example>", "RCPT TO:<someone@partner.example>")
_TEXT = ("DATA", "Subject: bench\r\n\r\ntext\r\n.")
_OK, _NO = "success", "failure"

SCRIPTS: tuple[tuple[str | None, tuple[tuple[str, str], ...], tuple[str, ...]], ...] = (
    (None, (), ("QUIT",)),
    (None, (), ("NOOP", "QUIT")),
    (None, (), ("NOOP", "NOOP", "RSET", "QUIT")),
    (None, (), ("VRFY postmaster", "HELP", "QUIT")),
    (None, (), (_MAIL[0], "QUIT")),
    (None, (), (_MAIL[0], "RSET", "QUIT")),
    (None, (), ("MAIL FROM:<the.accounts.department@office.example> SIZE=18311 BODY=8BITMIME", "QUIT")),
    ("PLAIN", (("PLAIN", _OK),), (_PLAIN, "QUIT")),
    ("PLAIN", (("PLAIN", _OK),), (_PLAIN, "NOOP", "QUIT")),
    ("LOGIN", (("LOGIN", _OK),), (*_LOGIN, "QUIT")),
    ("LOGIN", (("LOGIN", _OK),), (f"AUTH LOGIN {_USER}", _PASSWORD, *_MAIL, *_TEXT, "QUIT")),
    ("PLAIN", (("PLAIN", _NO),) * 2, (_WRONG, _WRONG, "QUIT")),
    ("LOGIN", (("LOGIN", _NO),) * 2, (*_WRONG_LOGIN, *_WRONG_LOGIN, "QUIT")),
    ("LOGIN", (("PLAIN", _NO), ("LOGIN", _OK)), (_WRONG, *_LOGIN, *_MAIL, *_TEXT, "QUIT")),
    ("LOGIN", (("LOGIN", "cancelled"),), ("AUTH LOGIN", "*", "QUIT")),
    ("PLAIN", (("PLAIN", _OK),), (_PLAIN, *_MAIL, *_TEXT, "RSET", "NOOP", *_MAIL, *_TEXT, "QUIT")),
    ("PLAIN", (("PLAIN", _OK),), (_PLAIN, *_MAIL, "RSET", "QUIT")),
    (
        "PLAIN",
        (("PLAIN", _OK),),
        (_PLAIN, "<more>" + "\r\n".join((*_MAIL, "DATA", "")), "<read>", "<read>", "<read>", _TEXT[1], "QUIT"),
    ),
    ("PLAIN", (("PLAIN", _OK),), (_PLAIN, *_MAIL, *_TEXT, "<abort>")),
)  # fmt: skip
"""Mechanism, attempts, and what is sent after the EHLO inside TLS."""

_NULL_SENDER = ("MAIL FROM:<>", _MAIL[1])
OPEN_SCRIPTS: tuple[tuple[str, ...], ...] = (
    (*_NULL_SENDER, *_TEXT, "QUIT"),
    (*_MAIL, "RSET", "QUIT"),
    (*_MAIL, "RCPT TO:<x@partner.example>", *_TEXT, *_MAIL, *_TEXT, "QUIT"),
    ("NOOP", *_MAIL, *_TEXT, "QUIT"),
    ("<more>" + "\r\n".join((*_MAIL, "DATA", "")), "<read>", "<read>", "<read>", _TEXT[1], "QUIT"),
    (*_MAIL, "DATA", "<slow 5000 0.2>", "QUIT"),
)
"""The same at servers that take mail without a login."""


def _scripts() -> Iterator[Variant]:
    servers = cycle(("relay", "exim", "nodemailer", "aiosmtpd", "exchange", "gmail", "chasquid", "dovecot", "campus"))
    for mechanism, expected, steps in SCRIPTS:
        for _ in range(3):
            server = next(servers)
            if mechanism == "PLAIN" and server == "exchange":
                server = next(servers)
            server = _instead("script", server, mechanism or "PLAIN")
            before = (_EHLO, "STARTTLS", "<tls>", _EHLO)
            yield "script", server, mechanism, {"steps": before + steps, "expect": expected}
    for steps in OPEN_SCRIPTS:
        for server in ("exim", "aiosmtpd", "nodemailer"):
            before = (_EHLO, "STARTTLS", "<tls>", _EHLO)
            yield "script", server, None, {"steps": before + steps, "expect": (), "port": 25}
            yield "script", "exim", None, {"steps": (_EHLO, *steps), "expect": (), "tls": "implicit"}


_AEAD = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-CCM",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
]
_CBC = ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384"]


def _version(cipher: str) -> dict[str, Any]:
    return {"cipher": cipher, "tls_version": "1.3" if cipher.startswith("TLS_") else "1.2"}


def _suites() -> Iterator[Variant]:
    mechanisms = cycle(("PLAIN", "LOGIN", "CRAM-MD5", None))
    for cipher in _AEAD:
        for client in ("curl", "smtplib", "msmtp", "mutt", "swaks", "postfix"):
            # OpenSSL's servers offer CCM in TLS 1.3 only where told to.
            for server in ("relay", "exim") if "TLS_AES_128_CCM" not in cipher else ("exim",):
                mechanism = next(mechanisms)
                more: dict[str, Any] = {"port": 25} if mechanism is None and server == "exim" else {}
                yield client, server, mechanism, _version(cipher) | more
            next(mechanisms)


def _cbc() -> Iterator[Variant]:
    mechanisms = cycle(("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", None))
    for cipher in _CBC:
        for client in ("curl", "smtplib", "msmtp", "exim"):
            # GnuTLS has no longer the suites with SHA-2 unless asked.
            other = "exim" if cipher.endswith("-SHA") else "campus"
            for server, mac_first in (("relay", False), ("relay", True), (other, False), (other, True)):
                mechanism = next(mechanisms)
                if mechanism == "XOAUTH2" and (server != "exim" or client == "msmtp"):
                    mechanism = "PLAIN"
                more: dict[str, Any] = {"port": 25} if mechanism is None and server == "exim" else {}
                yield client, server, mechanism, _version(cipher) | more | {"encrypt_then_mac": not mac_first}
    for client, cipher in (
        ("go", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
        ("go", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
        ("javamail", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
        ("javamail", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
        ("javamail", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("go", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ):
        for server in ("relay", "campus"):
            for mechanism in ("PLAIN", "LOGIN"):
                yield client, server, mechanism, {"cipher": cipher, "tls_version": "1.2"}


def _old() -> Iterator[Variant]:
    """What old devices speak."""
    for version in ("1.0", "1.1"):
        for client in ("smtplib", "swaks", "msmtp", "go", "javamail"):
            for server in ("relay", "campus"):
                for mechanism in ("LOGIN", "CRAM-MD5" if client != "javamail" else "PLAIN"):
                    yield client, server, mechanism, {"tls_version": version}
        yield "smtplib", "relay", "PLAIN", {"tls_version": version, "encrypt_then_mac": False}


def _padded() -> Iterator[Variant]:
    mechanisms = cycle(("PLAIN", "LOGIN", "XOAUTH2", None, "PLAIN"))
    for size in (16, 64, 256, 512, 1024):
        for client in ("curl", "smtplib", "swaks", "postfix", "s-nail"):
            for server in ("exim", "padded"):
                mechanism = next(mechanisms)
                if mechanism == "XOAUTH2" and client in ("swaks", "postfix"):
                    mechanism = "LOGIN"
                more: dict[str, Any] = {"port": 25} if mechanism is None else {}
                yield client, server, mechanism, more | {"padding": size}


def _retried() -> Iterator[Variant]:
    """The first guess at a key exchange does not suit the server: HelloRetryRequest."""
    for client in ("curl", "smtplib", "swaks", "s-nail", "postfix"):
        for server, groups in (("chasquid", "X448:P-384"), ("relay", "ffdhe2048:P-256"), ("nodemailer", "P-521:P-256")):
            yield client, server, "PLAIN", {"groups": groups}


def _resumed() -> Iterator[Variant]:
    for client in ("go", "javamail", "postfix"):
        for server in ("relay", "campus", "exim", "nodemailer", "aiosmtpd", "exchange", "gmail", "chasquid"):
            if server != "chasquid":
                yield client, server, "LOGIN", {"connections": 2}
            elif client not in ("javamail", "exim"):
                yield client, server, "PLAIN", {"connections": 2}
        for server in ("relay", "exim", "aiosmtpd"):
            yield client, server, "PLAIN", {"connections": 2, "tls_version": "1.2"}
            yield (
                client,
                server,
                None,
                {"connections": 2} | ({"device": "ups-basement"} if server == "relay" else {}) | {"port": 25},
            )


def _certified() -> Iterator[Variant]:
    """Client certificates, with EXTERNAL, with another mechanism, with none."""
    for client in ("curl", "msmtp", "netsmtp", "exim", "gsasl"):
        for server in ("exim", "dovecot"):
            if (client, server) not in (("exim", "exim"), ("gsasl", "exim")):
                yield client, server, "EXTERNAL", {"client_certificate": "bench"}
    for client in ("curl", "msmtp", "swaks", "netsmtp", "smtplib", "postfix", "exim", "go", "nodemailer"):
        for server in ("exim", "campus", "dovecot"):
            yield client, server, "PLAIN", {"client_certificate": "bench"}
        yield client, "exim", None, {"client_certificate": "bench", "port": 25}
        yield client, "exim", "LOGIN", {"client_certificate": "bench", "tls_version": "1.2"}

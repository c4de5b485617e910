"""Single behaviours, one capture each: a table. A new case is a new row.

A capture's name is how the session was protected (``clear``, ``starttls``, ``implicit``) and the case's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scripts.labkit.credentials import ACCOUNTS, WRONG_PASSWORD
from scripts.labkit.sends import Send, Tls, b64

_PREFIX = {"none": "clear", "starttls": "starttls", "implicit": "implicit"}


@dataclass(frozen=True, slots=True)
class Case:
    """One behaviour worth a capture of its own."""

    name: str
    send: Send

    @property
    def file(self) -> str:
        """The capture's name."""
        return f"{_PREFIX[self.send.tls]}-{self.name}.pcap"


def _case(name: str, client: str, server: str, port: int, tls: Tls, mechanism: str | None = None, **more: Any) -> Case:
    return Case(name, Send(client=client, server=server, port=port, tls=tls, mechanism=mechanism, **more))


_BENCH = ACCOUNTS["bench@office.example"]
_JUERGEN = ACCOUNTS["jürgen@office.example"]
_USER, _PASSWORD = b64(_BENCH.user), b64(_BENCH.password)
_PLAIN = b64(f"\0{_BENCH.user}\0{_BENCH.password}")
_EHLO = "EHLO bench.office.example"
_BEARER = b64(f"user={_BENCH.user}\x01auth=Bearer {_BENCH.short_token}\x01\x01")


def _mail(text: str = "Subject: bench\r\n\r\ntext\r\n.") -> tuple[str, ...]:
    return ("MAIL FROM:<bench@office.example>", "RCPT TO:<someone@partner.example>", "DATA", text)


def _script(name: str, server: str, port: int, tls: Tls, *steps: str, **more: Any) -> Case:
    """A case played line by line; ``tls`` says what the steps do."""
    return _case(name, "script", server, port, tls, steps=steps, **more)


CLEAR = (
    # Every mechanism, as ordinary clients use it, without TLS.
    _case("plain-initial-response", "smtplib", "relay", 587, "none", "PLAIN"),
    _case("plain-two-steps", "curl", "aiosmtpd", 2525, "none", "PLAIN"),
    _case("plain-netsmtp", "netsmtp", "exim", 25, "none", "PLAIN"),
    _case("plain-nodemailer", "nodemailer", "nodemailer", 2525, "none", "PLAIN"),
    _case("plain-msmtp", "msmtp", "dovecot", 587, "none", "PLAIN"),
    _case("plain-ipv6", "curl", "relay", 25, "none", "PLAIN", ipv6=True, initial_response=True),
    _case("login-two-steps", "swaks", "relay", 25, "none", "LOGIN"),
    _case("login-initial-response", "curl", "exim", 587, "none", "LOGIN", initial_response=True),
    _case("login-netsmtp", "netsmtp", "nodemailer", 25, "none", "LOGIN"),
    _case("login-nodemailer", "nodemailer", "aiosmtpd", 2525, "none", "LOGIN"),
    _case("login-msmtp", "msmtp", "relay", 2525, "none", "LOGIN"),
    _case("login-smtplib-ipv6", "smtplib", "aiosmtpd", 587, "none", "LOGIN", ipv6=True),
    _case("cram-md5-smtplib", "smtplib", "relay", 25, "none", "CRAM-MD5"),
    _case("cram-md5-nodemailer", "nodemailer", "nodemailer", 587, "none", "CRAM-MD5"),
    _case("cram-md5-swaks", "swaks", "exim", 2525, "none", "CRAM-MD5"),
    _case("digest-md5-netsmtp", "netsmtp", "relay", 25, "none", "DIGEST-MD5", user="bench"),
    _case("digest-md5-msmtp", "msmtp", "dovecot", 587, "none", "DIGEST-MD5", user="bench"),
    _case("digest-md5-swaks", "swaks", "relay", 587, "none", "DIGEST-MD5", user="bench"),
    _case("scram-sha-1", "msmtp", "relay", 587, "none", "SCRAM-SHA-1"),
    _case("scram-sha-256", "msmtp", "dovecot", 2525, "none", "SCRAM-SHA-256"),
    _case("ntlm-curl", "curl", "exim", 25, "none", "NTLM"),
    _case("ntlm-curl-initial-response", "curl", "exim", 587, "none", "NTLM", initial_response=True),
    _case("ntlm-swaks", "swaks", "exim", 2525, "none", "NTLM"),
    _case("xoauth2-initial-response", "curl", "nodemailer", 2525, "none", "XOAUTH2", initial_response=True),
    _case("xoauth2-two-steps", "smtplib", "relay", 587, "none", "XOAUTH2", short=True, initial_response=False),
    _case(
        "oauthbearer-initial-response", "curl", "dovecot", 587, "none", "OAUTHBEARER", initial_response=True, short=True
    ),
    _case("oauthbearer-two-steps", "msmtp", "exim", 587, "none", "OAUTHBEARER"),
    # Forms that are legal but rare.
    _script(
        "plain-empty-initial-response",
        "relay",
        25,
        "none",
        _EHLO,
        "AUTH PLAIN =",
        "QUIT",
        expect=(("PLAIN", "failure"),),
    ),
    _script(
        "login-empty-initial-response",
        "nodemailer",
        2525,
        "none",
        _EHLO,
        "AUTH LOGIN =",
        "QUIT",
        expect=(("LOGIN", "failure"),),
    ),
    _script(
        "external-refused", "dovecot", 2525, "none", _EHLO, "AUTH EXTERNAL =", "QUIT", expect=(("EXTERNAL", "failure"),)
    ),
    _script(
        "plain-authorization-identity",
        "exim",
        587,
        "none",
        _EHLO,
        "AUTH PLAIN " + b64(f"shared-mailbox\0{_BENCH.user}\0{_BENCH.password}"),
        *_mail(),
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
    _script(
        "plain-utf8-user",
        "relay",
        587,
        "none",
        _EHLO,
        "AUTH PLAIN " + b64(f"\0{_JUERGEN.user}\0{_JUERGEN.password}"),
        *_mail(),
        "QUIT",
        expect=(("PLAIN", "success"),),
        user=_JUERGEN.user,
    ),
    _script(
        "login-lower-case",
        "exim",
        25,
        "none",
        "ehlo bench",
        "auth login",
        _USER,
        _PASSWORD,
        *_mail(),
        "quit",
        expect=(("LOGIN", "success"),),
    ),
    _script(
        "xoauth2-long-token",
        "nodemailer",
        587,
        "none",
        _EHLO,
        "AUTH XOAUTH2",
        b64(f"user={_BENCH.user}\x01auth=Bearer {_BENCH.token}\x01\x01"),
        *_mail(),
        "QUIT",
        expect=(("XOAUTH2", "success"),),
    ),
    _script(
        "login-after-helo-only",
        "exim",
        2525,
        "none",
        "HELO bench",
        "AUTH LOGIN",
        "QUIT",
        expect=(("LOGIN", "failure"),),
    ),
    _script(
        "mechanism-not-supported", "relay", 587, "none", _EHLO, "AUTH GSSAPI", "QUIT", expect=(("GSSAPI", "failure"),)
    ),
    _script(
        "mechanism-not-supported-504",
        "nodemailer",
        587,
        "none",
        _EHLO,
        "AUTH NTLM",
        "QUIT",
        expect=(("NTLM", "failure"),),
    ),
    # Failures.
    _case("plain-wrong-password", "curl", "relay", 25, "none", "PLAIN", right=False),
    _case("login-wrong-password", "swaks", "exim", 25, "none", "LOGIN", right=False),
    _case("login-wrong-password-nodemailer", "nodemailer", "nodemailer", 2525, "none", "LOGIN", right=False),
    _case("cram-md5-wrong-password", "smtplib", "relay", 587, "none", "CRAM-MD5", right=False),
    _case("digest-md5-wrong-password", "netsmtp", "relay", 2525, "none", "DIGEST-MD5", user="bench", right=False),
    _case("scram-sha-256-wrong-password", "msmtp", "relay", 25, "none", "SCRAM-SHA-256", right=False),
    _case("ntlm-wrong-password", "curl", "exim", 2525, "none", "NTLM", right=False),
    _case(
        "xoauth2-refused-token",
        "nodemailer",
        "nodemailer",
        587,
        "none",
        "XOAUTH2",
        right=False,
        expect=(("XOAUTH2", "failure"),) * 2,
    ),
    _case("oauthbearer-refused-token", "curl", "relay", 587, "none", "OAUTHBEARER", right=False, initial_response=True),
    _case(
        "xoauth2-refused-two-steps", "smtplib", "aiosmtpd", 587, "none", "XOAUTH2", right=False, initial_response=False
    ),
    # Cancelled, malformed, repeated.
    _case(
        "digest-md5-cancelled-by-curl",
        "curl",
        "dovecot",
        587,
        "none",
        "DIGEST-MD5",
        user="bench",
        expect=(("DIGEST-MD5", "cancelled"),),
    ),
    _script("plain-cancelled", "relay", 25, "none", _EHLO, "AUTH PLAIN", "*", "QUIT", expect=(("PLAIN", "cancelled"),)),
    _script(
        "login-cancelled-at-password",
        "exim",
        587,
        "none",
        _EHLO,
        "AUTH LOGIN",
        _USER,
        "*",
        "QUIT",
        expect=(("LOGIN", "cancelled"),),
    ),
    _script(
        "cram-md5-cancelled",
        "nodemailer",
        2525,
        "none",
        _EHLO,
        "AUTH CRAM-MD5",
        "*",
        "QUIT",
        expect=(("CRAM-MD5", "cancelled"),),
    ),
    _script(
        "plain-malformed-base64", "exim", 587, "none", _EHLO, "AUTH PLAIN ***", "QUIT", expect=(("PLAIN", "failure"),)
    ),
    _script(
        "second-auth-after-success",
        "relay",
        587,
        "none",
        _EHLO,
        f"AUTH PLAIN {_PLAIN}",
        f"AUTH PLAIN {_PLAIN}",
        *_mail(),
        "QUIT",
        expect=(("PLAIN", "success"), ("PLAIN", "failure")),
    ),
    _script(
        "second-auth-after-failure",
        "aiosmtpd",
        587,
        "none",
        _EHLO,
        "AUTH PLAIN " + b64(f"\0{_BENCH.user}\0{WRONG_PASSWORD}"),
        "AUTH LOGIN",
        _USER,
        _PASSWORD,
        *_mail(),
        "QUIT",
        expect=(("PLAIN", "failure"), ("LOGIN", "success")),
    ),
    _script(
        "password-after-refused-token",
        "nodemailer",
        587,
        "none",
        _EHLO,
        "AUTH XOAUTH2 " + b64(f"user={_BENCH.user}\x01auth=Bearer ya29.old-c4n4ry\x01\x01"),
        "",
        f"AUTH PLAIN {_PLAIN}",
        *_mail(),
        "QUIT",
        expect=(("XOAUTH2", "failure"), ("PLAIN", "success")),
    ),
    _script(
        "connection-reset-in-auth",
        "exim",
        25,
        "none",
        _EHLO,
        "AUTH LOGIN",
        _USER,
        "<abort>",
        expect=(("LOGIN", "unknown"),),
    ),
    # No AUTH.
    _case("relay-by-address", "swaks", "relay", 25, "none", device="ups-basement", ehlo="ups.office.example"),
    _case("direct-send", "netsmtp", "exim", 25, "none"),
    _case("direct-send-ipv6", "msmtp", "exim", 25, "none", ipv6=True),
    _script("auth-required", "nodemailer", 587, "none", _EHLO, "MAIL FROM:<bench@office.example>", "QUIT", expect=()),
    _script("greeting-only", "relay", 25, "none", "QUIT", expect=()),
    # The dialogue's own turns.
    _case("pipelining", "swaks", "relay", 25, "none", "PLAIN", pipelining=True),
    _case("several-messages", "smtplib", "exim", 587, "none", "LOGIN", messages=3),
    _script(
        "reset-between-messages",
        "relay",
        587,
        "none",
        _EHLO,
        f"AUTH PLAIN {_PLAIN}",
        *_mail(),
        "RSET",
        "NOOP",
        *_mail(),
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
    _script(
        "bdat",
        "relay",
        25,
        "none",
        _EHLO,
        f"AUTH PLAIN {_PLAIN}",
        "MAIL FROM:<bench@office.example>",
        "RCPT TO:<someone@partner.example>",
        "<raw>BDAT 17\r\nSubject: bench\r\n\r\n",
        "<raw>BDAT 27 LAST\r\nAUTH PLAIN is only text\r\n.\r\n",
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
    _script(
        "commands-byte-by-byte",
        "exim",
        25,
        "none",
        _EHLO,
        *(f"<more>{letter}" for letter in "AUTH PLAI"),
        "<wait 0.1>",
        f"<raw>N {_PLAIN}\r\n",
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
    _script(
        "message-text-looks-like-auth",
        "relay",
        25,
        "none",
        _EHLO,
        f"AUTH PLAIN {_PLAIN}",
        *_mail("Subject: AUTH LOGIN\r\n\r\nAUTH LOGIN\r\nAUTH PLAIN AGEAYg==\r\n235 ok\r\n."),
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
    _script(
        "large-message",
        "exim",
        587,
        "none",
        _EHLO,
        f"AUTH PLAIN {_PLAIN}",
        *_mail()[:3],
        "<slow 60000 0.2>",
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
)

TLS = (
    # Every mechanism inside TLS: STARTTLS, and TLS from the first byte.
    _case("login-exchange-curl", "curl", "exchange", 587, "starttls", "LOGIN"),
    _case("login-exchange-swaks", "swaks", "exchange", 587, "starttls", "LOGIN"),
    _case(
        "login-exchange-blocked",
        "smtplib",
        "exchange",
        587,
        "starttls",
        "LOGIN",
        user="warehouse@office.example",
        expect=(("LOGIN", "failure"),),
    ),
    _case("login-exchange-wrong-password", "netsmtp", "exchange", 587, "starttls", "LOGIN", right=False),
    _case("xoauth2-exchange-nodemailer", "nodemailer", "exchange", 587, "starttls", "XOAUTH2"),
    _case("xoauth2-exchange-refused", "curl", "exchange", 587, "starttls", "XOAUTH2", right=False),
    _case("no-auth-exchange", "swaks", "exchange", 587, "starttls"),
    _case("plain-gmail-nodemailer", "nodemailer", "gmail", 465, "implicit", "PLAIN"),
    _case(
        "login-gmail-app-password-needed",
        "curl",
        "gmail",
        587,
        "starttls",
        "LOGIN",
        user="warehouse@office.example",
        expect=(("LOGIN", "failure"),),
    ),
    _case("xoauth2-gmail-smtplib", "smtplib", "gmail", 465, "implicit", "XOAUTH2"),
    _case("xoauth2-gmail-refused", "smtplib", "gmail", 587, "starttls", "XOAUTH2", right=False),
    _case("oauthbearer-gmail-curl", "curl", "gmail", 465, "implicit", "OAUTHBEARER", initial_response=True),
    _case("plain-postfix-smtplib", "smtplib", "relay", 587, "starttls", "PLAIN"),
    _case("plain-postfix-msmtp", "msmtp", "relay", 465, "implicit", "PLAIN"),
    _case("login-postfix-swaks", "swaks", "relay", 465, "implicit", "LOGIN"),
    _case("login-exim-netsmtp", "netsmtp", "exim", 587, "starttls", "LOGIN"),
    _case("plain-exim-curl-ipv6", "curl", "exim", 465, "implicit", "PLAIN", ipv6=True),
    _case("login-aiosmtpd-nodemailer", "nodemailer", "aiosmtpd", 2525, "starttls", "LOGIN"),
    _case("plain-aiosmtpd-msmtp-ipv6", "msmtp", "aiosmtpd", 587, "starttls", "PLAIN", ipv6=True),
    _case("plain-nodemailer-wrong-password", "curl", "nodemailer", 465, "implicit", "PLAIN", right=False),
    _case("cram-md5-nodemailer-msmtp", "msmtp", "nodemailer", 587, "starttls", "CRAM-MD5"),
    _case("cram-md5-exim-swaks", "swaks", "exim", 465, "implicit", "CRAM-MD5"),
    _case("digest-md5-dovecot-netsmtp", "netsmtp", "dovecot", 587, "starttls", "DIGEST-MD5", user="bench"),
    _case("digest-md5-postfix-swaks", "swaks", "relay", 465, "implicit", "DIGEST-MD5", user="bench"),
    _case("scram-sha-1-dovecot-msmtp", "msmtp", "dovecot", 465, "implicit", "SCRAM-SHA-1"),
    _case("scram-sha-256-postfix-msmtp", "msmtp", "relay", 587, "starttls", "SCRAM-SHA-256"),
    _case("ntlm-exim-curl", "curl", "exim", 587, "starttls", "NTLM"),
    _case("ntlm-exim-swaks", "swaks", "exim", 465, "implicit", "NTLM"),
    _case("xoauth2-nodemailer-nodemailer", "nodemailer", "nodemailer", 465, "implicit", "XOAUTH2"),
    _case("xoauth2-dovecot-msmtp", "msmtp", "dovecot", 465, "implicit", "XOAUTH2", short=True),
    _case("oauthbearer-exim-msmtp", "msmtp", "exim", 587, "starttls", "OAUTHBEARER"),
    _case("external-dovecot-curl", "curl", "dovecot", 587, "starttls", "EXTERNAL", client_certificate="bench"),
    _case("external-dovecot-netsmtp", "netsmtp", "dovecot", 465, "implicit", "EXTERNAL", client_certificate="bench"),
    _case("external-exim-msmtp", "msmtp", "exim", 587, "starttls", "EXTERNAL", client_certificate="bench"),
    _case("direct-send-exim", "msmtp", "exim", 25, "starttls"),
    # Versions and suites.
    _case("plain-tls12", "curl", "relay", 587, "starttls", "PLAIN", tls_version="1.2"),
    _case("login-tls12", "smtplib", "exim", 465, "implicit", "LOGIN", tls_version="1.2"),
    _case("login-tls10", "smtplib", "relay", 25, "starttls", "LOGIN", tls_version="1.0"),
    # Turns of STARTTLS itself.
    _script(
        "login-initial-response-starttls",
        "exchange",
        587,
        "starttls",
        _EHLO,
        "STARTTLS",
        "<tls>",
        _EHLO,
        f"AUTH LOGIN {_USER}",
        _PASSWORD,
        *_mail(),
        "QUIT",
        expect=(("LOGIN", "success"),),
    ),
    _script(
        "cancelled",
        "exchange",
        587,
        "starttls",
        _EHLO,
        "STARTTLS",
        "<tls>",
        _EHLO,
        "AUTH LOGIN",
        "*",
        "QUIT",
        expect=(("LOGIN", "cancelled"),),
    ),
    _script(
        "second-auth",
        "gmail",
        587,
        "starttls",
        _EHLO,
        "STARTTLS",
        "<tls>",
        _EHLO,
        f"AUTH XOAUTH2 {_BEARER}",
        f"AUTH PLAIN {_PLAIN}",
        *_mail(),
        "QUIT",
        expect=(("XOAUTH2", "success"), ("PLAIN", "failure")),
    ),
    _script(
        "injected-command",
        "relay",
        587,
        "starttls",
        _EHLO,
        "<raw>STARTTLS\r\nNOOP\r\n",
        "<tls>",
        _EHLO,
        f"AUTH PLAIN {_PLAIN}",
        *_mail(),
        "QUIT",
        expect=(("PLAIN", "success"),),
    ),
    _script("quit-at-once", "relay", 587, "starttls", _EHLO, "STARTTLS", "<tls>", _EHLO, "QUIT", expect=()),
    _script("never-started", "exim", 587, "starttls", _EHLO, "STARTTLS", "<abort>", expect=()),
    _case("untrusted-certificate", "curl", "exim", 587, "starttls", "PLAIN", trusted=False, expect=()),
)

CASES = (*CLEAR, *TLS)

"""What is to be sent: the vocabulary of :mod:`labkit.cases` and :mod:`labkit.office`."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal

from scripts.labkit.credentials import ACCOUNTS, WRONG_PASSWORD, WRONG_TOKEN

Tls = Literal["none", "starttls", "implicit"]

BEARER = ("XOAUTH2", "OAUTHBEARER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One run of one client, which makes one TCP connection unless told otherwise.

    Attributes:
        client: a key of :data:`scripts.labkit.clients.CLIENTS`.
        device: the host it runs on.
        server: the host it sends to.
        mechanism: what it is told to use; ``None``: no AUTH.
        initial_response: told to send one or not, where the client has that choice; ``None``: its own way.
        right: whether password or token is the right one.
        short: use the short token, which some servers' line limits need.
        tls_version: forced version, ``None``: whatever both agree on.
        trusted: whether the client trusts the server's certificate.
        client_certificate: name of the certificate it shows.
        steps: for the ``script`` client, see ``programs/send_script.py``.
        recipients: how many each message has.
        connections: how many it makes, one after the other: with the session of the one before where it can.
        cipher: OpenSSL's name of the one cipher suite to be used.
        groups: OpenSSL's list of groups for the key exchange.
        padding: block size to which the client pads its records of TLS 1.3, 0: none.
        encrypt_then_mac: whether the client offers it for CBC suites (RFC 7366).
        expect: (mechanism, outcome) of every attempt; ``None``: one attempt that succeeds if ``right``.
    """

    client: str
    server: str
    port: int
    tls: Tls = "none"
    mechanism: str | None = None
    user: str = "bench@office.example"
    device: str = "bench"
    initial_response: bool | None = None
    right: bool = True
    short: bool = False
    ipv6: bool = False
    ehlo: str = "bench.office.example"
    sender: str = "bench@office.example"
    recipient: str = "someone@partner.example"
    size: int = 300
    messages: int = 1
    tls_version: str | None = None
    trusted: bool = True
    client_certificate: str | None = None
    pipelining: bool = False
    recipients: int = 1
    connections: int = 1
    cipher: str | None = None
    groups: str | None = None
    padding: int = 0
    encrypt_then_mac: bool = True
    steps: tuple[str, ...] = ()
    expect: tuple[tuple[str, str], ...] | None = None

    @property
    def secret(self) -> str:
        """The password or token the client is given."""
        if self.mechanism in BEARER:
            account = ACCOUNTS[self.user]
            return (account.short_token if self.short else account.token) if self.right else WRONG_TOKEN
        return ACCOUNTS[self.user].password if self.right else WRONG_PASSWORD

    @property
    def expected(self) -> list[tuple[str, str]]:
        """(mechanism, outcome) of every attempt the session must show."""
        if self.expect is not None:
            return list(self.expect)
        return [(self.mechanism, "success" if self.right else "failure")] if self.mechanism else []

    @property
    def all_recipients(self) -> list[str]:
        """The recipients of each message."""
        more = [f"someone-{number}@partner.example" for number in range(2, self.recipients + 1)]
        return [self.recipient, *more]


def b64(text: str) -> str:
    """Base64 of the UTF-8 form of ``text``, as SASL responses travel in SMTP."""
    return base64.b64encode(text.encode()).decode()

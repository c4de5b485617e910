"""aiosmtpd on ports 25, 587 and 2525 (STARTTLS) and 465 (TLS), both address families, with PLAIN, LOGIN and OAuth.

Arguments: accounts.json, certificate, key, key log.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import threading
from typing import Any

# Runs in the lab's own environment, and in that of the tests.
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, AuthResult, LoginPassword

accounts_file, certificate, key, key_log = sys.argv[1:5]
with open(accounts_file) as accounts_json:
    ACCOUNTS = {account["user"]: account for account in json.load(accounts_json)}


def check_password(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Compare user and password with the accounts."""
    if not isinstance(data, LoginPassword):
        return AuthResult(success=False, handled=False)
    account = ACCOUNTS.get(data.login.decode(errors="replace"))
    right = account is not None and account["password"].encode() == data.password
    return AuthResult(success=right, handled=False, auth_data=data.login)


class Handler:
    """Accepts every message; knows the OAuth mechanisms aiosmtpd leaves to its users."""

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:
        """Found by aiosmtpd by its name."""
        return await self._bearer(server, args)

    async def auth_OAUTHBEARER(self, server: Any, args: list[str]) -> AuthResult:
        """Found by aiosmtpd by its name."""
        return await self._bearer(server, args)

    async def _bearer(self, server: Any, args: list[str]) -> AuthResult:
        response = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth(b"")
        if response is MISSING:
            return AuthResult(success=False)
        fields = response.decode(errors="replace").split("\x01")
        token = next((field[12:] for field in fields if field.startswith("auth=Bearer ")), "")
        user = next((user for user, account in ACCOUNTS.items() if token in account["tokens"]), None)
        if user is None:
            # RFC 7628 section 3.2.3: the reason, then the client's empty answer, then the failure.
            await server.challenge_auth(b'{"status":"invalid_token","scope":"smtp.send"}')
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, handled=False, auth_data=user.encode())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Accept the message."""
        return "250 2.0.0 Ok: queued"


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.keylog_filename = key_log
common: dict[str, Any] = {"authenticator": check_password, "hostname": "", "server_hostname": "alerts.service.example"}
for port in (25, 587, 2525):
    for address in ("0.0.0.0", "::"):  # noqa: S104 - inside a sealed namespace
        Controller(
            Handler(),
            port=port,
            tls_context=context,
            auth_require_tls=False,
            auth_required=port != 25,
            **common | {"hostname": address},
        ).start()
for address in ("0.0.0.0", "::"):  # noqa: S104
    Controller(
        Handler(),
        port=465,
        ssl_context=context,
        auth_require_tls=False,
        auth_required=True,
        **common | {"hostname": address},
    ).start()
threading.Event().wait()

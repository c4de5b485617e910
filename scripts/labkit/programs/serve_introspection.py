"""OAuth token introspection for Dovecot (RFC 7662 in its simplest form) on 127.0.0.1:8088. Argument: accounts.json."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

with open(sys.argv[1]) as accounts_json:
    USERS = {token: account["user"] for account in json.load(accounts_json) for token in account["tokens"]}


class Handler(BaseHTTPRequestHandler):
    """Answers ``GET /?token=…``."""

    def do_GET(self) -> None:
        """Look the token up."""
        token = parse_qs(urlparse(self.path).query).get("token", [""])[0]
        user = USERS.get(token)
        answer = json.dumps({"active": "true", "username": user} if user else {"active": "false"}).encode()
        self.send_response(200 if user else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


ThreadingHTTPServer(("127.0.0.1", 8088), Handler).serve_forever()

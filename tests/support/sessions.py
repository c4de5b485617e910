"""Sessions for tests: made by hand, or drawn by hypothesis over everything the record allows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from analyzer.inventory.findings import session_findings
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt, Method

START = 1_795_466_935_123_456_789  # 2026-11-23T20:48:55.123456Z
SECOND = 10**9
DAY = 86_400 * SECOND

METHOD_OF = {
    "PLAIN": "basic",
    "LOGIN": "basic",
    "CRAM-MD5": "challenge",
    "NTLM": "challenge",
    "XOAUTH2": "oauth",
    "OAUTHBEARER": "oauth",
    "EXTERNAL": "certificate",
    "GSSAPI": "kerberos",
    "ANONYMOUS": "anonymous",
    "X-OWN": "unknown",
}


def attempt(mechanism: str = "LOGIN", outcome: str = "success", **fields: Any) -> AuthAttempt:
    """An attempt; replies and user names that go with the outcome unless others are given."""
    codes = {"success": 235, "failure": 535, "cancelled": 501}
    fields.setdefault("code", codes.get(outcome))
    fields.setdefault("username", "scan@example.com")
    fields.setdefault("initial_response", False)
    fields.setdefault("time", START)
    method: Any = METHOD_OF[mechanism]
    return AuthAttempt(mechanism, method, outcome=outcome, **fields)  # type: ignore[arg-type]


def session(*attempts: AuthAttempt, client: str = "10.10.0.103", **fields: Any) -> Session:
    """A session in the clear on port 587, judged and with its findings, as the observer hands them on."""
    defaults: dict[str, Any] = {
        "start": START,
        "end": START + SECOND,
        "source": "office.pcap",
        "client_port": 35878,
        "server_ip": "10.10.0.11",
        "server_port": 587,
        "client_mac": 0x0017C8_000103,
        "client_ttl": 64,
        "ehlo": "copier3.example.com",
        "auth": list(attempts),
    }
    made = Session(client_ip=client, **{**defaults, **fields})
    if attempts and "method" not in fields:
        decisive = next((a for a in reversed(attempts) if a.outcome == "success"), attempts[-1])
        made.method = decisive.method
        if made.method != "unknown":
            made.evidence, made.confidence = "observed", 1.0
    elif made.method != "unknown" and made.evidence is None:
        made.evidence, made.confidence = "observed", 1.0
    made.findings = session_findings(made)
    return made


def silent(method: Method = "none", messages: int = 1, **fields: Any) -> Session:
    """A session without attempts that were readable."""
    return session(method=method, messages=messages, **fields)


_names = st.sampled_from(
    ["copier3", "copier3.example.com", "erp.example.com", "[10.1.2.3]", "[127.0.0.1]", "localhost", "x" * 400]
)
_users = st.sampled_from([None, "scan", "scan@example.com", "CORP\\erp", "apikey", "müller@example.com"])
_times = st.integers(START, START + 3 * DAY)

attempts = st.builds(
    attempt,
    st.sampled_from(sorted(METHOD_OF)),
    st.sampled_from(["success", "failure", "cancelled", "unknown"]),
    username=_users,
    initial_response=st.booleans(),
    time=_times,
    code=st.sampled_from([None, 235, 501, 503, 504, 530, 534, 535, 538]),
    enhanced=st.sampled_from([None, "5.7.8", "5.7.139"]),
)


# Made once: to make a strategy takes longer than to draw from it.
_attempted = st.lists(attempts, max_size=3)
_inferred_methods = st.sampled_from(["basic", "oauth", "none", "unknown"])
_silent_methods = st.sampled_from(["none", "unknown"])
_confidences = st.sampled_from([0.9, 0.97, 0.995])
_reasons = st.sampled_from(["gap", "inside-tls"])
_clients = st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.1.9", "203.0.113.7", "fd00::5", "fe80::5"])
_durations = st.integers(0, 100)
_fields: dict[str, st.SearchStrategy[Any]] = {
    "client_mac": st.sampled_from([None, 0x0017C8000001, 0x0017C8000002, 0x020000000001]),
    "client_ttl": st.sampled_from([None, 64, 128, 63]),
    "ehlo": st.none() | _names,
    "server_ip": st.sampled_from(["10.10.0.11", "52.96.0.1", "2001:db8::25"]),
    "server_port": st.sampled_from([25, 587, 465]),
    "server_name": st.sampled_from([None, "mail.example.com", "smtp.example.com"]),
    "provider": st.sampled_from([None, "exchange-online", "sendgrid"]),
    "messages": st.integers(0, 2),
    "is_smtp": st.sampled_from([True, True, True, False]),
}


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Sessions of few clients, servers and accounts, so that they meet."""
    start = draw(_times)
    inferred = draw(st.booleans())
    tried = [] if inferred else draw(_attempted)
    fields: dict[str, Any] = {}
    if not tried:
        fields["method"] = draw(_inferred_methods if inferred else _silent_methods)
        if inferred and fields["method"] != "unknown":
            fields |= {"evidence": "inferred", "confidence": draw(_confidences)}
        fields["reason"] = draw(_reasons) if fields["method"] == "unknown" else None
    return session(
        *tried,
        client=draw(_clients),
        start=start,
        end=start + draw(_durations) * SECOND,
        **{name: draw(strategy) for name, strategy in _fields.items()},
        **fields,
    )

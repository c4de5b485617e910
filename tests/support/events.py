"""Events for tests: made by hand, or drawn by hypothesis over everything the record allows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from analyzer.alerts import KINDS, Event, Kind
from tests.support.sessions import SECOND, START

PASSWORD: dict[str, Any] = {
    "mechanism": "LOGIN",
    "method": "basic",
    "evidence": "observed",
    "confidence": 1.0,
    "username": "scan@example.com",
    "outcome": "success",
}


def event(kind: Kind = "password-in-clear", time: int = START, **fields: Any) -> Event:
    """A copier that logs in on port 587."""
    defaults: dict[str, Any] = {
        "session_start": time - SECOND,
        "client_ip": "10.10.0.103",
        "client_port": 35878,
        "server_ip": "10.10.0.11",
        "server_port": 587,
        "client_mac": 0x0017C8_000103,
        "ehlo": "copier3.example.com",
        "server_name": "smtp.example.com",
        **PASSWORD,
    }
    return Event(kind, time, **{**defaults, **fields})


def hostile_event(text: str) -> Event:
    """An event in which every field that a peer chooses is ``text``."""
    return event(ehlo=text, server_name=text, mechanism=text, username=text, meaning=text, outcome="failure")


_texts = st.none() | st.text(max_size=20)

_certainty: Any = st.sampled_from([(None, None), ("observed", 1.0), ("decrypted", 1.0), ("inferred", 0.991)])

events = st.builds(
    lambda kind, time, certainty, **fields: event(kind, time, evidence=certainty[0], confidence=certainty[1], **fields),
    st.sampled_from([kind.id for kind in KINDS]),
    st.integers(0, 2**64),
    _certainty,
    client_ip=st.ip_addresses().map(str),
    server_ip=st.ip_addresses().map(str),
    client_mac=st.none() | st.integers(0, 2**48 - 1),
    ehlo=_texts,
    server_name=_texts,
    provider=st.sampled_from([None, "exchange-online", "gmail"]),
    mechanism=_texts,
    method=st.sampled_from(["basic", "challenge", "oauth", "none"]),
    username=_texts,
    outcome=st.sampled_from(["success", "failure", "cancelled", "unknown"]),
    meaning=_texts,
    count=st.integers(1, 10**6),
    since=st.none() | st.integers(1, 2**62),
)

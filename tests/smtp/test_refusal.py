"""Why a server refused a token: the JSON in its 334 reply, however hostile."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp.limits import MAX_REFUSAL, MAX_TEXT
from analyzer.smtp.refusal import read_refusal


def encoded(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"status":"401","schemes":"bearer","scope":"mail"}', {"status": "401", "schemes": "bearer", "scope": "mail"}),
        ('{"status":"invalid_token"}', {"status": "invalid_token"}),
        ('{"status":400}', {"status": "400"}),
        ('{"status":"401","other":"x","token":"s3cr3t"}', {"status": "401"}),
        ('{"status":"401","scope":{"nested":["s3cr3t"]},"schemes":["s3cr3t"]}', {"status": "401"}),
        ('{"status":"401","scope":null,"schemes":true}', {"status": "401"}),
        ('{"status":"a\\u0000b\\u001b[31mc\\u202e"}', {"status": "ab[31mc"}),
        ('{"status":"\\ud800"}', {"status": "?"}),
        ('{"status":"%s"}' % ("x" * 1000), {"status": "x" * MAX_TEXT}),
        ('{"status":"1","status":"2"}', {"status": "2"}),
        (' {"status" : "401"}\n', {"status": "401"}),
        ('{"status":"401"}'.encode("utf-16"), {"status": "401"}),
    ],
)
def test_status_schemes_and_scope_are_kept_and_nothing_else(text: str | bytes, told: dict[str, str]) -> None:
    assert read_refusal(encoded(text)) == told


def test_padding_that_the_server_left_out_does_not_matter() -> None:
    text = '{"status":"401" }'
    assert encoded(text).endswith(b"=")
    assert read_refusal(encoded(text).rstrip(b"=")) == {"status": "401"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '"status"',
        "null",
        "401",
        '["status"]',
        '{"status":"401"',
        '{"status":1e5}',
        '{"Status":"401"}',
        '{"status":%s}' % ("9" * 5000),
        "[" * 3000,
        '{"status":' * 300,
        b"\xff\xfe\xfd",
    ],
)
def test_what_is_no_refusal_gives_nothing(text: str | bytes) -> None:
    assert read_refusal(encoded(text)) is None


@pytest.mark.parametrize("raw", [b"{}", b"not base64", b"VXNlcm5hbWU6", b"\xff", b"eyJ=", b"="])
def test_what_is_no_base64_gives_nothing(raw: bytes) -> None:
    assert read_refusal(raw) is None


def test_a_refusal_longer_than_the_limit_is_not_read() -> None:
    fits = encoded(json.dumps({"status": "401"}).ljust(MAX_REFUSAL * 3 // 4))
    assert len(fits) == MAX_REFUSAL
    assert read_refusal(fits) == {"status": "401"}
    assert read_refusal(encoded(json.dumps({"status": "401"}).ljust(MAX_REFUSAL * 3 // 4 + 1))) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["status", "scope", "schemes", "x"]), inner),
)


@settings(deadline=None)
@given(JSON)
def test_any_json_gives_bounded_printable_text_or_nothing(value: object) -> None:
    for key, text in (read_refusal(encoded(json.dumps(value))) or {}).items():
        assert key in ("status", "schemes", "scope")
        assert len(text) <= MAX_TEXT
        assert not text or text.isprintable()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_refusal_or_nothing(raw: bytes) -> None:
    assert read_refusal(raw) is None or read_refusal(encoded(raw)) is None

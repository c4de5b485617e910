from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decryption.rows import QUESTION, Row, parse
from analyzer.decryption.wire import END, GAP

CLIENT, SERVER = "fd00:534d:5450::7", "fd00:534d:5450:1::7"


def line(source: str = CLIENT, port: int = 4433, **layers: Any) -> bytes:
    return json.dumps(
        {"timestamp": "0", "layers": {"ipv6_src": [source], "tcp_dstport": [str(port)], **layers}}
    ).encode()


def test_no_field_that_holds_a_password_is_asked_for() -> None:
    assert not [name for name in QUESTION.fields if name.startswith(("smtp", "ntlmssp", "imf"))]


def test_what_was_decrypted_is_read_record_by_record() -> None:
    row = parse(
        line(
            tls_record_length=["24", "30"],
            tls_record_content_type=["23", "23"],
            tls_record_opaque_type=["23", "23"],
            data_data=["45484c4f", "20:61"],
        )
    )
    assert row == Row(7, 0, plain=[b"EHLO", b" a"])
    assert "EHLO" not in repr(row)


def test_a_record_of_tls_1_3_whose_true_type_is_not_shown_could_not_be_decrypted() -> None:
    shown = line(SERVER, tls_record_length=["90", "40", "41"], tls_record_content_type=["22"])
    shown = shown.replace(b'"tls_record_length"', b'"tls_record_opaque_type": ["23", "23"], "tls_record_length"')
    assert parse(shown) == Row(7, 1, failed=2)


def test_the_end_of_the_handshake_shows_that_the_keys_are_the_right_ones() -> None:
    row = parse(
        line(
            tls_record_length=["53"],
            tls_record_content_type=["22"],
            tls_record_opaque_type=["23"],
            tls_handshake_type=["20"],
        )
    )
    assert row == Row(7, 0, finished=True)


@pytest.mark.parametrize(
    ("lengths", "plain", "silent"),
    [
        (["100"], ["61"], ()),
        (["100"], [], (100,)),
        (["32", "100"], ["61"], (32,)),
        (["100", "32", "100"], ["61", "62"], (32,)),
        (["100", "200"], [], (100, 200)),
    ],
)
def test_before_tls_1_3_records_that_show_nothing_are_told_by_their_length(
    lengths: list[str], plain: list[str], silent: tuple[int, ...]
) -> None:
    layers: dict[str, Any] = {"tls_record_length": lengths, "tls_record_content_type": ["23"] * len(lengths)}
    if plain:
        layers["data_data"] = plain
    row = parse(line(**layers))
    assert row is not None
    assert row.silent == silent


def test_a_sign_of_ours_is_known_by_its_port() -> None:
    assert parse(line(SERVER, GAP)) == Row(7, 1, sign=GAP)
    assert parse(line(CLIENT, END)) == Row(7, 0, sign=END)


@pytest.mark.parametrize("text", [b"", b"  ", b'{"index":{"_index":"packets-1970-01-01"}}'])
def test_lines_between_packets_hold_nothing(text: bytes) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense",
        b"null",
        b"[[]]",
        b'{"layers": {}}',
        line("10.0.0.1"),
        line(data_data=["4"]),
        line(data_data=[7]),
        line(port=-1).replace(b"-1", b"x"),
        line(tls_record_length=["x"], tls_record_content_type=["23"]),
        line(tls_record_length=["7"], tls_record_content_type=["23", "23"]),
        b"[" * 100_000,
    ],
)
def test_a_line_that_was_not_asked_for_is_not_understood(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words
        parse(text)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_but_not_understood_comes_of_other_lines(value: object) -> None:
    for text in (
        value,
        {"layers": value},
        {"layers": {"ipv6_src": [CLIENT], "tcp_dstport": ["4433"], "data_data": value}},
    ):
        try:
            parse(json.dumps(text).encode())
        except ValueError:
            continue

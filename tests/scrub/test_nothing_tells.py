"""Two captures that differ in nothing but a secret look the same when they are scrubbed."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.scrub import Policy
from analyzer.streams import CLIENT, SERVER
from tests.scrub.scrubbing import Turns, on_the_wire, scrub, scrubbed
from tests.smtp.playing import OFFER, b64, greeting, playbook, session
from tests.streams.packets import Script

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300)


def plain(secret: str) -> Turns:
    return session(f"C: AUTH PLAIN {b64(f'{chr(0)}user{chr(0)}{secret}')}", "S: 235 2.7.0 ok")


def login(secret: str) -> Turns:
    steps = ("C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", f"C: {b64('user')}", "S: 334 UGFzc3dvcmQ6", f"C: {b64(secret)}")
    return session(*steps, "S: 535 5.7.8 no")


def token(secret: str) -> Turns:
    return session(f"C: AUTH XOAUTH2 {b64(f'user=user{chr(1)}auth=Bearer {secret}{chr(1)}{chr(1)}')}", "S: 235 ok")


def repeated_by_the_server(secret: str) -> Turns:
    return session(f"C: AUTH PLAIN {b64(secret)}", f"S: 501 5.5.2 cannot decode {b64(secret)}, {secret}")


def sent_without_base64(secret: str) -> Turns:
    return session("C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: \1", "S: 334 UGFzc3dvcmQ6", f"C: {secret}", "S: 535 no")


def sent_too_early(secret: str) -> Turns:
    at_once = "\r\n".join(("AUTH LOGIN", b64("user"), b64(secret), ""))
    return [*playbook(*greeting()), (CLIENT, at_once.encode()), (SERVER, b"504 no\r\n500 no\r\n500 no\r\n")]


def sent_out_of_place(secret: str) -> Turns:
    line = f"C: {base64.b32encode(secret.encode()).decode()}="  # no command looks like that
    return playbook(*greeting(), "C: RSET", "S: 250 ok", line, "S: 500 what", "C: QUIT", "S: 221 bye")


def named_as_a_mechanism(secret: str) -> Turns:
    return session(f"C: AUTH {b64(secret)}=", "S: 504 what", offer=OFFER)


def a_nonce(secret: str) -> Turns:
    return session("C: AUTH CRAM-MD5", f"S: 334 {b64(secret)}", f"C: {b64('user ' + '0' * 32)}", "S: 235 ok")


DIALOGUES = (
    plain,
    login,
    token,
    repeated_by_the_server,
    sent_without_base64,
    sent_too_early,
    sent_out_of_place,
    named_as_a_mechanism,
    a_nonce,
)


def contents(turns: Turns) -> list[tuple[bytes, int]]:
    return [(shown.data, shown.wire) for shown in scrubbed(turns)]


@pytest.mark.parametrize("dialogue", DIALOGUES)
@given(secrets, secrets)
@example("s", "s3cr3t-c4n4ry" * 20)
@settings(max_examples=15, deadline=None)
def test_neither_bytes_nor_lengths_nor_numbers_depend_on_the_secret(
    dialogue: Callable[[str], Turns], one: str, other: str
) -> None:
    assert contents(dialogue(one)) == contents(dialogue(other))


def typed(secret: str) -> list[tuple[bytes, int]]:
    """A login whose secret is sent byte by byte, and acknowledged so; ``scrub`` may not show how many there were."""
    turns = login(secret)
    tape = Script().open()
    for side, data in turns:
        if data == f"{b64(secret)}\r\n".encode():
            for byte in data:
                tape.send(CLIENT, bytes((byte,)))
                tape.send(SERVER)
        else:
            tape.send(side, data)
    return [(shown.data, shown.wire) for shown in scrub(on_the_wire(tape.close().packets))]


@given(secrets, secrets)
@settings(max_examples=15, deadline=None)
def test_a_secret_typed_byte_by_byte_tells_not_how_many(one: str, other: str) -> None:
    assert typed(one) == typed(other)


def test_missing_bytes_of_a_secret_tell_not_how_many() -> None:
    def shown(secret: str) -> list[tuple[bytes, int]]:
        tape = Script().open().say(*login(secret)).close()
        gone = next(packet for packet in tape.packets if packet.data == f"{b64(secret)}\r\n".encode())
        packets = [packet for packet in tape.packets if packet is not gone]
        return [(frame.data, frame.wire) for frame in scrub(on_the_wire(packets))]

    assert shown("s3cr3t") == shown("s3cr3t-c4n4ry" * 3)


def test_with_same_lengths_every_packet_keeps_its_length_and_its_numbers() -> None:
    for dialogue in DIALOGUES:
        frames = on_the_wire(Script().open().say(*dialogue("s3cr3t-c4n4ry")).close().packets)
        shown = scrub(frames, Policy(same_lengths=True))
        assert [len(frame.data) for frame in shown] == [len(frame.data) for frame in frames]
        assert [frame.data[:50] for frame in shown] == [frame.data[:50] for frame in frames]

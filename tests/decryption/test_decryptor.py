"""Bytes of TLS through tshark and back, and a tshark that fails in the middle of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from time import monotonic, sleep

import pytest

from analyzer.decryption import decryptor as module
from analyzer.decryption import wire
from analyzer.decryption.decryptor import Decryptor
from analyzer.decryption.plaintext import Decrypted
from analyzer.tshark import lines
from analyzer.tshark.program import find_tshark
from tests.decryption.sealed import Sealed, sealed, session
from tests.smtp.playing import GO, NO, OK, SECRET, b64, playbook
from tests.support.material import REPOSITORY
from tests.support.programs import program
from tests.support.tools import children, needs_tshark

PLAIN = [f"C: AUTH PLAIN {b64(f'{chr(0)}scan@example.com{chr(0)}{SECRET}')}", OK]
LOGIN = ["C: AUTH LOGIN", f"{GO}x", f"C: {b64('scan')}", f"{GO}x", f"C: {b64(SECRET)}", NO]

Found = tuple[dict[int, Decrypted], str | None]


def feed(decryptor: Decryptor, number: int, connection: Sealed, *, greets: bool | None = True) -> None:
    decryptor.begin(number, 5, greets, connection.keys)
    for side, data in connection.sent:
        decryptor.feed(number, side, data)
    decryptor.end(number)


def decrypt(use: Callable[[Decryptor], None], tshark: str | None = None) -> Found:
    answers: SimpleQueue[tuple[int, Decrypted]] = SimpleQueue()
    with Decryptor(find_tshark(tshark), answers) as decryptor:
        use(decryptor)
        decryptor.close_input()
        decryptor.wait()
    found = {}
    while not answers.empty():
        number, decrypted = answers.get_nowait()
        found[number] = decrypted
    return found, decryptor.fault


CIPHERS = [
    ("1.3", None),
    ("1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("1.2", "ECDHE-ECDSA-AES128-SHA"),
    ("1.2", "ECDHE-ECDSA-AES128-CCM8"),
]
"""What the ssl module still speaks; ``captures/`` holds older ones."""


@needs_tshark
@pytest.mark.parametrize(("version", "ciphers"), CIPHERS)
def test_a_login_is_read_whatever_the_version_and_the_cipher(version: str, ciphers: str | None) -> None:
    connection = sealed(session(*LOGIN, *PLAIN), version, ciphers)
    found, fault = decrypt(lambda decryptor: feed(decryptor, 1, connection))
    assert fault is None
    assert (found[1].readable, found[1].whole) == (True, True)
    logins = [(a.mechanism, a.username, a.outcome) for a in found[1].dialogue.auth]
    assert logins == [("LOGIN", "scan", "failure"), ("PLAIN", "scan@example.com", "success")]
    assert (found[1].dialogue.messages, found[1].dialogue.ended) == (1, True)
    assert SECRET not in repr(found)


@needs_tshark
def test_a_token_of_64_kb_and_a_message_of_megabytes_are_followed() -> None:
    token = b64(f"n,a=scan@example.com,\x01auth=Bearer {'t' * 48_000}\x01\x01")
    message = (b"x" * 76 + b"\r\n") * 40_000
    talk = playbook("S: 220 mail.example ESMTP", "C: EHLO a", "S: 250 AUTH OAUTHBEARER", "C: AUTH OAUTHBEARER", GO)
    talk += playbook(f"C: {token}", OK, "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<c@d>", "S: 250 ok")
    talk += [*playbook("C: DATA", "S: 354 go"), (0, message), *playbook("C: .", "S: 250 ok", "C: QUIT", "S: 221 bye")]
    found, fault = decrypt(lambda decryptor: feed(decryptor, 1, sealed(talk)))
    assert fault is None
    assert [(a.username, a.outcome) for a in found[1].dialogue.auth] == [("scan@example.com", "success")]
    assert (found[1].dialogue.messages, found[1].whole) == (1, True)


@needs_tshark
def test_connections_at_the_same_time_are_kept_apart() -> None:
    versions = ["1.3", "1.2", "1.3", "1.2", "1.3"]
    connections = [
        sealed(session(f"C: AUTH EXTERNAL {b64(f'user{number}')}", OK), version)
        for number, version in enumerate(versions)
    ]

    def use(decryptor: Decryptor) -> None:
        for number, connection in enumerate(connections):
            decryptor.begin(number, 5, True, connection.keys)
        for turn in range(max(len(connection.sent) for connection in connections)):
            for number, connection in enumerate(connections):
                for side, data in connection.sent[turn : turn + 1]:
                    decryptor.feed(number, side, data)
        for number in range(5):
            decryptor.end(number)

    found, _ = decrypt(use)
    names = {number: [a.authzid or a.username for a in one.dialogue.auth] for number, one in found.items()}
    assert names == {number: [f"user{number}"] for number in range(5)}


@needs_tshark
@pytest.mark.parametrize("size", [1, 3, 100])
def test_bytes_may_be_fed_in_pieces_of_any_size(size: int) -> None:
    connection = sealed(session(*PLAIN))
    whole, connection.sent = connection.sent, []
    for side, data in whole:
        connection.sent += [(side, data[at : at + size]) for at in range(0, len(data), size)]
    found, _ = decrypt(lambda decryptor: feed(decryptor, 1, connection))
    assert (found[1].whole, len(found[1].dialogue.auth)) == (True, 1)


@needs_tshark
def test_keys_of_another_connection_open_nothing() -> None:
    connection = sealed(session(*PLAIN))
    connection.keys = sealed(session()).keys
    found, fault = decrypt(lambda decryptor: feed(decryptor, 1, connection))
    assert fault is None
    assert (found[1].readable, found[1].whole, found[1].dialogue.auth) == (False, False, [])


@needs_tshark
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_wrong_secrets_for_the_right_connection_open_nothing(version: str) -> None:
    connection = sealed(session(*PLAIN), version)
    lines_of = [line.split() for line in connection.keys.splitlines() if not line.startswith(b"#")]
    connection.keys = b"".join(b"%s %s %s\n" % (a, b, bytes(len(c) // 2).hex().encode()) for a, b, c in lines_of)
    found, fault = decrypt(lambda decryptor: feed(decryptor, 1, connection))
    assert fault is None
    assert (found[1].readable, found[1].whole, found[1].dialogue.auth) == (False, False, [])


@needs_tshark
@pytest.mark.parametrize("side", [0, 1])
def test_after_a_hole_the_rest_of_that_side_counts_as_missing(side: int) -> None:
    connection = sealed(session(*PLAIN))

    def use(decryptor: Decryptor) -> None:
        decryptor.begin(1, 5, True, connection.keys)
        for speaker, data in connection.sent[:9]:
            decryptor.feed(1, speaker, data)
        decryptor.gap(1, side)
        decryptor.gap(1, side)
        for speaker, data in connection.sent[10:]:
            decryptor.feed(1, speaker, data)
        decryptor.end(1)

    found, fault = decrypt(use)
    assert fault is None
    assert (found[1].readable, found[1].whole) == (True, False)
    assert found[1].dialogue.auth_may_be_hidden == (side == 0)


@needs_tshark
def test_hostile_bytes_behind_an_honest_beginning_do_no_harm() -> None:
    broken, sound = sealed(session(*PLAIN)), sealed(session(*PLAIN))
    broken.sent[6:] = [(0, b"\x17\x03\x03\xff\xff" + os.urandom(5000)), (1, os.urandom(70_000)), (0, b"\x16\x03")]

    def use(decryptor: Decryptor) -> None:
        feed(decryptor, 1, broken)
        feed(decryptor, 2, sound)

    found, fault = decrypt(use)
    assert fault is None
    assert found[1].dialogue.auth == []
    assert len(found[2].dialogue.auth) == 1


@needs_tshark
def test_it_works_inside_a_running_event_loop_and_leaves_no_process_behind() -> None:
    before = children()

    async def inside() -> Found:
        return decrypt(lambda decryptor: feed(decryptor, 1, sealed(session(*PLAIN))))

    assert asyncio.run(inside())[0][1].whole
    assert children() == before


@needs_tshark
def test_a_connection_that_never_ends_has_no_answer() -> None:
    connection = sealed(session())
    assert decrypt(lambda decryptor: decryptor.begin(1, 5, True, connection.keys)) == ({}, None)


# --- a tshark that fails ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("sys.stderr.write('tshark: out of memory\\n'); sys.exit(3)", "tshark stopped: out of memory"),
        ("import os; os.kill(os.getpid(), 11)", "tshark crashed (signal 11)"),
        ("sys.stdin.buffer.read(100); sys.exit(4)", "tshark stopped with exit code 4"),
        ("sys.stdin.buffer.read(); print('nonsense')", "1 lines of tshark's output were not understood"),
    ],
)
def test_a_tshark_that_fails_is_one_line_and_feeding_goes_on(tmp_path: Path, body: str, fault: str) -> None:
    connection = sealed(session())

    def use(decryptor: Decryptor) -> None:
        for number in range(300):  # more than the pipe holds
            feed(decryptor, number, connection)

    assert decrypt(use, program(tmp_path, body)) == ({}, fault)


def test_a_line_that_is_not_understood_may_be_anybodys(tmp_path: Path) -> None:
    answers: SimpleQueue[tuple[int, Decrypted]] = SimpleQueue()
    source = "fd00:534d:5450::1"
    end = json.dumps({"layers": {"ipv6_src": [source], "tcp_dstport": [str(wire.END)]}})
    body = f"sys.stdin.buffer.read(); print('nonsense'); print({end!r})"
    with Decryptor(find_tshark(program(tmp_path, body)), answers) as decryptor:
        decryptor.begin(1, 5, True, b"")
        decryptor.end(1)
        decryptor.close_input()
        decryptor.wait()
    number, decrypted = answers.get_nowait()
    assert (number, decrypted.whole, decrypted.dialogue.auth_may_be_hidden) == (1, False, True)


def test_lines_of_absurd_length_are_dropped_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    path = program(tmp_path, "sys.stdin.buffer.read(); print('x' * 300000)")
    assert decrypt(lambda decryptor: None, path) == ({}, "1 packets of absurd size were left out")


def test_a_tshark_that_takes_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    before = children()
    connection = sealed([*session(), (0, b"x" * 300_000)])
    begun = monotonic()
    found = decrypt(
        lambda decryptor: feed(decryptor, 1, connection), program(tmp_path, "import time; time.sleep(3600)")
    )
    assert found == ({}, "tshark did nothing for 0 seconds and was ended")
    assert monotonic() - begun < 20
    assert children() == before


def test_leaving_early_ends_the_process(tmp_path: Path) -> None:
    before = children()
    path = program(tmp_path, "import time; time.sleep(3600)")
    with Decryptor(find_tshark(path), SimpleQueue()) as decryptor:
        decryptor.begin(1, 5, True, b"")
    assert children() == before


@needs_tshark
def test_ctrl_c_does_not_reach_tshark_which_ends_with_its_input() -> None:
    """The signal goes to all processes of the terminal's foreground group; ours writes what is known and must have
    tshark's answers for that."""
    script = """
import signal, sys
from queue import SimpleQueue
from analyzer.decryption.decryptor import Decryptor
from analyzer.tshark.program import find_tshark
signal.signal(signal.SIGINT, lambda *_: None)
with Decryptor(find_tshark(), SimpleQueue()) as decryptor:
    decryptor.begin(1, 5, True, b"")
    decryptor.flush()
    print("ready", flush=True)
    sys.stdin.read()
    decryptor.close_input()
    decryptor.wait()
print(decryptor.fault)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    sleep(0.5)
    out, _ = process.communicate("", timeout=60)
    assert out == "None\n"

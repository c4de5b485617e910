"""Real OpenSSL conversations: the tracker against what both endpoints know."""

from __future__ import annotations

import pickle

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.tls import CLIENT, SERVER, TlsSession, TlsTracker
from analyzer.tls.code_points import cipher_suites
from tests.tls.conversations import CANARY, Conversation
from tests.tls.wire import Turn, rechunk, track

SIDES = (CLIENT, SERVER)
several = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

UNKNOWABLE = "1.3 without tickets, hangs up at once"
"""Nothing but alerts after the client's Finished: on the wire the same as a refused client certificate."""

FAILURES = {
    "1.3 client certificate missing": ("1.3", None, None),  # the alert is encrypted, and see UNKNOWABLE
    "1.3 bad authority": ("1.3", False, "unknown_ca"),
    "1.3 client vanishes": ("1.3", False, None),
    "1.2 client certificate missing": ("1.2", False, "handshake_failure"),
    "1.2 bad authority": ("1.2", False, "unknown_ca"),
    "1.2 client vanishes": ("1.2", False, None),
    "no common version": (None, False, "protocol_version"),
    "no common suite": (None, False, "handshake_failure"),
}


def truths(conversation: Conversation) -> TlsSession:
    """What a tracker may say of the conversation, at most."""
    session = track(conversation.turns, complete=True)
    session.established = conversation.established
    return session


def assert_true_or_unknown(said: TlsSession, truth: TlsSession) -> None:
    assert said.version in (None, truth.version)
    assert said.cipher in (None, truth.cipher)
    assert said.sni in (None, truth.sni)
    assert said.alpn in ((), truth.alpn)
    assert said.client_versions in ((), truth.client_versions)
    assert said.established in (None, truth.established)
    assert said.resumed in (None, truth.resumed)
    assert said.alert in (None, truth.alert)


def test_established_connections_are_seen_as_the_endpoints_know_them(conversations: list[Conversation]) -> None:
    established = [conversation for conversation in conversations if conversation.established]
    assert len(established) >= 20
    for conversation in established:
        for complete in (False, True):
            session = track(conversation.turns, complete=complete)
            assert session.version == conversation.version, conversation
            assert conversation.suite is not None
            assert session.cipher == cipher_suites()[conversation.suite], conversation
            assert session.resumed == conversation.resumed, conversation
            assert session.established is (None if conversation.name == UNKNOWABLE else True), conversation
            assert session.sni == "mail.example.org"
            assert session.alpn == (("smtp", "other") if "alpn" in conversation.name else ())
            assert session.alert is None


def test_failed_handshakes_are_seen_to_fail(conversations: list[Conversation]) -> None:
    failed = {conversation.name: conversation for conversation in conversations if not conversation.established}
    assert failed.keys() == FAILURES.keys()
    for name, (version, established, alert) in FAILURES.items():
        session = track(failed[name].turns, complete=True)
        assert (session.version, session.established, session.alert) == (version, established, alert), name


def test_resumption_and_retry_are_among_the_conversations(conversations: list[Conversation]) -> None:
    sessions = {conversation.name: track(conversation.turns) for conversation in conversations}
    resumed = {name for name, session in sessions.items() if session.resumed}
    assert resumed == {"1.3 resumed", "1.2 resumed by ticket", "1.2 resumed by session id"}
    assert [name for name, session in sessions.items() if session.oddities] == ["1.3 hello retry"]


def test_byte_by_byte_is_the_same(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        assert track(rechunk(conversation.turns, [1])) == track(conversation.turns), conversation


@several
@given(st.data(), st.lists(st.integers(1, 3000), min_size=1, max_size=8))
def test_any_chunking_is_the_same(conversations: list[Conversation], data: st.DataObject, sizes: list[int]) -> None:
    conversation = data.draw(st.sampled_from(conversations))
    for complete in (False, True):
        chunked = track(rechunk(conversation.turns, sizes), complete=complete)
        assert chunked == track(conversation.turns, complete=complete)


def feed_with_gaps(turns: list[Turn], gaps: list[tuple[int, int, int, bool]], *, complete: bool) -> TlsSession:
    """Feed the turns without the bytes ``from``-``to`` (per side's stream); is the gap's size told?"""
    tracker = TlsTracker()
    position = [0, 0]
    pending: list[tuple[int, bool]] = [(0, True), (0, True)]
    for side, piece in turns:
        for byte in piece:
            hole = next((gap for gap in gaps if gap[0] == side and gap[1] <= position[side] < gap[2]), None)
            position[side] += 1
            size, known = pending[side]
            if hole is not None:
                pending[side] = (size + 1, known and hole[3])
                continue
            if size:
                tracker.gap(side, size if known else None, 0)
                pending[side] = (0, True)
            tracker.feed(side, bytes([byte]), 0)
    for side in SIDES:
        size, known = pending[side]
        if size:
            tracker.gap(side, size if known else None, 0)
    return tracker.finish(complete=complete)


@several
@given(st.data())
def test_gaps_anywhere_make_nothing_wrong(conversations: list[Conversation], data: st.DataObject) -> None:
    conversation = data.draw(st.sampled_from(conversations))
    gaps = []
    for _ in range(data.draw(st.integers(1, 3))):
        side = data.draw(st.sampled_from(SIDES))
        length = sum(len(piece) for speaker, piece in conversation.turns if speaker == side)
        start = data.draw(st.integers(0, min(length, 3000)))
        size = data.draw(st.sampled_from([1, 2, 5, 6, 40, 300, 1448, 5000]))
        gaps.append((side, start, start + size, data.draw(st.booleans())))
    said = feed_with_gaps(list(conversation.turns), gaps, complete=data.draw(st.booleans()))
    assert_true_or_unknown(said, truths(conversation))


def test_every_lost_segment_makes_nothing_wrong(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        truth = truths(conversation)
        segments = rechunk(conversation.turns, [1448])
        for lost, (side, piece) in enumerate(segments):
            for size in (len(piece), None):
                tracker = TlsTracker()
                for index, (speaker, segment) in enumerate(segments):
                    if index == lost:
                        tracker.gap(side, size, 0)
                    else:
                        tracker.feed(speaker, segment, 0)
                assert_true_or_unknown(tracker.finish(complete=True), truth)


def test_loss_in_the_bulk_keeps_what_the_handshake_showed(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        if not conversation.established or conversation.name == UNKNOWABLE:
            continue
        tracker = TlsTracker()
        for side, piece in conversation.turns:
            if len(piece) > 30_000:
                tracker.feed(side, piece[:9000], 0)
                tracker.gap(side, 12_000, 0)
                piece = piece[21_000:]
            tracker.feed(side, piece, 0)
        session = tracker.finish()
        assert (session.version, session.established) == (conversation.version, True)


def test_capture_that_starts_late_makes_nothing_wrong(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        truth = truths(conversation)
        segments = rechunk(conversation.turns, [1448])
        for first in range(1, len(segments)):
            assert_true_or_unknown(track(segments[first:]), truth)


def test_one_side_alone_makes_nothing_wrong(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        truth = truths(conversation)
        for side in SIDES:
            said = track([turn for turn in conversation.turns if turn[0] == side])
            assert_true_or_unknown(said, truth)
            if conversation.established:
                assert (said.sni if side == CLIENT else said.version) is not None


@several
@given(st.data())
def test_damaged_bytes_are_no_exception(conversations: list[Conversation], data: st.DataObject) -> None:
    conversation = data.draw(st.sampled_from(conversations))
    turns = [(side, bytearray(piece)) for side, piece in conversation.turns]
    for _ in range(data.draw(st.integers(1, 6))):
        _, piece = turns[data.draw(st.integers(0, min(len(turns) - 1, 5)))]
        piece[data.draw(st.integers(0, min(len(piece) - 1, 700)))] = data.draw(st.integers(0, 255))
    session = track([(side, bytes(piece)) for side, piece in turns], complete=True)
    assert session.established in (None, False, True)
    assert session.sni is None or session.sni.isprintable()


def test_no_application_data_is_kept(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        tracker = TlsTracker()
        for side, piece in conversation.turns:
            tracker.feed(side, piece, 0)
        assert len(pickle.dumps(tracker)) < 3000
        assert CANARY.decode() not in repr(tracker.finish())

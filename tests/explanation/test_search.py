"""One session is found among all, and nothing is kept of those that nobody asked for."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from analyzer.commands.keys import Keys
from analyzer.explanation.account import Account
from analyzer.explanation.search import LISTED, MAX_CLIENTS, Search
from analyzer.explanation.target import target_from
from analyzer.explanation.witness import Witness
from analyzer.inventory.observer import SessionObserver
from analyzer.smtp.transcript import TranscriptParser
from analyzer.streams import Conversation, ConversationTracker, Listener
from tests.commands.running import GENERATED, OFFICE
from tests.explanation.telling import searched
from tests.streams.packets import Endpoint, Script, batch_of, timed
from tests.support.scans import sessions_of
from tests.support.sessions import session, silent
from tests.verify.dialogues import Pcap, bye, hello


def kinds(*path: Path, client: str) -> list[str]:
    found = searched(*path, client=client).found
    assert found is not None
    return [entry.kind for entry in found[1].clear]


def test_a_session_is_found_by_its_client_and_port() -> None:
    result = searched(OFFICE, client="10.20.0.101:42940")
    assert result.found is not None
    found, account = result.found
    assert (found.client_port, found.method, account.tls) == (42940, "basic", None)
    assert [entry.kind for entry in account.clear][:4] == ["reply", "ehlo", "reply", "auth"]


def test_the_session_found_is_the_one_that_a_scan_shows() -> None:
    for seen in sessions_of(OFFICE):
        address = f"[{seen.client_ip}]" if ":" in seen.client_ip else seen.client_ip
        found = searched(OFFICE, client=f"{address}:{seen.client_port}").found
        assert found is not None
        assert found[0] == seen
        assert (found[1].tls is None) == (seen.tls_mode == "none")


def test_where_several_match_all_are_listed_in_order_of_time_and_none_is_taken() -> None:
    result = searched(OFFICE, client="10.20.0.102")
    assert (result.found, result.matches) == (None, 3)
    assert [one.client_port for one in result.listed] == [50704, 48952, 37100]


@pytest.mark.parametrize(("nth", "port"), [(1, 50704), (2, 48952), (3, 37100)])
def test_the_nth_is_taken(nth: int, port: int) -> None:
    result = searched(OFFICE, client="10.20.0.102", nth=nth)
    assert result.found is not None
    assert result.found[0].client_port == port
    assert result.found[1].tls is not None


def test_a_number_beyond_the_last_finds_nothing() -> None:
    result = searched(OFFICE, client="10.20.0.102", nth=4)
    assert (result.found, result.matches) == (None, 3)


def test_a_start_chooses_and_the_others_are_known() -> None:
    result = searched(OFFICE, client="10.20.0.102", start="00:52:16")
    assert result.found is not None
    assert result.found[0].client_port == 48952
    assert [one.client_port for one in result.others] == [50704, 37100]


def test_a_client_that_is_not_there_has_no_sessions_but_others_are_known() -> None:
    result = searched(OFFICE, client="10.9.9.9")
    assert (result.found, result.matches, result.others) == (None, 0, [])
    assert result.clients.most_common(1) == [("10.20.0.40", 5)]


def test_a_server_is_no_client() -> None:
    result = searched(OFFICE, client="10.20.0.25")
    assert (result.found, result.matches) == (None, 0)


def test_where_no_syn_was_captured_the_bytes_tell_who_the_client_is(tmp_path: Path) -> None:
    ends = {"client": "10.0.0.9", "port": 25, "server": "10.0.0.1", "server_port": 40000}
    path = Pcap().add(hello() + bye(), handshake=False, **ends).write(tmp_path / "swapped.pcap")  # type: ignore[arg-type]
    assert kinds(path, client="10.0.0.9:25")[:2] == ["reply", "ehlo"]
    assert searched(path, client="10.0.0.1").matches == 0


def test_two_sessions_of_the_same_addresses_ports_and_no_times_are_told_apart() -> None:
    result = searched(GENERATED / "port-reused.pcap", client="10.20.0.200")
    first, second = (searched(GENERATED / "port-reused.pcap", client="10.20.0.200", nth=nth).found for nth in (1, 2))
    assert result.matches == 2
    assert first is not None
    assert second is not None
    for found, account in (first, second):
        assert {attempt.username for attempt in found.auth} == {
            entry.attempt.username for entry in account.clear if entry.named and entry.attempt is not None
        }


def test_only_conversations_that_may_be_meant_are_witnessed() -> None:
    client, other, server = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 40000), Endpoint("10.0.0.3", 587)
    search = Search(target_from("10.0.0.1"), None)
    heard: list[SessionObserver] = []
    with Keys().decryption() as decryption:

        def listen(conversation: Conversation) -> Listener:
            heard.append(search.listen(decryption, conversation))
            return heard[-1]

        tracker = ConversationTracker(listen, lambda *_: None, frozenset({587}))
        for ends in ((client, server), (other, server), (Endpoint("10.0.0.3", 40001), Endpoint("10.0.0.1", 587))):
            tracker.add(batch_of(timed(Script(ends=ends).open().say((1, b"220 x ESMTP\r\n")).packets)))
    assert [type(one) for one in heard] == [Witness, SessionObserver, SessionObserver]


def test_nothing_is_kept_of_sessions_that_were_not_meant(tmp_path: Path) -> None:
    pcap = Pcap()
    for port in range(40000, 40200):
        pcap.add(hello() + bye(), port=port)
    path = pcap.write(tmp_path / "many.pcap")
    for client, nth in (("10.0.0.1", None), ("10.0.0.1", 150), ("10.0.0.7", None)):
        result = searched(path, client=client, nth=nth)
        gc.collect()
        kept = [thing for thing in gc.get_objects() if isinstance(thing, TranscriptParser) and thing.entries]
        assert len(kept) <= (1 if result.found else 0)
        assert len(result.listed) <= LISTED


def test_memory_of_transcripts_is_given_back() -> None:
    search = Search(target_from("10.10.0.103"), None)
    before = search._in_clear.left
    made = session(start=5)
    parser = TranscriptParser(search._in_clear)
    parser.feed(1, b"220 x ESMTP\r\n", 0)
    assert search._in_clear.left < before
    for _ in range(2):
        search._testify(made, Account(parser.entries), parser)
        assert search.wants(made)
        search.take(made, None)
    assert search.result.found is None
    assert search._in_clear.left == before
    assert not search._accounts


def test_clients_that_are_counted_are_bounded() -> None:
    search = Search(target_from("10.9.9.9"), None)
    for number in range(MAX_CLIENTS + 50):
        search.wants(silent(client=f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"))
    assert len(search.result.clients) == MAX_CLIENTS


def test_a_batch_border_within_a_dialogue_does_not_show() -> None:
    whole = searched(GENERATED / "tiny-segments.pcap", client="10.20.0.200").found
    assert whole is not None
    assert [entry.kind for entry in whole[1].clear].count("auth") == 1

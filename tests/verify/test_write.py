from __future__ import annotations

import io
import json
from collections import Counter

from analyzer.verify.records import Comparison, Difference, Unseen, Verdict
from analyzer.verify.write import SHOWN_AGREEING, answer, write_json, write_table

START = 1_795_466_935_123_456_789
CLIENT, SERVER = ("10.0.0.1", 40000), ("2001:db8::25", 587)


def verdict(*comparisons: Comparison) -> Verdict:
    made = Verdict("4.0.17")
    for comparison in comparisons:
        made.add(comparison)
    return made


def agreeing(source: str = "a.pcap") -> Comparison:
    agreed = ["TLS", "mechanism", "user"]
    return Comparison(source, START, CLIENT, SERVER, agreed=agreed, facts="in clear, LOGIN success")


def differing(text: str = "1.3") -> Comparison:
    differences = [Difference("version", text, "1.2"), Difference("SNI", "-", "mail.example.com")]
    return Comparison("a.pcap", START, CLIENT, SERVER, "differ", ["TLS"], differences, [], "starttls")


def table(made: Verdict, *, everything: bool = False, width: int = 100) -> str:
    out = io.StringIO()
    write_table(made, out, width, everything=everything)
    return out.getvalue()


def test_sessions_are_listed_worst_first_and_differences_told_in_full() -> None:
    text = table(verdict(agreeing(), differing()))
    lines = text.splitlines()
    assert lines[2].startswith("differ ")
    assert "not version, not SNI, TLS" in lines[2]
    assert lines[3].startswith("agree ")
    joined = " ".join(text.split())
    assert (
        "a.pcap 2026-11-23T20:48:55.123Z 10.0.0.1:40000 -> [2001:db8::25]:587: version: 1.3 here, 1.2 in tshark;"
        " SNI: - here, mail.example.com in tshark" in joined
    )
    assert lines[-1] == "2 sessions held against tshark 4.0.17: 1 agree, 0 ours only, 0 theirs only, 1 differ."


def test_the_input_is_named_where_there_are_several() -> None:
    assert "Input" not in table(verdict(agreeing()))
    assert "b.pcap" in table(verdict(agreeing(), agreeing("/captures/b.pcap")))


def test_the_table_fits_the_width() -> None:
    long = agreeing("x" * 90 + ".pcap")
    long.agreed *= 30
    for width in (80, 100, 120):
        assert max(map(len, table(verdict(long, agreeing(), differing()), width=width).splitlines())) <= width


def test_many_sessions_in_agreement_are_counted_unless_asked_for() -> None:
    made = verdict(*[agreeing() for _ in range(SHOWN_AGREEING + 1200)], differing())
    assert "... and 1,200 more in agreement" in table(made)
    assert table(made).count("10.0.0.1:40000") == SHOWN_AGREEING + 2
    assert "more in agreement" not in table(made, everything=True)


def test_silence_is_explained_once_with_its_count() -> None:
    quiet = agreeing()
    quiet.unseen = [Unseen("user", "tshark does not decode the user name of XOAUTH2")]
    assert "\n  2 x user: tshark does not decode" in table(verdict(quiet, quiet))


def test_nothing_from_the_traffic_can_act_on_a_terminal() -> None:
    comparison = differing("\x1b[2Jevil\u202e")
    comparison.facts = comparison.source = "\x1b]0;x\x07"
    made = verdict(comparison, agreeing())
    made.problems.append("\x1b[31mtshark stopped")
    for text in (table(made), _json(made)):
        assert not Counter(text) & Counter("\x1b\x07\u202e")


def test_problems_and_an_empty_result_are_told() -> None:
    made = verdict()
    made.problems.append("a.pcap: cut off")
    assert table(made) == "a.pcap: cut off\nNeither side saw a session (tshark 4.0.17).\n"
    assert answer(verdict(agreeing())).startswith("1 session held")


def test_json_has_every_session_and_the_counts() -> None:
    record = json.loads(_json(verdict(differing(), agreeing())))
    assert record["summary"] == {"sessions": 2, "agree": 1, "ours_only": 0, "theirs_only": 0, "differ": 1}
    assert record["tshark"] == "4.0.17"
    first = record["sessions"][0]
    assert first["result"] == "differ"
    assert first["client"] == {"ip": "10.0.0.1", "port": 40000}
    assert first["differences"][0] == {"field": "version", "ours": "1.3", "theirs": "1.2"}


def _json(made: Verdict) -> str:
    out = io.StringIO()
    write_json(made, out)
    return out.getvalue()

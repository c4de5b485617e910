"""``scripts/accuracy``: sessions find their labels, counts count, and the same run loses the same packets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.grading import __main__ as command
from scripts.grading.answers import Answer, kind_of
from scripts.grading.bench import SLACK, Bench, Graded, bench, greeting_words, match
from scripts.grading.bounds import error_bound
from scripts.grading.damage import CLIENT_ONLY, CUT, DAMAGES, LATE, SERVER_ONLY, loss
from scripts.grading.document import rewritten
from scripts.grading.labels import Label, Login, NoLabelsError, load
from scripts.grading.recordings import Recording, record, replay
from scripts.grading.render import markdown, percent, text
from scripts.grading.report import Report
from scripts.grading.sections import SECTIONS
from scripts.grading.tables import Share, Table
from tests.support.material import REPOSITORY

CAPTURES = REPOSITORY / "captures"
ONE = CAPTURES / "mechanisms/starttls-login-exchange-curl.pcap"

PLAIN = Login("basic", "PLAIN", True, "failure")
CRAM = Login("challenge", "CRAM-MD5", False, "success")
TOKEN = Login("oauth", "XOAUTH2", True, "success")
LABEL = Label(
    name="one",
    client_end=(1, 40000),
    server_end=(2, 587),
    start=10 * SLACK,
    client="curl",
    server="exim",
    mode="starttls",
    cipher="TLS_AES_256_GCM_SHA384",
    padded=False,
    decisive=CRAM,
    logins=(PLAIN, CRAM),
    verified=True,
)
RIGHT = Answer(LABEL, "AEAD", "challenge", "CRAM-MD5", False, "success", 0.99)
WRONG = Answer(LABEL, "AEAD", "basic", "PLAIN", True, "failure", 0.96)
SILENT = Answer(LABEL, "AEAD", "unknown", reason="ambiguous")


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record([ONE])


def report_of(*answers: Answer) -> Report:
    return Report([Bench("set", (), Graded(list(answers)))], runs=1)


def rows_of(section: str, *answers: Answer) -> list[dict[str, Any]]:
    tables = SECTIONS[section][1](report_of(*answers))
    return [dict(zip(table.columns, row, strict=True)) for table in tables for row in table.rows]


# --- labels ----------------------------------------------------------------------------------------


def write_labels(folder: Path, **changes: Any) -> Path:
    row = next(
        row
        for row in map(json.loads, (CAPTURES / "labels.jsonl").read_text().splitlines())
        if row["file"] == str(ONE.relative_to(CAPTURES))
    )
    (folder / "labels.jsonl").write_text(json.dumps(row | {"file": "one.pcap"} | changes) + "\n")
    (folder / "one.pcap").write_bytes(ONE.read_bytes())
    return folder


def test_labels_of_a_folder_in_a_labelled_one_are_its_own_only() -> None:
    streams = load("office", CAPTURES / "office").streams
    assert {file.parent.name for stream in streams for file in stream.files} == {"office"}
    (stream,) = load("one", ONE).streams
    assert stream.files == (ONE,)
    assert [label.name for label in stream.labels] == ["starttls-login-exchange-curl"]


def test_files_that_a_connection_goes_on_in_are_one_stream(tmp_path: Path) -> None:
    (tmp_path / "two.pcap").write_bytes(ONE.read_bytes())
    write_labels(tmp_path, continues_in=["two.pcap"])
    (stream,) = load("set", tmp_path).streams
    assert stream.files == (tmp_path / "one.pcap", tmp_path / "two.pcap")


@pytest.mark.parametrize(
    ("padding", "padded"), [(None, False), ("128", True), ({"client": 0, "server": 0}, False), ({"client": 64}, True)]
)
def test_padding_is_told_by_either_form_of_label(tmp_path: Path, padding: object, padded: bool) -> None:
    (stream,) = load("set", write_labels(tmp_path, padding=padding)).streams
    assert stream.labels[0].padded is padded


def test_an_intention_is_no_verified_truth(tmp_path: Path) -> None:
    (stream,) = load("set", write_labels(tmp_path, truth="intent")).streams
    assert not stream.labels[0].verified


@pytest.mark.parametrize("change", [{"tls": "none"}, {"file": "absent.pcap"}])
def test_a_set_without_sessions_inside_tls_is_none(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(NoLabelsError):
        load("set", write_labels(tmp_path, **change))


def test_labels_of_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"file": "one.pcap"}\n')
    with pytest.raises(NoLabelsError, match=r"labels\.jsonl"):
        load("set", tmp_path)


@pytest.mark.parametrize(
    ("cipher", "kind"),
    [
        ("TLS_AES_128_CCM_8_SHA256", "AEAD"),
        ("TLS_CHACHA20_POLY1305_SHA256", "AEAD"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "AEAD"),
        ("ECDHE-RSA-AES256-SHA", "CBC"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "CBC"),
        ("ECDHE-RSA-RC4-SHA", "other"),
        (None, "other"),
    ],
)
def test_the_suite_tells_what_lengths_show(cipher: str | None, kind: str) -> None:
    assert kind_of(replace(LABEL, cipher=cipher), None) == kind
    assert kind_of(replace(LABEL, cipher=None), cipher) == kind
    assert kind_of(replace(LABEL, cipher=cipher, padded=True), None) == "padded"


# --- sessions and labels ----------------------------------------------------------------------------


def test_a_session_belongs_to_the_label_that_it_starts_with() -> None:
    later = replace(LABEL, name="two", start=LABEL.start + 2 * SLACK)
    nothing: dict[Label, int] = {}
    assert match(LABEL.start + 1, [LABEL, later], nothing.get) is LABEL
    assert match(later.start - 1, [LABEL, later], nothing.get) is later
    assert match(later.start + 2 * SLACK, [LABEL, later], nothing.get) is None


def test_what_is_left_of_a_session_belongs_to_the_label_within_whose_time_it_starts() -> None:
    ends = {LABEL: LABEL.start + 60 * SLACK}
    assert match(LABEL.start + 30 * SLACK, [LABEL], ends.get) is LABEL
    assert match(LABEL.start + 90 * SLACK, [LABEL], ends.get) is None


def test_the_family_is_judged_first_and_details_only_where_it_is_right() -> None:
    assert (RIGHT.verdict, RIGHT.mistakes) == ("right", [])
    assert (WRONG.verdict, WRONG.mistakes) == ("wrong", ["basic (PLAIN), not challenge (CRAM-MD5)"])
    assert WRONG.mechanism_verdict == WRONG.outcome_verdict == "unknown"
    assert (SILENT.verdict, SILENT.mistakes) == ("unknown", [])
    otherwise = replace(RIGHT, mechanism="NTLM", initial_response=True, outcome="failure")
    assert otherwise.mistakes == ["NTLM, not CRAM-MD5", "with initial response"]
    assert otherwise.outcome_verdict == "wrong"


def test_what_is_not_told_is_not_wrong() -> None:
    vague = replace(RIGHT, mechanism=None, initial_response=None, outcome="unknown")
    assert vague.mistakes == []
    assert vague.mechanism_verdict == vague.initial_response_verdict == vague.outcome_verdict == "unknown"


def test_a_login_where_there_was_none_and_none_where_there_was_one_are_wrong() -> None:
    without = replace(LABEL, decisive=None, logins=())
    assert replace(RIGHT, label=without).mistakes == ["challenge (CRAM-MD5), not none"]
    assert Answer(LABEL, "AEAD", "none").mistakes == ["none, not challenge (CRAM-MD5)"]
    assert Answer(without, "AEAD", "none").verdict == "right"


def test_a_refused_password_is_an_answer_where_what_followed_is_missing() -> None:
    cut = replace(WRONG, partial=True)
    assert (cut.verdict, cut.mistakes, cut.outcome_verdict) == ("right", [], "right")
    assert replace(cut, family="oauth", mechanism="XOAUTH2").verdict == "wrong"


def test_the_same_line_but_for_the_name_is_untellable_only_if_it_succeeds_at_once() -> None:
    assert not replace(RIGHT, label=replace(LABEL, decisive=TOKEN)).tellable
    assert replace(RIGHT, label=replace(LABEL, decisive=TOKEN._replace(initial_response=False))).tellable
    refused = replace(RIGHT, label=replace(LABEL, decisive=TOKEN._replace(outcome="failure")))
    assert refused.tellable
    assert refused.token_at_once
    assert RIGHT.tellable


def test_the_rows_of_a_server_are_found_by_its_greetings() -> None:
    answers = [replace(RIGHT, greeting="mail ESMTP Exim 4.96"), replace(RIGHT, greeting="mail ready"), RIGHT]
    assert greeting_words(answers) == {"Exim"}


# --- counting -------------------------------------------------------------------------------------


def test_confusion_is_counted_by_truth_and_answer() -> None:
    rows = rows_of("families", RIGHT, RIGHT, WRONG, SILENT, replace(RIGHT, kind="CBC"))
    assert rows == [
        {"truth": "challenge", "basic": 1, "challenge": 2, "unknown": 1},
        {"truth": "challenge", "challenge": 1, "unknown": None},
    ]


def test_coverage_counts_answers_and_right_ones() -> None:
    (row,) = rows_of("coverage", RIGHT, RIGHT, WRONG, SILENT)
    assert (row["sessions"], row["answered"], row["right"], row["wrong"]) == (4, 3, 2, 1)
    assert row["answered and right"] == Share(2, 4)


def test_unverified_sessions_are_counted_apart() -> None:
    intended = replace(WRONG, label=replace(LABEL, verified=False))
    assert rows_of("coverage", intended) == []
    assert report_of(intended).mistakes(left_out=False, damaged=False) == []
    (row,) = rows_of("intended", intended)
    assert row["otherwise"] == 1


def test_mechanisms_told_otherwise_are_named() -> None:
    hidden = replace(SILENT, label=replace(LABEL, decisive=TOKEN), family="oauth")
    rows = {row["truth"]: row for row in rows_of("mechanisms", RIGHT, replace(RIGHT, mechanism="NTLM"), hidden)}
    assert rows["CRAM-MD5"]["told otherwise"] == "NTLM 1"
    assert rows["XOAUTH2"]["of these untellable"] == 1


def test_confidences_stand_beside_what_came_true() -> None:
    low, _, everything = rows_of("confidence", RIGHT, WRONG)
    assert (low["confidence"], low["answers"], low["right"]) == ("0.96 up to 0.97", 1, 0)
    assert (everything["answers"], everything["share right"]) == (2, Share(1, 2))


def test_the_bound_is_the_rule_of_three_where_nothing_is_wrong() -> None:
    assert error_bound(0, 1000) == pytest.approx(3 / 1000, rel=0.01)
    assert error_bound(0, 1) == pytest.approx(0.95)


@pytest.mark.parametrize(("wrong", "answers", "bound"), [(1, 10, 0.3942), (5, 10, 0.7776), (1, 1000, 0.004735)])
def test_the_bound_is_that_of_clopper_and_pearson(wrong: int, answers: int, bound: float) -> None:
    assert error_bound(wrong, answers) == pytest.approx(bound, rel=1e-3)


def test_of_nothing_and_of_nothing_right_no_bound_is_below_one() -> None:
    assert error_bound(0, 0) == error_bound(3, 3) == 1.0


def test_shares_are_never_rounded_up() -> None:
    assert [percent(Share(*pair)) for pair in ((9999, 10000), (1, 1), (0, 0), (29, 100))] == [
        "99.9%",
        "100.0%",
        "-",
        "29.0%",
    ]


# --- damage -------------------------------------------------------------------------------------


def test_the_same_run_loses_the_same_packets_and_another_one_others(recording: Recording) -> None:
    half = loss(0.5)
    kept = half.kept(recording, (0, 0))
    assert (kept == half.kept(recording, (0, 0))).all()
    assert (kept != half.kept(recording, (1, 0))).any()
    assert (kept != half.kept(recording, (0, 1))).any()
    assert 0 < kept.sum() < len(recording)


def test_a_cut_and_a_late_begin_are_the_two_parts_of_a_connection(recording: Recording) -> None:
    cut, late = CUT.kept(recording, (0, 0)), LATE.kept(recording, (0, 0))
    assert (cut != late).all()
    assert cut[0]
    assert late[-1]
    assert (np.diff(cut.astype(int)) <= 0).all(), "nothing of it after the cut"


def test_directions_are_the_two_parts_of_a_connection(recording: Recording) -> None:
    client, server = CLIENT_ONLY.kept(recording, (0, 0)), SERVER_ONLY.kept(recording, (0, 0))
    assert client[0]
    assert (client != server).all()
    assert (recording.segments.dport[client] == 587).all()
    assert (recording.segments.dport[server] != 587).all()


def test_a_replay_without_damage_is_what_the_capture_shows(recording: Recording) -> None:
    (session,) = replay(recording, np.ones(len(recording), np.bool_))
    assert (session.tls_mode, session.method, session.complete) == ("starttls", "basic", True)
    (session,) = replay(recording, CUT.kept(recording, (0, 0)))
    assert not session.complete


def test_connections_of_the_same_endpoints_are_told_apart() -> None:
    reused = record([CAPTURES / "generated/port-reused.pcap"])
    assert len(reused.ends) == 2
    assert len(set(reused.ends)) == 1


# --- what is printed ------------------------------------------------------------------------------


TABLE = Table("targets", "Targets", ("what", "share"), [("a|b", Share(1, 3)), ("c", None)], ["a note"])


def test_tables_are_text_and_markdown() -> None:
    assert markdown([TABLE]) == "Targets:\n\n| what | share |\n|---|---|\n| a\\|b | 33.3% |\n| c | - |\n\na note\n"
    assert text([TABLE]).splitlines()[0] == "Targets"
    assert "33.3%" in text([TABLE])


def test_a_document_is_rewritten_between_its_markers_only() -> None:
    document = "before\n<!-- accuracy: targets -->\nold\n<!-- end -->\nafter\n"
    once = rewritten(document, lambda name: f"{name}\n")
    assert once == "before\n<!-- accuracy: targets -->\n\ntargets\n\n<!-- end -->\nafter\n"
    assert rewritten(once, lambda name: f"{name}\n") == once


def test_every_section_has_its_place_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in SECTIONS)


def test_no_set_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--set", f"mine={tmp_path}"]) == 2
    assert "labels.jsonl" in capsys.readouterr().err


def test_a_wrong_answer_fails_the_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_labels(tmp_path, mechanism="CRAM-MD5", auth_attempts=[])
    arguments = ["--set", f"mine={folder}", "--only", "coverage", "--format", "json"]
    assert command.main(arguments) == 1
    assert json.loads(capsys.readouterr().out)["wrong"] == 1
    assert command.main([*arguments[:-2], "--set", f"right={write_labels(tmp_path)}"]) == 0


@pytest.mark.parametrize("folder", ["captures", "captures/tls"])
def test_no_answer_about_the_projects_captures_is_wrong_whatever_packets_are_missing(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command.main(
        ["--set", f"{folder}={REPOSITORY / folder}", "--only", "wrong", "--only", "damage", "--runs", "1"]
    )
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert all(damage.name in shown for damage in DAMAGES)


def test_sets_are_read_once_and_asked_again(recording: Recording) -> None:
    asked = bench(load("one", ONE))
    assert [answer.verdict for answer in asked.whole.answers] == ["right"]
    assert asked.damaged(CUT, 0).answers == asked.damaged(CUT, 0).answers
    (known,) = asked.whole.answers
    (unknown,) = asked.without_rows_of("exchange-dialogue", greeting_words([known]))
    assert "server-known" in known.reasons
    assert "server-known" not in unknown.reasons

"""Lines in any order, most of them out of place: what reports do not show, a scrubbed capture does not show either."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.scrub import Policy
from analyzer.streams import CLIENT, SERVER
from tests.scrub.scrubbing import connection, on_the_wire, scrub, sessions, verdict
from tests.smtp import canaries
from tests.smtp.playing import SECRET, b64
from tests.streams.dialogues import lost, swapped

PLAIN = b64(f"\0user\0{SECRET}")

CLIENT_LINES = (
    f"""
EHLO copier.example|HELO copier|MAIL FROM:<a@b>|RCPT TO:<c@d>|DATA|.||RSET|QUIT|STARTTLS
AUTH LOGIN|AUTH PLAIN {PLAIN}|AUTH PLAIN|AUTH CRAM-MD5|AUTH|AUTH XOAUTH2|*|BDAT 12 LAST|BDAT 0
{PLAIN}|{b64(SECRET)}|{SECRET}|PASS {SECRET}|AUTH {SECRET}|AUTH {b64(SECRET)}|AUTH LOGIN {SECRET} {SECRET}
NOOP {SECRET}|HELP {SECRET}|VRFY {SECRET}|MAIL FROM:<a@b> AUTH={SECRET}|RSET {SECRET}|BDAT {SECRET}
Subject: {SECRET}|.{SECRET}|XCLIENT LOGIN={SECRET}|PROXY {SECRET}|EHLO x AUTH PLAIN {PLAIN}
{b64(f"user {SECRET}")}|GET /{SECRET} HTTP/1.1|250 {SECRET}|QUIT {SECRET}|DATA {SECRET}
""".strip()
    .replace("\n", "|")
    .split("|")
)
SERVER_LINES = (
    f"""
220 mail.example ESMTP|250-mail.example|250 AUTH PLAIN LOGIN|250 ok|354 go|221 bye|235 2.7.0 ok|503 no
334 |334 VXNlcm5hbWU6|334 UGFzc3dvcmQ6|334 {b64(SECRET)}|220 2.0.0 Ready to start TLS|421 4.7.0 bye
500 {SECRET} what|501-{PLAIN}|501 {SECRET}|535 5.7.8 {b64(SECRET)}|530 5.7.0 Authentication required|{SECRET}
""".strip()
    .replace("\n", "|")
    .split("|")
)

turns = st.one_of(
    st.tuples(st.just(CLIENT), st.sampled_from(CLIENT_LINES)), st.tuples(st.just(SERVER), st.sampled_from(SERVER_LINES))
)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"", b"\r"])


@example([((CLIENT, f"EHLO x AUTH PLAIN {PLAIN}"), b"\r\n"), ((SERVER, f"500 {SECRET} what"), b"\r\n")], True, None)
@example([((CLIENT, PLAIN), b""), ((SERVER, "220 mail.example"), b""), ((SERVER, f"{SECRET}"), b"\r\n")], True, None)
@given(st.lists(st.tuples(turns, ends), max_size=25), st.booleans(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_secret_out_of_place_is_shown_nowhere_that_reports_do_not_show_it(
    soup: list[tuple[tuple[int, str], bytes]], complete: bool, data: st.DataObject | None
) -> None:
    opening = [(SERVER, b"220 mail.example ESMTP\r\n"), (CLIENT, b"EHLO copier.example\r\n"), (SERVER, b"250 ok\r\n")]
    said = ((side, text.encode() + (end or _least_end(text))) for (side, text), end in soup)
    dialogue = connection([*opening, *((side, line) for side, line in said if line)])
    packets = list(dialogue.packets)
    if data is not None and not complete:
        packets = data.draw(lost(data.draw(swapped(packets, keep=3))))
    frames = on_the_wire(packets)
    shown = scrub(frames, Policy(same_lengths=data is not None and data.draw(st.booleans())))
    payloads = b"|".join(frame.data[66:] for frame in shown)
    if _is_first_said_by_client(soup) and canaries.shows(payloads, SECRET):
        # What stands where LOGIN has its user name is taken for one, by every report.
        assert canaries.shows(repr([verdict(session) for session in sessions(frames)]).encode(), SECRET)


def _least_end(text: str) -> bytes:
    """A name that runs on into the next line is a longer name, which a client or server may have."""
    return b"\n" if text.startswith(("EHLO copier", "HELO copier", "250")) else b""


def _is_first_said_by_client(soup: list[tuple[tuple[int, str], bytes]]) -> bool:
    """What a server says before it can have heard the secret repeats nothing, and is shown."""
    return next((side for (side, text), _ in soup if canaries.shows(text.encode(), SECRET)), CLIENT) == CLIENT

"""Captures to explanations, as the tests need them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from analyzer.capture import open_captures
from analyzer.commands.keys import Keys
from analyzer.explanation.account import Account
from analyzer.explanation.search import Result, Search
from analyzer.explanation.target import target_from
from analyzer.explanation.witness import Witness
from analyzer.inventory.session import Session
from analyzer.packets import SUBMISSION_PORTS
from analyzer.pipeline import Analysis, InOrder
from analyzer.report.explanation import explanation_record
from analyzer.report.records import timestamp
from analyzer.report.redact import Redactor
from analyzer.report.story import write_explanation
from analyzer.smtp.transcript import Allowance, TranscriptParser
from analyzer.streams import Conversation


def searched(*paths: Path, client: str, start: str | None = None, nth: int | None = None) -> Result:
    """What a search finds in ``paths``."""
    search = Search(target_from(client, start), nth)
    order = InOrder(lambda session: search.take(session, timestamp(session.start)))
    with Keys().decryption() as decryption, open_captures([str(path) for path in paths]) as captures:
        names = [source.name for source in captures.sources]
        listen = partial(search.listen, decryption)

        def take(session: Session) -> None:
            if search.wants(session):
                order.add(session)

        analysis = Analysis(names, take, decryption=decryption, listen=listen)
        for batch in captures.batches():
            analysis.feed(batch)
            order.release(int(batch.time[-1]), analysis.earliest_open)
        analysis.finish()
    order.finish()
    return search.result


def told(session: Session, account: Account, width: int = 100, redactor: Redactor | None = None) -> str:
    """The explanation as text."""
    out = io.StringIO()
    write_explanation(explanation_record(session, account, redactor), out, width)
    return out.getvalue()


def every_account(*paths: Path, keys: Path | None = None) -> Iterator[tuple[Session, Account]]:
    """Every session in ``paths`` with its account, in no particular order; with a key log, decrypted by tshark."""
    accounts: dict[tuple[int, str, int], Account] = {}
    sessions: list[Session] = []

    def key(session: Session) -> tuple[int, str, int]:
        return (session.start, session.client_ip, session.client_port)

    def tell(session: Session, account: Account, parser: TranscriptParser | None) -> None:
        accounts[key(session)] = account

    def parser(*, inside_tls: bool, greets: bool) -> TranscriptParser:
        return TranscriptParser(Allowance(1 << 30), inside_tls=inside_tls, greets=greets)

    def read(session: Session, decrypted: object) -> None:
        follower = getattr(decrypted, "parser", None)
        if isinstance(follower, TranscriptParser):
            accounts[key(session)].inside = follower.entries

    ring = Keys([] if keys is None else [str(keys)])
    with (
        ring.decryption(listen=parser, on_read=read) as decryption,
        open_captures([str(path) for path in paths]) as captures,
    ):

        def listen(conversation: Conversation) -> Witness:
            return Witness(conversation, decryption.tap(conversation), Allowance(1 << 30), tell)

        names = [source.name for source in captures.sources]
        analysis = Analysis(names, sessions.append, SUBMISSION_PORTS, decryption=decryption, listen=listen)
        for batch in captures.batches():
            analysis.feed(batch)
        analysis.finish()
    for session in sessions:
        yield session, accounts[key(session)]

"""Answers to tables, section by section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from analyzer.tls.inference import ABSTENTIONS
from analyzer.tls.inference.verdict import ANSWER_FROM, HIGHEST

from .answers import KINDS, Answer
from .bounds import CONFIDENCE, error_bound
from .damage import LOSSES
from .report import Mistake, Report
from .tables import Cell, Share, Table

FAMILIES: Final = ("basic", "challenge", "oauth", "certificate", "kerberos", "anonymous", "none")

BINS: Final = (ANSWER_FROM, 0.96, 0.97, 0.98, 0.99, 0.995, HIGHEST)
"""Least confidence of each line of the table of confidences."""

OTHER_REASONS: Final = {
    "gap": "bytes are missing",
    "mid-stream": "the connection began before the capture",
    "cut-off": "the connection did not end within the capture",
}

Section = Callable[[Report], list[Table]]


def _coverage(report: Report) -> list[Table]:
    columns = ("set", "records", "TLS", "sessions", "answered", "right", "wrong", "answered and right", "details wrong")
    rows: list[tuple[Cell, ...]] = []
    for bench in report.benches:
        answers = [answer for answer in bench.whole.answers if answer.label.verified and answer.inferred]
        rows += [_counts(bench.name, kind, "any", of) for kind in KINDS if (of := _of_kind(answers, kind))]
    if len(report.benches) > 1:
        for kind in KINDS:
            of_kind = _of_kind(report.inferred, kind)
            for mode in ("starttls", "implicit", "any"):
                of = [answer for answer in of_kind if mode in ("any", answer.label.mode)]
                if of:
                    rows.append(_counts("all", kind, mode, of))
    apart = [answer for answer in report.verified if not answer.inferred]
    notes = [
        f"Apart from these: {len(apart)} sessions in which TLS did not come about or the login was in the clear "
        f"({sum(answer.verdict == 'right' for answer in apart)} right, {sum(bool(a.mistakes) for a in apart)} wrong)."
    ]
    unseen = sum(len(bench.whole.unseen) for bench in report.benches)
    strangers = sum(bench.whole.strangers for bench in report.benches)
    if unseen or strangers:
        notes.append(f"{unseen} labels have no session, {strangers} sessions have no label.")
    return [Table("coverage", "Sessions inside TLS, by what their records show of lengths", columns, rows, notes)]


def _counts(name: str, kind: str, mode: str, answers: Sequence[Answer]) -> tuple[Cell, ...]:
    verdicts = Counter(answer.verdict for answer in answers)
    details = sum(answer.verdict == "right" and bool(answer.mistakes) for answer in answers)
    right = verdicts["right"]
    answered = right + verdicts["wrong"]
    return name, kind, mode, len(answers), answered, right, verdicts["wrong"], Share(right, len(answers)), details


def _of_kind(answers: Iterable[Answer], kind: str) -> list[Answer]:
    return [answer for answer in answers if answer.kind == kind]


def _families(report: Report) -> list[Table]:
    tables = []
    for kind in KINDS:
        answers = _of_kind(report.inferred, kind)
        said = Counter((answer.label.family, answer.family) for answer in answers)
        truths = _in_order({truth for truth, _ in said})
        columns = _in_order({answer for _, answer in said} | ({"unknown"} if said else set()))
        rows = [(truth, *(said[truth, answer] or None for answer in columns)) for truth in truths]
        if rows:
            title = f"Families, {kind}: what is true (rows), what was said (columns)"
            tables.append(Table("families", title, ("truth", *columns), rows))
    return tables


def _in_order(families: Iterable[str]) -> list[str]:
    known = [*FAMILIES, "unknown"]
    return sorted(families, key=lambda family: (known.index(family) if family in known else -1, family))


def _mechanisms(report: Report) -> list[Table]:
    columns = ("truth", "logins", "family right", "told right", "told otherwise", "not told", "of these untellable")
    rows: list[tuple[Cell, ...]] = []
    by_name: dict[str, list[Answer]] = {}
    for answer in report.inferred:
        if answer.label.decisive is not None and answer.kind != "padded":
            by_name.setdefault(answer.label.decisive.mechanism, []).append(answer)
    for name, answers in sorted(by_name.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        right = [answer for answer in answers if answer.verdict == "right"]
        told = Counter(answer.mechanism_verdict for answer in right)
        others = Counter(answer.mechanism or "" for answer in right if answer.mechanism_verdict == "wrong")
        named = ", ".join(f"{other} {count}" for other, count in others.items()) or "-"
        hidden = sum(answer.mechanism_verdict == "unknown" and not answer.tellable for answer in right)
        rows.append((name, len(answers), len(right), told["right"], named, told["unknown"], hidden))
    notes = [
        "Untellable: XOAUTH2 and OAUTHBEARER with an initial response that succeed differ in nothing that lengths show."
    ]
    return [Table("mechanisms", "Mechanisms, of AEAD, CBC and other suites together", columns, rows, notes)]


def _details(report: Report) -> list[Table]:
    columns = ("detail", "records", "logins with the family right", "told", "right", "wrong", "right of what was told")
    rows: list[tuple[Cell, ...]] = []
    for kind in ("AEAD", "CBC"):
        logins = _logins(report, kind)
        for name, verdicts in (
            ("mechanism", [answer.mechanism_verdict for answer in logins]),
            ("initial response", [answer.initial_response_verdict for answer in logins]),
            ("outcome", [answer.outcome_verdict for answer in logins]),
        ):
            told = Counter(verdicts)
            count = told["right"] + told["wrong"]
            rows.append((name, kind, len(logins), count, told["right"], told["wrong"], Share(told["right"], count)))
    return [Table("details", "What was told of logins", columns, rows)]


def _logins(report: Report, kind: str) -> list[Answer]:
    """Logins whose family was told right."""
    found = _of_kind(report.inferred, kind)
    return [answer for answer in found if answer.verdict == "right" and answer.label.decisive is not None]


def _unknown(report: Report) -> list[Table]:
    unknown = [answer for answer in report.inferred if answer.family == "unknown"]
    count = Counter((answer.reason or "-", answer.kind) for answer in unknown)
    kinds = [kind for kind in KINDS if any(of == kind for _, of in count)]
    reasons = sorted({reason for reason, _ in count}, key=lambda reason: -sum(count[reason, kind] for kind in kinds))
    meanings = {**OTHER_REASONS, **ABSTENTIONS}
    rows = [(reason, *(count[reason, kind] or None for kind in kinds), meanings.get(reason, "-")) for reason in reasons]
    return [Table("unknown", "Why nothing was said", ("reason", *kinds, "meaning"), rows)]


def _wrong(report: Report) -> list[Table]:
    return [
        _mistakes("What was said and is not so", report.mistakes()),
        _mistakes("Outcomes that are not so", report.wrong_outcomes()),
    ]


def _mistakes(title: str, mistakes: Sequence[Mistake]) -> Table:
    columns = ("session", "client", "server", "records", "said", "confidence", "because of", "where", "runs")
    rows: list[tuple[Cell, ...]] = [
        (
            mistake.answer.label.name,
            mistake.answer.label.client,
            mistake.answer.label.server,
            mistake.answer.kind,
            mistake.said,
            mistake.answer.confidence,
            " ".join(mistake.answer.reasons) or "-",
            mistake.when or "all packets",
            mistake.times,
        )
        for mistake in mistakes
    ]
    return Table("wrong", title, columns, rows)


def _confidence(report: Report) -> list[Table]:
    columns = ("confidence", "answers", "right", "share right", "said on average", "error rate at most")
    answers = [answer for answer in report.inferred if answer.verdict != "unknown" and answer.confidence is not None]
    rows: list[tuple[Cell, ...]] = []
    for at, least in enumerate(BINS):
        below = BINS[at + 1] if at + 1 < len(BINS) else 2.0
        within = [answer for answer in answers if least <= (answer.confidence or 0) < below]
        name = f"{least:g} up to {below:g}" if below < 1 else f"{least:g}"
        if within:
            rows.append(_reliability(name, within))
    if answers:
        rows.append(_reliability("all", answers))
    notes = [f"Last column: the exact binomial bound, which holds with a probability of {CONFIDENCE:.0%}."]
    return [Table("confidence", "Confidence beside the share of right answers", columns, rows, notes)]


def _reliability(name: str, answers: Sequence[Answer]) -> tuple[Cell, ...]:
    right = sum(answer.verdict == "right" for answer in answers)
    said = sum(answer.confidence or 0 for answer in answers) / len(answers)
    bound = error_bound(len(answers) - right, len(answers))
    return name, len(answers), right, Share(right, len(answers)), round(said, 4), f"{bound:.2%}"


def _servers(report: Report) -> list[Table]:
    columns = (
        "server",
        "rows left out",
        "AEAD sessions",
        "right with its rows",
        "right without",
        "CBC sessions",
        "right without",
        "wrong without",
    )
    rows: list[tuple[Cell, ...]] = []
    for left in report.left_out:
        known, unknown = _of_kind(left.known, "AEAD"), _of_kind(left.unknown, "AEAD")
        blocks = _of_kind(left.unknown, "CBC")
        words = ", ".join(sorted(left.words)) or "- (it has none)"
        wrong = sum(bool(answer.mistakes) for answer in left.unknown)
        rows.append(
            (left.server, words, len(known), _right(known), _right(unknown), len(blocks), _right(blocks), wrong)
        )
    whole = [answer for left in report.left_out for answer in left.unknown]
    known, unknown, blocks = _of_kind(report.inferred, "AEAD"), _of_kind(whole, "AEAD"), _of_kind(whole, "CBC")
    wrong = sum(bool(answer.mistakes) for answer in whole)
    rows.append(("all", "", len(known), _right(known), _right(unknown), len(blocks), _right(blocks), wrong))
    notes = ["Right: answered and right. Only the greeting in the clear (STARTTLS) finds a server's rows."]
    return [Table("servers", "Each server's sessions without the rows for it in servers.toml", columns, rows, notes)]


def _right(answers: Sequence[Answer]) -> Share:
    return Share(sum(answer.verdict == "right" for answer in answers), len(answers))


def _clients(report: Report) -> list[Table]:
    columns = ("client", "AEAD sessions", "answered and right", "CBC sessions", "answered and right", "wrong")
    rows: list[tuple[Cell, ...]] = []
    for client in sorted({answer.label.client for answer in report.inferred}):
        answers = [answer for answer in report.inferred if answer.label.client == client]
        exact, blocks = _of_kind(answers, "AEAD"), _of_kind(answers, "CBC")
        wrong = sum(bool(answer.mistakes) for answer in answers)
        rows.append((client, len(exact), _right(exact), len(blocks), _right(blocks), wrong))
    notes = ["Nothing in the model belongs to one client, so each of these is a client left out."]
    return [Table("clients", "Clients", columns, rows, notes)]


def _damage(report: Report) -> list[Table]:
    columns = ("packets", "runs", "sessions", "answered", "right", "wrong", "details wrong", "outcomes wrong")
    wrong_whole = {answer.label.name for answer in report.verified if answer.mistakes}
    rows: list[tuple[Cell, ...]] = []
    anew = 0
    for each in report.damaged:
        verdicts = Counter(answer.verdict for answer in each.answers)
        anew += sum(bool(answer.mistakes) and answer.label.name not in wrong_whole for answer in each.answers)
        sessions = len(each.answers) + each.unseen
        rows.append(
            (
                each.damage.name,
                each.runs,
                sessions,
                Share(verdicts["right"] + verdicts["wrong"], sessions),
                verdicts["right"],
                verdicts["wrong"],
                sum(answer.verdict == "right" and bool(answer.mistakes) for answer in each.answers),
                sum(answer.outcome_verdict == "wrong" for answer in each.answers),
            )
        )
    notes = [
        "Sessions, right and wrong ones are those of all runs together. A refused password that a login with another "
        "mechanism followed behind the cut is a right answer: it is a password in use.",
        f"Wrong answers to sessions that are told right with all packets: {anew}.",
    ]
    return [Table("damage", "Captures that lack packets", columns, rows, notes)]


def _intended(report: Report) -> list[Table]:
    columns = ("records", "sessions", "unknown", "as intended", "otherwise")
    rows: list[tuple[Cell, ...]] = []
    for kind in KINDS:
        answers = _of_kind(report.intended, kind)
        if answers:
            verdicts = Counter(answer.verdict for answer in answers)
            rows.append((kind, len(answers), verdicts["unknown"], verdicts["right"], verdicts["wrong"]))
    notes = [
        f"{answer.label.name} ({answer.label.client} to {answer.label.server}): {said}"
        for answer in report.intended
        for said in answer.mistakes
    ]
    return [
        Table("intended", "Sessions of which only the intention is known (no keys to verify it)", columns, rows, notes)
    ]


def _targets(report: Report) -> list[Table]:
    exact, blocks, padded = (_of_kind(report.inferred, kind) for kind in ("AEAD", "CBC", "padded"))
    logins = _logins(report, "AEAD")
    tellable = [answer for answer in logins if answer.tellable]
    outcomes = [answer.outcome_verdict for answer in logins if answer.outcome_verdict != "unknown"]
    without = [answer for left in report.left_out for answer in _of_kind(left.unknown, "AEAD")]
    apart = [answer for answer in logins if not answer.token_at_once]
    names = [f"loss of {rate:.1%}" for rate in LOSSES]
    lost = [sum(bool(answer.mistakes) for answer in each.answers) for each in report.damaged]
    shares = [
        ("AEAD: answered and right", 0.98, _right(exact)),
        ("AEAD: mechanism told, where it can be", 0.97, _named(tellable)),
        ("the same without refused tokens that came at once", 0.97, _named(apart)),
        ("AEAD: outcome right, where told", 0.97, Share(outcomes.count("right"), len(outcomes))),
        ("AEAD: answered and right without the server's rows", 0.96, _right(without)),
        ("CBC: answered and right", 0.85, _right(blocks)),
    ]
    counts = [
        ("AEAD: wrong", sum(bool(answer.mistakes) for answer in exact)),
        ("padded records: wrong", sum(bool(answer.mistakes) for answer in padded)),
        *((f"{name}: wrong", wrong) for name, wrong in zip(names, lost, strict=False)),
    ]
    rows: list[tuple[Cell, ...]] = [
        (name, f"at least {least:.0%}", f"{share.part:,} of {share.whole:,}", share, _reached(share, least))
        for name, least, share in shares
    ]
    rows += [(name, "0", f"{wrong:,}", None, "reached" if not wrong else "MISSED") for name, wrong in counts]
    return [Table("targets", "Targets", ("what", "target", "measured", "share", ""), rows)]


def _named(logins: Sequence[Answer]) -> Share:
    return Share(sum(answer.mechanism_verdict == "right" for answer in logins), len(logins))


def _reached(share: Share, least: float) -> str:
    if share.value is None:
        return "not measured"
    return "reached" if share.value >= least else "MISSED"


SECTIONS: Final[Mapping[str, tuple[str, Section]]] = {
    "targets": ("what the project wants to reach, and what it does", _targets),
    "coverage": ("answered, right and wrong, by set, cipher suite and kind of TLS", _coverage),
    "families": ("confusion matrix of families", _families),
    "mechanisms": ("mechanisms told, told as another, not told", _mechanisms),
    "details": ("mechanism, initial response, outcome: right where told", _details),
    "unknown": ("reasons for no answer", _unknown),
    "wrong": ("every wrong answer, one by one", _wrong),
    "confidence": ("confidences beside what came true", _confidence),
    "servers": ("each server without what is known of it", _servers),
    "clients": ("client by client", _clients),
    "damage": ("packets lost at random, captures cut, begun late or of one direction", _damage),
    "intended": ("sessions whose labels could not be verified", _intended),
}
"""What each shows, and what makes it."""

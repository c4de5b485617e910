from __future__ import annotations

import pytest

from analyzer.inventory.exposure import exposes_secret
from analyzer.inventory.session import Session
from analyzer.inventory.status import ANSWERED_PER_LOST, LOST_BY_CHANCE, STATUSES, Uses, judge, note_uses
from tests.support.sessions import attempt, session, silent


def verdict(*seen: Session) -> tuple[str, str | None, float | None]:
    uses: Uses = {}
    for one in seen:
        note_uses(uses, one)
    return judge(uses, any(exposes_secret(one) for one in seen))


def inferred(method: str, confidence: float = 0.995) -> Session:
    return silent(method, evidence="inferred", confidence=confidence)  # type: ignore[arg-type]


OAUTH = inferred("oauth")
LOST = silent("unknown", reason="gap")
UNREADABLE = silent("unknown", reason="padding")
CHALLENGE = session(attempt("CRAM-MD5"))
REFUSED_UNHEARD = session(attempt("LOGIN", "failure", code=538, username=None))


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ([session(attempt("LOGIN"))], "exposed"),
        ([session(attempt("XOAUTH2"))], "exposed"),
        ([session(attempt("PLAIN", "failure")), OAUTH, OAUTH], "exposed"),
        ([CHALLENGE], "password"),
        ([session(attempt("CRAM-MD5", "failure"))], "password"),
        ([REFUSED_UNHEARD], "password"),  # it wanted to; nothing crossed
        ([inferred("basic")], "password"),
        ([inferred("basic"), UNREADABLE, silent("none")], "password"),
        ([inferred("basic"), OAUTH], "mixed"),
        ([session(attempt("CRAM-MD5", "failure"), attempt("EXTERNAL")), OAUTH], "mixed"),
        ([inferred("basic", 0.96)], "password"),
        ([inferred("basic", 0.96), OAUTH], "unknown"),  # in doubt, and against others
        ([inferred("basic", 0.96), silent("none")], "unknown"),
        ([inferred("basic", 0.96), inferred("basic"), OAUTH], "mixed"),
        ([inferred("basic"), inferred("oauth", 0.96)], "password"),
        ([OAUTH], "oauth"),
        ([OAUTH, silent("none", messages=0)], "oauth"),  # a probe says nothing
        ([OAUTH, silent("none", messages=1)], "no-auth"),  # mail leaves without authentication, too
        ([OAUTH, session(attempt("EXTERNAL"))], "certificate"),
        ([session(attempt("GSSAPI"))], "kerberos"),
        ([session(attempt("ANONYMOUS"))], "anonymous"),
        ([silent("none")], "no-auth"),
        ([silent("none", messages=0)], "no-auth"),
        ([session(attempt("X-OWN"))], "unknown"),
        ([session(attempt("EXTERNAL"), attempt("X-OWN", "failure"))], "unknown"),
        ([UNREADABLE], "unknown"),
        ([LOST], "unknown"),
    ],
)
def test_the_worst_use_decides(seen: list[Session], status: str) -> None:
    assert verdict(*seen)[0] == status
    assert verdict(*reversed(seen))[0] == status


def test_ten_readable_oauth_sessions_do_not_excuse_three_that_were_not_readable() -> None:
    assert verdict(*[OAUTH] * 10, *[LOST] * 3)[0] == "unknown"


@pytest.mark.parametrize("reason", sorted(LOST_BY_CHANCE))
def test_a_session_lost_by_chance_is_excused_by_many_that_were_read_at_a_price_in_confidence(reason: str) -> None:
    lost = silent("unknown", reason=reason)
    status, evidence, confidence = verdict(*[OAUTH] * ANSWERED_PER_LOST, lost)
    assert (status, evidence) == ("oauth", "inferred")
    assert confidence == round(0.995 * ANSWERED_PER_LOST / (ANSWERED_PER_LOST + 1), 4)
    assert verdict(*[OAUTH] * (ANSWERED_PER_LOST - 1), lost)[0] == "unknown"


def test_a_session_unreadable_by_nature_is_never_excused() -> None:
    assert verdict(*[OAUTH] * 1000, UNREADABLE) == ("unknown", None, None)


def test_at_least_once_rests_on_the_strongest_evidence() -> None:
    assert verdict(inferred("basic", 0.9), CHALLENGE) == ("password", "observed", 1.0)
    assert verdict(inferred("basic", 0.9), inferred("basic", 0.95)) == ("password", "inferred", 0.95)
    assert verdict(CHALLENGE, inferred("oauth", 0.993)) == ("mixed", "inferred", 0.993)


def test_never_otherwise_rests_on_the_weakest_evidence() -> None:
    decrypted = silent("oauth", evidence="decrypted", confidence=1.0)
    assert verdict(decrypted, inferred("oauth", 0.9), inferred("oauth", 0.99)) == ("oauth", "inferred", 0.9)
    assert verdict(decrypted, decrypted) == ("oauth", "decrypted", 1.0)


def test_a_fallback_within_one_session_is_mixed() -> None:
    tried = (attempt("XOAUTH2", "failure", evidence="decrypted"), attempt("LOGIN", evidence="decrypted"))
    seen = session(*tried, evidence="decrypted", method="basic", confidence=1.0)
    assert verdict(seen) == ("mixed", "decrypted", 1.0)


def test_statuses_are_ordered_as_documented() -> None:
    assert STATUSES[:5] == ("exposed", "password", "mixed", "unknown", "no-auth")
    assert STATUSES[-1] == "oauth"

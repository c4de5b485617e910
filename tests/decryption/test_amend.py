from __future__ import annotations

from typing import Any

import pytest

from analyzer.decryption.amend import INCOMPLETE, amended
from analyzer.decryption.plaintext import Decrypted
from analyzer.inventory.session import Session
from analyzer.smtp.records import AuthAttempt, Dialogue, StartTls
from tests.support.sessions import attempt, session


def in_tls(*attempts: AuthAttempt, **fields: Any) -> Session:
    """A session inside TLS as it is without keys."""
    given: dict[str, Any] = {"method": "unknown", "reason": "inside-tls", "tls_mode": "starttls", **fields}
    return session(*attempts, **given, starttls=StartTls(True, True, True), tls_version="1.3")


def read(*attempts: AuthAttempt, readable: bool = True, whole: bool = True, **fields: Any) -> Decrypted:
    given: dict[str, Any] = {"is_smtp": True, "ended": True, "ehlo": "copier", **fields}
    return Decrypted(Dialogue(auth=list(attempts), **given), readable, whole)


def amend(before: Session, decrypted: Decrypted, **fields: Any) -> Session:
    given: dict[str, Any] = {"ended": True, "hidden": False, **fields}
    after = amended(before, decrypted, **given)
    assert after is not None
    return after


def judged(after: Session) -> tuple[str, str | None, float | None, str | None]:
    return after.method, after.evidence, after.confidence, after.reason


def test_a_decrypted_login_takes_the_place_of_what_was_unknown() -> None:
    before = in_tls()
    inside = attempt("LOGIN", after_starttls=True)
    after = amend(before, read(inside, messages=2, mechanisms_after_tls=("LOGIN",), auth_required=True))
    assert judged(after) == ("basic", "decrypted", 1.0, None)
    (found,) = after.auth
    assert (found.evidence, found.confidence, found.after_starttls) == ("decrypted", 1.0, False)
    assert (after.messages, after.mechanisms_after_tls, after.auth_required) == (2, ("LOGIN",), True)
    assert (before.method, before.auth, before.messages) == ("unknown", [], 0)


def test_the_program_that_wrote_a_decrypted_message_is_known() -> None:
    assert amend(in_tls(), read(mail_program="KYOCERA Scan")).mail_program == "KYOCERA Scan"
    assert amend(in_tls(mail_program="before TLS"), read(mail_program="inside")).mail_program == "before TLS"


def test_a_password_read_with_keys_did_not_cross_in_the_clear() -> None:
    after = amend(in_tls(), read(attempt("LOGIN")))
    assert "cleartext-auth" not in after.findings
    assert "readable-after-starttls" not in after.findings


def test_findings_rest_on_what_was_decrypted() -> None:
    refused = attempt("LOGIN", "failure", enhanced="5.7.139")
    assert "basic-disabled" in amend(in_tls(provider="exchange-online"), read(refused)).findings


def test_what_was_inferred_goes_and_what_was_read_before_tls_stays() -> None:
    guess = attempt("XOAUTH2", evidence="inferred", confidence=0.9)
    clear = attempt("LOGIN", "failure")
    before = in_tls(clear, guess, method="oauth", evidence="inferred", confidence=0.9, messages=7)
    before.reasons, before.likelihoods = ("prompts",), {"oauth": 0.0}
    after = amend(before, read(attempt("PLAIN"), messages=1), messages_before=1)
    assert [(a.mechanism, a.evidence) for a in after.auth] == [("LOGIN", "observed"), ("PLAIN", "decrypted")]
    assert judged(after) == ("basic", "decrypted", 1.0, None)
    assert after.messages == 2
    assert (after.reasons, after.likelihoods) == ((), {})


def test_a_login_in_the_clear_that_succeeded_stays_the_one_that_decides() -> None:
    after = amend(in_tls(attempt("LOGIN")), read())
    assert judged(after) == ("basic", "observed", 1.0, None)


def test_a_session_that_was_read_to_its_end_without_a_login_has_none() -> None:
    assert judged(amend(in_tls(), read())) == ("none", "decrypted", 1.0, None)


def test_a_client_that_only_says_quit_inside_tls_did_not_log_in() -> None:
    assert judged(amend(in_tls(), read(is_smtp=False))) == ("none", "decrypted", 1.0, None)


def test_another_protocol_inside_tls_is_no_mail() -> None:
    after = amend(in_tls(tls_mode="implicit", is_smtp=False), read(is_smtp=False))
    assert judged(after) == ("unknown", None, None, "not-smtp")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"hidden": True}, "mid-stream"),
        ({"ended": False}, "cut-off"),
    ],
)
def test_where_a_login_may_lie_elsewhere_none_is_not_claimed(fields: dict[str, Any], reason: str) -> None:
    assert judged(amend(in_tls(), read(ended=False), **fields)) == ("unknown", None, None, reason)


def test_where_a_part_could_not_be_decrypted_none_is_not_claimed() -> None:
    after = amend(in_tls(), read(whole=False, auth_may_be_hidden=True))
    assert judged(after) == ("unknown", None, None, INCOMPLETE)


def test_a_refused_token_is_no_verdict_where_a_part_could_not_be_decrypted_but_a_refused_password_is() -> None:
    lost: dict[str, Any] = {"whole": False, "auth_may_be_hidden": True}
    assert judged(amend(in_tls(), read(attempt("XOAUTH2", "failure"), **lost)))[3] == INCOMPLETE
    assert judged(amend(in_tls(), read(attempt("LOGIN", "failure"), **lost)))[0] == "basic"


def test_an_inference_stands_where_the_keys_show_no_login_and_not_everything() -> None:
    before = in_tls(method="oauth", evidence="inferred", confidence=0.9, reason=None)
    lost = read(whole=False, auth_may_be_hidden=True)
    assert amended(before, lost, ended=True, hidden=False) is None


def test_keys_that_open_nothing_change_nothing() -> None:
    assert amended(in_tls(), read(readable=False, is_smtp=False), ended=True, hidden=False) is None
    assert amended(in_tls(is_smtp=False), read(whole=False, is_smtp=False), ended=True, hidden=False) is None


def test_names_that_only_tls_shows_tell_the_provider() -> None:
    after = amend(
        in_tls(tls_mode="implicit", is_smtp=False),
        read(greeting="smtp.gmail.com ESMTP x", server_name="smtp.gmail.com"),
    )
    assert (after.provider, after.ehlo) == ("gmail", "copier")

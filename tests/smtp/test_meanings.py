"""What replies mean to an administrator, and which of them ask for AUTH."""

from __future__ import annotations

import pytest

from analyzer.smtp.meanings import _TABLE, asks_for_auth, meaning

# The replies of real servers, and words that their meaning must have.
REPLIES = {
    (421, "4.7.0", "Try again later, closing connection"): ["not available"],
    (432, "4.7.12", "A password transition is needed"): ["renewed"],
    (451, "4.3.0", "Temporary server error"): ["temporary"],
    (454, "4.7.0", "Temporary authentication failure"): ["temporary failure", "authentication"],
    (454, "4.7.0", "TLS not available due to temporary reason"): ["TLS", "temporarily"],
    (500, "5.5.6", "Authentication Exchange line is too long"): ["too long"],
    (500, "5.5.1", "Command unrecognized"): ["does not know AUTH"],
    (501, "5.7.0", "Authentication cancelled"): ["cancelled"],
    (501, None, "malformed"): ["cancelled", "malformed"],
    (501, "5.5.2", "Cannot decode response"): ["base64"],
    (502, "5.5.1", "Not implemented"): ["does not offer"],
    (503, "5.5.1", "Already authenticated"): ["already authenticated"],
    (503, None, "AUTH mail transaction in progress"): ["transaction"],
    (504, "5.5.4", "Unrecognized authentication type"): ["not support", "mechanism"],
    (530, "5.7.0", "Authentication required"): ["authentication is required"],
    (530, "5.7.0", "Must issue a STARTTLS command first"): ["STARTTLS"],
    (534, "5.7.9", "Authentication mechanism is too weak"): ["too weak"],
    (534, "5.7.9", "Application-specific password required. Learn more at"): ["app password"],
    (534, "5.7.9", "Please log in with your web browser and then try again."): ["browser"],
    (534, "5.7.14", "Please log in via your web browser and then try again."): ["browser"],
    (534, None, "too weak"): ["too weak"],
    (535, "5.7.8", "Username and Password not accepted"): ["wrong user name or password", "disabled", "expired token"],
    (535, None, "Incorrect authentication data"): ["wrong user name or password"],
    (535, "5.7.3", "Authentication unsuccessful"): ["failed", "security layer"],
    (535, "5.7.139", "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."): [
        "SMTP AUTH",
        "tenant",
    ],
    (535, "5.7.139", "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."): [
        "SMTP AUTH",
        "mailbox",
    ],
    (535, "5.7.139", "Authentication unsuccessful, basic authentication is disabled."): ["basic", "disabled"],
    (535, "5.7.139", "Authentication unsuccessful, the user credentials were incorrect."): ["wrong user name"],
    (535, "5.7.139", "Authentication unsuccessful, user is locked by your organization's security defaults policy."): [
        "policy",
        "security defaults",
    ],
    (535, "5.7.139", "Authentication unsuccessful, account is locked."): ["account is locked"],
    (535, "5.7.139", "Authentication unsuccessful, the password has expired."): ["expired"],
    (
        *(535, "5.7.139"),
        "Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully.",
    ): ["policy"],
    (535, "5.7.139", "Authentication unsuccessful"): ["basic authentication is disabled", "policy"],
    (538, "5.7.11", "Encryption required for requested authentication mechanism"): ["encryption"],
    (550, "5.7.30", "Basic authentication is not supported for Client Submission."): ["basic", "not supported"],
    (530, "5.7.57", "Client not authenticated to send mail"): ["did not authenticate"],
    (550, "5.7.60", "Client does not have permissions to send as this sender"): ["sender"],
    (550, "5.7.708", "Service unavailable. Access denied, traffic not accepted from this IP."): [
        "address",
        "not accepted",
    ],
}


@pytest.mark.parametrize(("reply", "words"), REPLIES.items(), ids=lambda part: str(part)[:60])
def test_a_reply_has_its_meaning(reply: tuple[int, str | None, str], words: list[str]) -> None:
    code, enhanced, text = reply
    for told in (meaning(code, enhanced, text), meaning(code, enhanced, text.upper())):
        assert told is not None
        for word in words:
            assert word.lower() in told.lower()


@pytest.mark.parametrize("row", _TABLE, ids=lambda row: f"{row.code}-{row.enhanced}-{row.words}")
def test_every_row_of_the_table_can_be_reached(row: tuple[int | None, str | None, str | None, str]) -> None:
    code, enhanced, words, told = row
    assert meaning(code or 550, enhanced, words or "") == told


@pytest.mark.parametrize("code", [235, 250, 334, 550, 599])
def test_other_replies_have_none(code: int) -> None:
    assert meaning(code, "2.7.0" if code < 300 else None, "ok") is None


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (530, "5.7.0", "Authentication required"),
        (530, None, "Access denied"),
        (530, "5.7.57", "Client not authenticated to send mail"),
        (550, "5.7.57", "SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"),
        (550, "5.7.1", "Authentication is required for relay"),
        (550, None, "SMTP AUTH required"),
        (554, None, "you must authenticate first"),
        (535, "5.7.0", "not logged in"),
        (503, None, "You must first authenticate"),
        (550, "5.7.0", "Client not authenticated to send as"),
    ],
)
def test_refusals_for_want_of_a_login_ask_for_auth(code: int, enhanced: str | None, text: str) -> None:
    assert asks_for_auth(code, enhanced, text)


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (530, "5.7.0", "Must issue a STARTTLS command first"),
        (550, "5.1.1", "User unknown"),
        (554, "5.7.1", "Relay access denied"),
        (550, "5.7.60", "Client does not have permissions to send as this sender"),
        (503, "5.5.1", "Bad sequence of commands"),
        (550, None, "author unknown"),
    ],
)
def test_other_refusals_do_not(code: int, enhanced: str | None, text: str) -> None:
    assert not asks_for_auth(code, enhanced, text)

"""Dialogues as they occur, each with what is true of it."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.smtp import CLIENT, SERVER
from analyzer.smtp.records import Dialogue, Method, Outcome
from tests.smtp import tokens
from tests.smtp.playing import GO, MAIL, NO, OK, QUIT, SECRET, Turns, b64, greeting, playbook, session


class Auth(NamedTuple):
    """What is true of one AUTH command."""

    mechanism: str | None
    method: Method
    initial_response: bool
    username: str | None
    outcome: Outcome
    code: int
    authzid: str | None = None
    realm: str | None = None


class Case(NamedTuple):
    """A dialogue, its AUTH commands, and how many messages were accepted."""

    turns: Turns
    auth: tuple[Auth, ...] = ()
    messages: int = 1


HEX = "0123456789abcdef" * 2
PLAIN = b64(f"\0user\0{SECRET}")
USER, PASSWORD = b64("user"), b64(SECRET)
TOKEN = b64(f"user=user\1auth=Bearer {SECRET}\1\1")
LONG_TOKEN = b64(f"user=user\1auth=Bearer {SECRET * 300}\1\1")
BEARER = b64(f"n,a=user,\1host=mail.example\1port=587\1auth=Bearer {SECRET}\1\1")
REFUSED = b64('{"status":"401","schemes":"bearer","scope":"mail"}')
CRAM = b64(f"user {HEX}")
DIGEST = b64(f'username="user",realm="mail.example",nonce="x",cnonce="y",nc=00000001,qop=auth,response={HEX}')
NTLM_1, NTLM_3 = b64(tokens.negotiate()), b64(tokens.authenticate("user", "CORP", "PC", response=SECRET.encode()))
SPNEGO_1 = b64(tokens.negotiation(tokens.NTLM, token=tokens.negotiate()))
SPNEGO_3 = b64(tokens.negotiation_goes_on(tokens.authenticate("user", "CORP", "PC", response=SECRET.encode())))
TICKET = b64(tokens.negotiation(tokens.KERBEROS, token=tokens.kerberos_token(SECRET.encode())))
NEXT = f"{GO}{b64('challenge')}"

LOGIN_STEPS = ["C: AUTH LOGIN", f"{GO}VXNlcm5hbWU6", f"C: {USER}", f"{GO}UGFzc3dvcmQ6", f"C: {PASSWORD}"]


def lines(turns: Turns, end: bytes) -> Turns:
    """``turns`` with another line end."""
    return [(side, data.removesuffix(b"\r\n") + end) for side, data in turns]


MECHANISMS = {
    "plain, initial response": Case(
        session(f"C: AUTH PLAIN {PLAIN}", OK), (Auth("PLAIN", "basic", True, "user", "success", 235),)
    ),
    "plain, two steps": Case(
        session("C: auth plain", GO, f"C: {PLAIN}", OK), (Auth("PLAIN", "basic", False, "user", "success", 235),)
    ),
    "plain, empty initial response": Case(
        session("C: AUTH PLAIN =", NO), (Auth("PLAIN", "basic", True, None, "failure", 535),)
    ),
    "plain, for another user": Case(
        session(f"C: AUTH PLAIN {b64(f'boss{chr(0)}user{chr(0)}{SECRET}')}", OK),
        (Auth("PLAIN", "basic", True, "user", "success", 235, "boss"),),
    ),
    "plain, malformed": Case(
        session(f"C: AUTH PLAIN {b64(f'user{chr(0)}{SECRET}')}", "S: 501 5.5.2 no"),
        (Auth("PLAIN", "basic", True, None, "failure", 501),),
    ),
    "login": Case(session(*LOGIN_STEPS, OK), (Auth("LOGIN", "basic", False, "user", "success", 235),)),
    "login, initial response": Case(
        session(f"C: AUTH LOGIN {USER}", f"{GO}UGFzc3dvcmQ6", f"C: {PASSWORD}", NO),
        (Auth("LOGIN", "basic", True, "user", "failure", 535),),
    ),
    "login, empty initial response": Case(
        session("C: AUTH LOGIN =", f"{GO}eA==", f"C: {USER}", f"{GO}eA==", f"C: {PASSWORD}", OK),
        (Auth("LOGIN", "basic", True, "user", "success", 235),),
    ),
    "login, name sent twice": Case(
        session(f"C: AUTH LOGIN {USER}", f"{GO}eA==", f"C: {USER}", f"{GO}eA==", f"C: {PASSWORD}", OK),
        (Auth("LOGIN", "basic", True, "user", "success", 235),),
    ),
    "login, unheard-of prompts": Case(
        session("C: AUTH LOGIN", f"{GO}VXNlciBOYW1lAA==", f"C: {USER}", "S: 334", f"C: {PASSWORD}", "S: 235 Accepted"),
        (Auth("LOGIN", "basic", False, "user", "success", 235),),
    ),
    "login, refused at the name": Case(
        session("C: AUTH LOGIN", f"{GO}eA==", f"C: {USER}", "S: 535 5.7.8 no such user"),
        (Auth("LOGIN", "basic", False, "user", "failure", 535),),
    ),
    "cram": Case(
        session("C: AUTH CRAM-MD5", NEXT, f"C: {CRAM}", OK),
        (Auth("CRAM-MD5", "challenge", False, "user", "success", 235),),
    ),
    "digest": Case(
        session("C: AUTH DIGEST-MD5", NEXT, f"C: {DIGEST}", f"{GO}{b64(f'rspauth={HEX}')}", "C: ", OK),
        (Auth("DIGEST-MD5", "challenge", False, "user", "success", 235, realm="mail.example"),),
    ),
    "scram": Case(
        session(
            f"C: AUTH SCRAM-SHA-256 {b64('n,,n=user,r=abc')}",
            f"{GO}{b64('r=abcd,s=eA==,i=9')}",
            f"C: {b64(f'c=biws,r=abcd,p={PASSWORD}')}",
            OK,
        ),
        (Auth("SCRAM-SHA-256", "challenge", True, "user", "success", 235),),
    ),
    "scram-plus, with a last empty answer": Case(
        session(
            "C: AUTH SCRAM-SHA-1-PLUS",
            GO,
            f"C: {b64('p=tls-unique,,n=us=2Cer,r=abc')}",
            f"{GO}{b64('r=abcd,s=eA==,i=9')}",
            f"C: {b64(f'c=biws,r=abcd,p={PASSWORD}')}",
            f"{GO}{b64('v=eA==')}",
            "C: ",
            OK,
        ),
        (Auth("SCRAM-SHA-1-PLUS", "challenge", False, "us,er", "success", 235),),
    ),
    "ntlm": Case(
        session("C: AUTH NTLM", "S: 334 NTLM supported", f"C: {NTLM_1}", NEXT, f"C: {NTLM_3}", OK),
        (Auth("NTLM", "challenge", False, "CORP\\user", "success", 235, realm="CORP"),),
    ),
    "ntlm, initial response": Case(
        session(f"C: AUTH NTLM {NTLM_1}", NEXT, f"C: {NTLM_3}", NO),
        (Auth("NTLM", "challenge", True, "CORP\\user", "failure", 535, realm="CORP"),),
    ),
    "xoauth2": Case(session(f"C: AUTH XOAUTH2 {TOKEN}", OK), (Auth("XOAUTH2", "oauth", True, "user", "success", 235),)),
    "xoauth2, long token in two steps": Case(
        session("C: AUTH XOAUTH2", GO, f"C: {LONG_TOKEN}", OK),
        (Auth("XOAUTH2", "oauth", False, "user", "success", 235),),
    ),
    "xoauth2, refused, empty answer": Case(
        session(f"C: AUTH XOAUTH2 {TOKEN}", f"{GO}{REFUSED}", "C: ", "S: 535 5.7.3 no"),
        (Auth("XOAUTH2", "oauth", True, "user", "failure", 535),),
    ),
    "oauthbearer": Case(
        session("C: AUTH OAUTHBEARER", GO, f"C: {BEARER}", OK),
        (Auth("OAUTHBEARER", "oauth", False, "user", "success", 235),),
    ),
    "oauthbearer, refused, acknowledged": Case(
        session(f"C: AUTH OAUTHBEARER {BEARER}", f"{GO}{REFUSED}", "C: AQ==", NO),
        (Auth("OAUTHBEARER", "oauth", True, "user", "failure", 535),),
    ),
    "external": Case(session("C: AUTH EXTERNAL =", OK), (Auth("EXTERNAL", "certificate", True, None, "success", 235),)),
    "external, with an identity": Case(
        session("C: AUTH EXTERNAL", GO, f"C: {USER}", OK),
        (Auth("EXTERNAL", "certificate", False, "user", "success", 235),),
    ),
    "gssapi": Case(
        session(f"C: AUTH GSSAPI {TICKET}", NEXT, "C: ", NEXT, f"C: {b64('wrapped')}", OK),
        (Auth("GSSAPI", "kerberos", True, None, "success", 235),),
    ),
    "gs2": Case(
        session(f"C: AUTH GS2-KRB5 {b64('n,a=user,token')}", NEXT, f"C: {b64('mic')}", OK),
        (Auth("GS2-KRB5", "kerberos", True, "user", "success", 235),),
    ),
    "spnego with ntlm": Case(
        session("C: AUTH GSS-SPNEGO", GO, f"C: {SPNEGO_1}", NEXT, f"C: {SPNEGO_3}", OK),
        (Auth("GSS-SPNEGO", "challenge", False, "CORP\\user", "success", 235, realm="CORP"),),
    ),
    "spnego with kerberos": Case(
        session(f"C: AUTH GSS-SPNEGO {TICKET}", OK), (Auth("GSS-SPNEGO", "kerberos", True, None, "success", 235),)
    ),
    "anonymous": Case(
        session(f"C: AUTH ANONYMOUS {b64('trace@example.com')}", OK),
        (Auth("ANONYMOUS", "anonymous", True, None, "success", 235),),
    ),
    "unknown mechanism": Case(
        session(f"C: AUTH X-NEW {PASSWORD}", NEXT, f"C: {PASSWORD}", OK, offer="AUTH PLAIN X-NEW"),
        (Auth("X-NEW", "unknown", True, None, "success", 235),),
    ),
    "exchange's own auth": Case(
        session("C: X-EXPS LOGIN", *LOGIN_STEPS[1:], OK), (Auth("LOGIN", "basic", False, "user", "success", 235),)
    ),
}

OUTCOMES = {
    "cancelled": Case(
        session("C: AUTH LOGIN", f"{GO}eA==", "C: *", "S: 501 5.0.0 ok"),
        (Auth("LOGIN", "basic", False, None, "cancelled", 501),),
    ),
    "cancelled at the password": Case(
        session(*LOGIN_STEPS[:4], "C: *", "S: 501 5.7.0 cancelled"),
        (Auth("LOGIN", "basic", False, "user", "cancelled", 501),),
    ),
    "mechanism not supported": Case(
        session("C: AUTH GSSAPI", "S: 504 5.5.4 no"), (Auth("GSSAPI", "kerberos", False, None, "failure", 504),)
    ),
    "second auth after success": Case(
        session(f"C: AUTH PLAIN {PLAIN}", OK, f"C: AUTH PLAIN {PLAIN}", "S: 503 5.5.1 already"),
        (Auth("PLAIN", "basic", True, "user", "success", 235), Auth("PLAIN", "basic", True, "user", "failure", 503)),
    ),
    "one mechanism after the other": Case(
        session(
            *("C: AUTH GSSAPI", "S: 504 5.5.4 no", f"C: AUTH NTLM {NTLM_1}", "S: 535 5.7.3 no"),
            *(f"C: AUTH XOAUTH2 {TOKEN}", f"{GO}{REFUSED}", "C: ", NO, *LOGIN_STEPS, OK),
        ),
        (
            Auth("GSSAPI", "kerberos", False, None, "failure", 504),
            Auth("NTLM", "challenge", True, None, "failure", 535),
            Auth("XOAUTH2", "oauth", True, "user", "failure", 535),
            Auth("LOGIN", "basic", False, "user", "success", 235),
        ),
    ),
    "wrong password, then the right one": Case(
        session(f"C: AUTH PLAIN {PLAIN}", NO, f"C: AUTH PLAIN {PLAIN}", OK),
        (Auth("PLAIN", "basic", True, "user", "failure", 535), Auth("PLAIN", "basic", True, "user", "success", 235)),
    ),
    "closed by the server at the login": Case(
        playbook(*greeting(), f"C: AUTH PLAIN {PLAIN}", "S: 421 4.7.0 too many errors"),
        (Auth("PLAIN", "basic", True, "user", "failure", 421),),
        0,
    ),
    "disabled by the provider": Case(
        session(*LOGIN_STEPS, "S: 535 5.7.139 Authentication unsuccessful, basic authentication is disabled."),
        (Auth("LOGIN", "basic", False, "user", "failure", 535),),
    ),
    "refused in several lines": Case(
        session(f"C: AUTH PLAIN {PLAIN}", "S: 534-5.7.9 Application-specific password", "S: 534 5.7.9 required."),
        (Auth("PLAIN", "basic", True, "user", "failure", 534),),
    ),
}

PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes((192, 0, 2, 1, 192, 0, 2, 2, 0x9C, 0x40, 0, 25))
TWO_MESSAGES = [*MAIL, "C: RSET", "S: 250 ok", *MAIL]
RELAYED = {
    "relayed by address": Case(session()),
    "relayed after HELO": Case(
        playbook("S: 220 mail.example ESMTP", "C: HELO copier", "S: 250 mail.example", *MAIL, *QUIT)
    ),
    "two messages": Case(playbook(*greeting(), *TWO_MESSAGES, *QUIT), (), 2),
    "login after the first message": Case(
        playbook(*greeting(), *MAIL, f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
        2,
    ),
    "DATA refused": Case(
        playbook(*greeting(), f"C: AUTH PLAIN {PLAIN}", OK, *MAIL[:5], "S: 554 no valid recipients", *QUIT),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
        0,
    ),
    "message refused": Case(playbook(*greeting(), *MAIL[:-1], "S: 550 spam", *QUIT), (), 0),
    "RSET in between": Case(
        playbook(*greeting(), *MAIL[:4], "C: RSET", "S: 250 ok", f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "STARTTLS refused": Case(
        playbook(
            *greeting("STARTTLS"), "C: STARTTLS", "S: 454 TLS not available", f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT
        ),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "STARTTLS overwritten": Case(
        playbook(
            *greeting("XXXXXXXA"),
            *("C: XXXXXXXX", "S: 500 what", f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT),
        ),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "STARTTLS read by a decrypting tap": Case(
        playbook(
            *greeting("STARTTLS"),
            *("C: STARTTLS", "S: 220 go", *greeting()[1:], f"C: AUTH PLAIN {PLAIN}", OK, *MAIL, *QUIT),
        ),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "XCLIENT and XFORWARD": Case(
        playbook(
            *greeting("XCLIENT"),
            *("C: XCLIENT ADDR=192.0.2.1 LOGIN=other", "S: 220 mail.example ESMTP", *greeting()[1:]),
            *(f"C: AUTH PLAIN {PLAIN}", OK, "C: XFORWARD NAME=x", "S: 250 ok", *MAIL, *QUIT),
        ),
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "ETRN and unknown commands": Case(
        session(
            "C: ETRN example.com", "S: 250 started", "C: XYZZY", "S: 500 what", "C: HELP", "S: 214-try", "S: 214 it"
        )
    ),
    "login asked for": Case(
        playbook(*greeting(), *MAIL[:1], "S: 530 5.7.0 Authentication required", *LOGIN_STEPS, OK, *MAIL, *QUIT),
        (Auth("LOGIN", "basic", False, "user", "success", 235),),
    ),
    "greeting in several lines": Case(
        playbook(
            "S: 220-mail.example ESMTP", "S: 220-no spam", "S: 220 please", *greeting()[1:], *LOGIN_STEPS, OK, *QUIT
        ),
        (Auth("LOGIN", "basic", False, "user", "success", 235),),
        0,
    ),
    "PROXY header, version 1": Case(
        [(CLIENT, b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\n"), *session(f"C: AUTH PLAIN {PLAIN}", OK)],
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "PROXY header, version 2": Case(
        [(CLIENT, PROXY_2), *session(f"C: AUTH PLAIN {PLAIN}", OK)],
        (Auth("PLAIN", "basic", True, "user", "success", 235),),
    ),
    "LMTP": Case(
        playbook(
            *("S: 220 mail.example LMTP", "C: LHLO front.example", *greeting()[2:], *LOGIN_STEPS, OK),
            *(*MAIL[:4], "C: RCPT TO:<e@f>", "S: 250 ok", *MAIL[4:], "S: 550 full", *QUIT),
        ),
        (Auth("LOGIN", "basic", False, "user", "success", 235),),
    ),
    "TURN refused": Case(
        session("C: TURN", "S: 502 no", *LOGIN_STEPS, OK), (Auth("LOGIN", "basic", False, "user", "success", 235),)
    ),
    "X-ANONYMOUSTLS refused": Case(
        session("C: X-ANONYMOUSTLS", "S: 454 no", *LOGIN_STEPS, OK, offer="X-ANONYMOUSTLS"),
        (Auth("LOGIN", "basic", False, "user", "success", 235),),
    ),
    "EHLO repeated": Case(
        playbook(*greeting(), *greeting()[1:], *LOGIN_STEPS, OK, *MAIL, *QUIT),
        (Auth("LOGIN", "basic", False, "user", "success", 235),),
    ),
    "EHLO not known": Case(
        playbook(
            *("S: 220 mail.example SMTP", "C: EHLO copier", "S: 502 what", "C: HELO copier", "S: 250 mail.example"),
            *(*MAIL, *QUIT),
        )
    ),
}


def chunked(*parts: bytes, last: bytes = b"") -> Turns:
    """Message text in chunks (RFC 3030)."""
    turns = [(CLIENT, b"BDAT %d\r\n%b" % (len(part), part)) for part in parts]
    return [*turns, (CLIENT, b"BDAT %d LAST\r\n%b" % (len(last), last))]


def replies(*texts: bytes) -> Turns:
    return [(SERVER, text + b"\r\n") for text in texts]


_ENVELOPE = playbook(*MAIL[:4])
_TEXT = b"Subject: x\r\nAUTH LOGIN\r\n.\r\nQUIT\r\n\0\xff\n"
_LOGGED_IN = playbook(*greeting("CHUNKING"), f"C: AUTH PLAIN {PLAIN}", OK)
_ONE_PLAIN = (Auth("PLAIN", "basic", True, "user", "success", 235),)
CHUNKING = {
    "one chunk": Case(
        [*_LOGGED_IN, *_ENVELOPE, *chunked(last=_TEXT), *replies(b"250 ok"), *playbook(*QUIT)], _ONE_PLAIN
    ),
    "chunks one by one": Case(
        [
            *(*_LOGGED_IN, *_ENVELOPE),
            *(chunked(_TEXT)[0], *replies(b"250 ok"), *chunked(last=_TEXT), *replies(b"250 ok"), *playbook(*QUIT)),
        ],
        _ONE_PLAIN,
    ),
    "chunks pipelined": Case(
        [
            *(*_LOGGED_IN, *_ENVELOPE),
            *chunked(_TEXT, b"", _TEXT),
            *replies(b"250 ok", b"250 ok", b"250 ok", b"250 queued"),
            *playbook(*QUIT),
        ],
        _ONE_PLAIN,
    ),
    "last chunk empty": Case(
        [*_LOGGED_IN, *_ENVELOPE, *chunked(_TEXT), *replies(b"250 ok", b"250 queued"), *playbook(*QUIT)], _ONE_PLAIN
    ),
    "chunk refused": Case(
        [*_LOGGED_IN, *_ENVELOPE, *chunked(last=_TEXT), *replies(b"552 too big"), *playbook(*QUIT)], _ONE_PLAIN, 0
    ),
}

_LOGIN = (Auth("LOGIN", "basic", False, "user", "success", 235),)
_LOGIN_SESSION = session(*LOGIN_STEPS, OK)
ODD_BYTES = {
    "LF alone": Case(lines(_LOGIN_SESSION, b"\n"), _LOGIN),
    "CR CR LF": Case(lines(_LOGIN_SESSION[:-6], b"\r\r\n") + _LOGIN_SESSION[-6:], _LOGIN),
    "NUL and 8-bit": Case(
        [
            *(*playbook("S: 220 mail.example ESMTP"), (CLIENT, b"EHLO caf\xe9\0\r\n"), *playbook(*greeting()[2:])),
            *(
                (CLIENT, b"NOOP \0\xff\xfe\r\n"),
                (SERVER, b"250 \0\xff ok\r\n"),
                *playbook(*LOGIN_STEPS, OK, *MAIL, *QUIT),
            ),
        ],
        _LOGIN,
    ),
    "UTF-8 name": Case(
        session(f"C: AUTH PLAIN {b64(f'{chr(0)}jürgen{chr(0)}{SECRET}')}", OK),
        (Auth("PLAIN", "basic", True, "jürgen", "success", 235),),
    ),
    "8-bit name": Case(
        session(f"C: AUTH LOGIN {b64('jürgen'.encode('latin-1'))}", f"{GO}eA==", f"C: {PASSWORD}", OK),
        (Auth("LOGIN", "basic", True, "jürgen", "success", 235),),
    ),
}

CASES: dict[str, Case] = MECHANISMS | OUTCOMES | RELAYED | CHUNKING | ODD_BYTES
IN_THE_CLEAR = sorted(CASES)


def told(dialogue: Dialogue) -> tuple[Auth, ...]:
    """What ``dialogue`` says of its AUTH commands, in the form of the truth."""
    return tuple(
        Auth(
            attempt.mechanism,
            attempt.method,
            bool(attempt.initial_response),
            attempt.username,
            attempt.outcome,
            attempt.code or 0,
            attempt.authzid,
            attempt.realm,
        )
        for attempt in dialogue.auth
    )

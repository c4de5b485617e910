"""Names in the messages of each SASL mechanism, and nothing else of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.smtp import sasl
from analyzer.smtp.sasl import Identity, Malformed

SECRET = b"s3cr3t-c4n4ry"
HEX = b"0123456789abcdef" * 2
NAMES = st.text(st.characters(categories=["L", "N"], include_characters="._-@+"), min_size=1, max_size=40)


# --- PLAIN, RFC 4616 -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        (b"\0user\0" + SECRET, Identity("user")),
        (b"admin\0user\0" + SECRET, Identity("user", "admin")),
        (b"user\0user\0" + SECRET, Identity("user")),
        (b"\0scan@example.com\0" + SECRET, Identity("scan@example.com")),
        ("\0jürgen@bücher.example\0".encode() + SECRET, Identity("jürgen@bücher.example")),
        ("\0jürgen\0".encode("latin-1") + SECRET, Identity("jürgen")),
        (b"\0First Last\0" + SECRET, Identity("First Last")),
        (b"\0CORP\\user\0" + SECRET, Identity("CORP\\user")),
        (b"\0user\0p\xc3\xa4ss \xff", Identity("user")),
    ],
)
def test_plain_names_the_user_and_whom_it_acts_for(message: bytes, identity: Identity) -> None:
    assert sasl.plain(message, 0) == sasl.plain(message, 1) == identity


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"user",
        b"user\0" + SECRET,
        b"user\0" + SECRET + b"\0",
        b"\0\0" + SECRET,
        b"user\0\0" + SECRET,
        b"\0user\0",
        b"\0user\0" + SECRET + b"\0",
        b"\0user\0" + SECRET + b"\0\0",
        b"\0\0\0",
    ],
)
def test_plain_with_any_other_number_of_parts_names_nobody(message: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.plain(message, 0)


@settings(deadline=None)
@given(NAMES, st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_plain_never_names_the_password(user: str, password: str) -> None:
    try:
        identity = sasl.plain(f"\0{user}\0{password}".encode(), 0)
    except Malformed:
        return
    assert identity == Identity(user)
    assert user.casefold() != password.casefold()


# --- LOGIN -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "user"),
    [
        (b"user", "user"),
        (b"scan@example.com", "scan@example.com"),
        ("jürgen".encode(), "jürgen"),
        ("jürgen".encode("latin-1"), "jürgen"),
        ("Имя".encode(), "Имя"),
        (b"user\0", "user"),
        (b"user\n", "user\\n"),
        (b"user\r\n", "user\\r\\n"),
        (b"", None),
    ],
)
def test_login_names_the_user_in_its_first_message(message: bytes, user: str | None) -> None:
    assert sasl.login(message, 0) == Identity(user)


@pytest.mark.parametrize("position", [1, 2, 3])
def test_login_names_nobody_in_any_later_message(position: int) -> None:
    assert sasl.login(SECRET, position) is None


# --- CRAM-MD5, RFC 2195 ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "user"),
    [
        (b"tim b913a602c7eda7a495b4e6e7334d3890", "tim"),
        (b"First Last " + HEX, "First Last"),
        (b"user " + HEX.upper(), "user"),
        (b"user " + HEX * 2, "user"),
        ("jürgen ".encode() + HEX, "jürgen"),
    ],
)
def test_cram_names_all_before_the_digest(message: bytes, user: str) -> None:
    assert sasl.cram(message, 0) == Identity(user)


@pytest.mark.parametrize(
    "message", [b"", b"user", HEX, b" " + HEX, b"user " + SECRET, b"user " + HEX[1:], b"user " + HEX + b" ", b"\0u\0p"]
)
def test_cram_without_a_digest_names_nobody(message: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.cram(message, 0)


# --- DIGEST-MD5, RFC 2831 --------------------------------------------------------------------------

REST = b',nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="smtp/x",response=' + HEX + b",qop=auth"


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        (b'charset=utf-8,username="chris",realm="elwood.innosoft.com"' + REST, ("chris", None, "elwood.innosoft.com")),
        (b'username="chris"' + REST, ("chris", None, None)),
        (b'username="chris",realm=""' + REST, ("chris", None, None)),
        (b'username="chris",authzid="boss"' + REST, ("chris", "boss", None)),
        (b'username="chris",authzid="chris"' + REST, ("chris", None, None)),
        (b'username="a,b=c",realm="x, y"' + REST, ("a,b=c", None, "x, y")),
        (b'username="say \\"hi\\" \\\\o/",realm="r"' + REST, ('say "hi" \\o/', None, "r")),
        (b"username=chris,realm=r" + REST, ("chris", None, "r")),
        (b'USERNAME = "chris" , Realm = "r"' + REST, ("chris", None, "r")),
        (b',, \t username="chris",,realm="r"' + REST, ("chris", None, "r")),
        (b'username="chris",username="other"' + REST, ("chris", None, None)),
        ('username="jürgen"'.encode() + REST, ("jürgen", None, None)),
        ('username="jürgen"'.encode("latin-1") + REST, ("jürgen", None, None)),
    ],
)
def test_digest_names_user_and_realm(message: bytes, identity: tuple[str, str | None, str | None]) -> None:
    assert sasl.digest(message, 0) == Identity(*identity)


def test_digests_last_message_names_nobody() -> None:
    assert sasl.digest(b"", 1) is None
    assert sasl.digest(b"rspauth=" + HEX, 1) is None


@pytest.mark.parametrize("message", [b"", b"user", b'username="chris"', REST[1:], b'username="chris', b"\0user\0pass"])
def test_digest_without_name_or_response_names_nobody(message: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.digest(message, 0)


# --- SCRAM, RFC 5802 -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        (b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", Identity("user")),
        (b"y,,n=user,r=abc", Identity("user")),
        (b"p=tls-unique,,n=user,r=abc", Identity("user")),
        (b"p=tls-server-end-point,a=boss,n=user,r=abc", Identity("user", "boss")),
        (b"p=tls-exporter,,n=user,r=abc,ext=1", Identity("user")),
        (b"n,a=boss,n=user,r=abc", Identity("user", "boss")),
        (b"n,a=user,n=user,r=abc", Identity("user")),
        (b"F,n,,n=user,r=abc", Identity("user")),
        (b"n,,m=ext,n=user,r=abc", Identity("user")),
        (b"n,a=a=2Cb=3Dc,n=x=3Dy=2Cz,r=abc", Identity("x=y,z", "a,b=c")),
        (b"n,,n=a=2cb=3dc,r=abc", Identity("a,b=c")),
        (b"n,,n==3D2C,r=abc", Identity("=2C")),
        ("n,,n=jürgen,r=abc".encode(), Identity("jürgen")),
    ],
)
def test_scram_names_the_user_in_its_first_message(message: bytes, identity: Identity) -> None:
    assert sasl.scram(message, 0) == identity


@pytest.mark.parametrize("message", [b"c=biws,r=abcd,p=" + SECRET, b"c=cD10bHMtdW5pcXVlLCw=,r=a,p=eA=="])
def test_scrams_proof_names_nobody(message: bytes) -> None:
    assert sasl.scram(message, 1) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"user",
        b"n=user,r=abc",
        b"n,n=user,r=abc",
        b"n,,n=user",
        b"n,,n=user,r=",
        b"n,,r=abc,n=user",
        b"x,,n=user,r=abc",
        b"n,,n=us=er,r=abc",
        b"n,,n=dXNlcg==,r=abc",
        b"n,a=b=ss,n=user,r=abc",
        b"\0user\0pass",
        b"c=biws,r=abcd,p=eA==",
    ],
)
def test_scram_of_another_form_names_nobody(message: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.scram(message, 0)


# --- XOAUTH2 and OAUTHBEARER, RFC 7628 -------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "user"),
    [
        (b"user=scan@example.com\1auth=Bearer " + SECRET + b"\1\1", "scan@example.com"),
        (b"user=scan@example.com\1auth=Bearer " + SECRET, "scan@example.com"),
        (b"USER=scan\1AUTH=bearer " + SECRET + b"\1\1", "scan"),
        (b"user=scan\1host=mail.example\1port=587\1auth=Bearer " + SECRET + b"\1\1", "scan"),
        (b"user=\1auth=Bearer " + SECRET + b"\1\1", None),
        ("user=jürgen\1auth=Bearer ".encode() + SECRET + b"\1\1", "jürgen"),
    ],
)
def test_xoauth2_names_the_user(message: bytes, user: str | None) -> None:
    assert sasl.xoauth2(message, 0) == Identity(user)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        SECRET,
        b"user=scan",
        b"user=scan\1" + SECRET,
        b"user=scan auth=Bearer " + SECRET,
        b"auth=Bearer " + SECRET + b"\1user=scan\1\1",
        b"Bearer " + SECRET,
        b"n,a=scan,\1auth=Bearer " + SECRET + b"\1\1",
        b"\0scan\0" + SECRET,
    ],
)
def test_xoauth2_of_another_form_names_nobody(message: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.xoauth2(message, 0)


@pytest.mark.parametrize(
    ("message", "user"),
    [
        (b"n,a=scan@example.com,\1host=mail.example\1port=587\1auth=Bearer " + SECRET + b"\1\1", "scan@example.com"),
        (b"n,a=scan,\1auth=Bearer " + SECRET + b"\1\1", "scan"),
        (b"n,a=a=2Cb=3Dc,\1auth=Bearer " + SECRET + b"\1\1", "a,b=c"),
        (b"y,,\1auth=Bearer " + SECRET + b"\1\1", None),
        (b"p=tls-exporter,a=scan,\1auth=Bearer " + SECRET + b"\1\1", "scan"),
        (b"n,,\1auth=Bearer " + SECRET + b"\1\1", None),
    ],
)
def test_oauthbearer_names_the_user_in_its_header(message: bytes, user: str | None) -> None:
    assert sasl.oauthbearer(message, 0) == Identity(user)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        SECRET,
        b"user=scan\1auth=Bearer " + SECRET + b"\1\1",
        b"n,a=scan\1auth=Bearer " + SECRET + b"\1\1",
        b"n,a=scan\1auth=Bearer " + SECRET + b",\1auth=x\1\1",
        b"n,a=sc=an,\1auth=Bearer " + SECRET + b"\1\1",
        b"n,a=scan,\1host=mail.example\1\1",
        b"n,a=scan,",
    ],
)
def test_oauthbearer_of_another_form_names_nobody(message: bytes) -> None:
    with pytest.raises(Malformed):
        sasl.oauthbearer(message, 0)


def test_the_answer_to_a_refused_token_names_nobody() -> None:
    assert sasl.xoauth2(b"\1", 1) is sasl.oauthbearer(b"\1", 1) is None


# --- EXTERNAL and GS2 ------------------------------------------------------------------------------


def test_external_names_whom_it_acts_for_or_nobody() -> None:
    assert sasl.external(b"printer@example.com", 0) == Identity("printer@example.com")
    assert sasl.external(b"", 0) == Identity()
    assert sasl.external(SECRET, 1) is None


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        (b"n,a=boss,\x60\x82token", Identity("boss")),
        (b"p=tls-unique,a=a=2Cb,\x60", Identity("a,b")),
        (b"F,n,a=boss,\x60", Identity("boss")),
        (b"n,,\x60\x82token", None),
        (b"\x60\x82token", None),
        (b"", None),
    ],
)
def test_gs2_names_whom_it_acts_for_in_its_header(message: bytes, identity: Identity | None) -> None:
    assert sasl.gs2(message, 0) == identity
    assert sasl.gs2(message, 1) is None


# --- all -------------------------------------------------------------------------------------------

DECODERS = [
    sasl.plain,
    sasl.login,
    sasl.cram,
    sasl.digest,
    sasl.scram,
    sasl.xoauth2,
    sasl.oauthbearer,
    sasl.external,
    sasl.gs2,
    sasl.ntlm_names,
    sasl.negotiate,
]
PIECES = st.sampled_from(
    [b"user", b"\0", b"\1", b"n,", b"a=", b",", b"=2C", b'username="', b'"', b"\\", b"auth=Bearer ", b"NTLMSSP\0", HEX]
)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.__name__)
@settings(deadline=None)
@given(message=st.lists(PIECES | st.binary(max_size=20), max_size=12).map(b"".join), position=st.integers(0, 3))
def test_any_message_gives_printable_names_or_is_malformed(
    decoder: Callable[[bytes, int], Identity | None], message: bytes, position: int
) -> None:
    identity, said = None, ()
    try:
        identity = decoder(message, position)
    except Malformed as malformed:
        said = malformed.args
    assert said == ()
    for name in (identity or Identity())[:3]:
        assert name is None or (name and name.isprintable())

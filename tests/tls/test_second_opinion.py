"""Fingerprints and certificates of recorded sessions against tshark's reading of the same packets."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import zstandard

from analyzer.inventory.session import Session
from tests.support.material import LAB, REPOSITORY, needs_lab
from tests.support.scans import sessions_of
from tests.support.tools import needs_tshark

pytestmark = needs_tshark

CAPTURES = REPOSITORY / "captures"
PORTS = ("tcp.port==2525,smtp", "tcp.port==465,tls")
FILE_HEADER = 24
ENDS = ("ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport")
JA3 = ("tls.handshake.ja3_full", "tls.handshake.ja3")
JA4 = ("tls.handshake.ja4_r", "tls.handshake.ja4")
LISTS = (
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.ciphersuite",
    "tls.handshake.extension.type",
    "tls.handshake.sig_hash_alg",
    "tls.handshake.sig_hash_alg_len",
    "tls.handshake.extensions_alpn_str",
)
GREASE = {16 * nibble * 257 + 0x0A0A for nibble in range(16)}

Fields = dict[str, list[str]]


@cache
def knows_ja4() -> bool:
    """Whether this tshark computes JA4 itself; it does from 4.2 on."""
    listed = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout
    return "\ttls.handshake.ja4\t" in listed


def ask(capture: Path, wanted: str, *fields: str) -> list[Fields]:
    """These fields of the packets that are wanted; of a stream, the first such packet."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", wanted, "-T", "json"]
    command += [word for name in ("tcp.stream", *ENDS, *fields) for word in ("-e", name)]
    command += [word for port in PORTS for word in ("-d", port)]
    packets = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    first: dict[str, Fields] = {}
    for packet in packets:
        layers: Fields = packet["_source"]["layers"]
        first.setdefault(layers["tcp.stream"][0], layers)
    return list(first.values())


def ends(fields: Fields) -> tuple[Any, ...]:
    """Addresses and ports of the sender, then of the receiver."""
    source, destination = (fields.get(f"ip.{end}") or fields[f"ipv6.{end}"] for end in ("src", "dst"))
    return source[0], int(fields["tcp.srcport"][0]), destination[0], int(fields["tcp.dstport"][0])


def ends_of(session: Session) -> tuple[Any, ...]:
    return session.client_ip, session.client_port, session.server_ip, session.server_port


def ja4_from(fields: Fields) -> list[str]:
    """JA4_r and JA4 made from the numbers that tshark read, for one that does not make them itself."""

    def listed(name: str) -> list[int]:
        return [number for text in fields.get(name, []) if (number := int(text, 0)) not in GREASE]

    version, versions, suites, kinds, signatures, sizes = (listed(name) for name in LISTS[:-1])
    lists_of_signatures = [kind for kind in kinds if kind in (13, 34, 50)]  # and for credentials, and for certificates
    for kind, size in zip(lists_of_signatures, sizes, strict=True):
        if kind == 13:
            signatures = signatures[: size // 2]
            break
        signatures = signatures[size // 2 :]
    highest = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10"}[max(versions or version)]
    protocol = (*fields.get(LISTS[-1], []), "00")[0]
    head = f"t{highest}{'d' if 0 in kinds else 'i'}{len(suites):02}{len(kinds):02}{protocol[0]}{protocol[-1]}"
    lists = [",".join(f"{number:04x}" for number in sorted(suites))]
    lists.append(",".join(f"{kind:04x}" for kind in sorted(kinds) if kind not in (0, 16)))
    if signatures:
        lists[-1] += "_" + ",".join(f"{number:04x}" for number in signatures)
    hashes = [sha256(text.encode()).hexdigest()[:12] for text in lists]
    return ["_".join([head, *lists]), "_".join([head, *hashes])]


def compare_fingerprints(capture: Path) -> int:
    """How many hellos the comparison was made on. tshark sees none where a client begins with TLS on an SMTP port."""
    ja4 = JA4 if knows_ja4() else LISTS
    hellos = ask(capture, "tls.handshake.type == 1", *JA3, *ja4)
    theirs = Counter(
        (
            *ends(fields),
            *(fields[name][0] for name in JA3),
            *([fields[name][0] for name in JA4] if knows_ja4() else ja4_from(fields)),
        )
        for fields in hellos
    )
    ours = Counter(
        (*ends_of(session), session.tls_ja3_raw, session.tls_ja3, session.tls_ja4_raw, session.tls_ja4)
        for session in sessions_of(capture)
        if session.tls_ja3 is not None and (session.tls_mode == "starttls" or session.server_port == 465)
    )
    assert (ours - theirs, theirs - ours) == (Counter(), Counter())
    return theirs.total()


def compare_certificates(capture: Path) -> int:
    """How many certificates the comparison was made on."""
    shown = ask(capture, "tls.handshake.type == 11", "x509ce.dNSName")
    theirs = Counter((*ends(fields), frozenset(fields.get("x509ce.dNSName", []))) for fields in shown)
    ours = Counter(
        (*reversed_ends(session), frozenset(session.tls_certificate.names))
        for session in sessions_of(capture)
        if session.tls_certificate is not None
    )
    assert (ours - theirs, theirs - ours) == (Counter(), Counter())
    return theirs.total()


def reversed_ends(session: Session) -> tuple[Any, ...]:
    client, server = ends_of(session)[:2], ends_of(session)[2:]
    return *server, *client


@pytest.fixture(scope="module")
def mechanisms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded sessions that use TLS as one capture: starting tshark takes most of its time."""
    files = sorted((CAPTURES / "mechanisms").glob("*tls*.pcap")) + sorted((CAPTURES / "mechanisms").glob("implicit*"))
    contents = [file.read_bytes() for file in dict.fromkeys(files)]
    assert len({content[:FILE_HEADER] for content in contents}) == 1
    joined = tmp_path_factory.mktemp("joined") / "mechanisms.pcap"
    joined.write_bytes(contents[0][:FILE_HEADER] + b"".join(content[FILE_HEADER:] for content in contents))
    return joined


def test_fingerprints_of_recorded_mechanisms(mechanisms: Path) -> None:
    assert compare_fingerprints(mechanisms) >= 40


def test_certificates_of_recorded_mechanisms(mechanisms: Path) -> None:
    assert compare_certificates(mechanisms) >= 3


@pytest.mark.parametrize("name", ["office-1.pcap", "office-2.pcap.gz", "office-3.pcap"])
def test_fingerprints_of_a_recorded_office(name: str) -> None:
    assert compare_fingerprints(CAPTURES / "office" / name) >= 1


@needs_lab
@pytest.mark.parametrize("server", ["aiosmtpd", "dovecot", "exim", "postfix"])
def test_fingerprints_and_certificates_of_the_lab(server: str, tmp_path: Path) -> None:
    capture = tmp_path / f"{server}.pcap"
    with (LAB / f"{server}.pcap.zst").open("rb") as packed, capture.open("wb") as plain:
        zstandard.ZstdDecompressor().copy_stream(packed, plain)
    assert compare_fingerprints(capture) > 100
    assert compare_certificates(capture) > 50

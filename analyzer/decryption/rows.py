"""One packet as tshark prints it: what was decrypted in it, and whether anything could not be.

No field of the SMTP dissector is asked for, and so none that holds a password: SMTP is not decoded by tshark at all.
The plain text goes from here into our own parser, and is not kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from analyzer.decryption.wire import END, GAP, TLS_PORT, whose
from analyzer.tshark.question import Question

_APPLICATION_DATA: Final = "23"
_FINISHED: Final = "20"  # RFC 8446 section 4

QUESTION: Final = Question(
    fields=(
        "ipv6.src",
        "tcp.dstport",
        "tls.record.length",
        "tls.record.content_type",
        "tls.record.opaque_type",
        "tls.handshake.type",
        "data.data",
    ),
    # Signs of ours; records with application data, decrypted or not: in TLS 1.3 all that are encrypted call
    # themselves that (RFC 8446 section 5.2); and the end of the handshake, which is seen only where it was decrypted.
    wanted="data.data || tls.record.content_type == 23 || tls.record.opaque_type == 23"
    f" || tls.handshake.type == {_FINISHED} || tcp.dstport == {END} || tcp.dstport == {GAP}",
    # Of no protocol that TLS carries on this port tshark knows anything, so it shows what is inside as data.
    decode_as={f"tcp.port=={TLS_PORT}": "tls"},
    preferences={
        "tcp.desegment_tcp_streams": "TRUE",
        "tcp.check_checksum": "FALSE",
        "tcp.try_heuristic_first": "FALSE",
        "tls.desegment_ssl_records": "TRUE",
        "tls.desegment_ssl_application_data": "TRUE",
        "tls.ignore_ssl_mac_failed": "FALSE",
        "tls.keylog_file": "",  # whatever the user has set for other captures
    },
)


@dataclass(slots=True)
class Row:
    """What one packet shows.

    Attributes:
        number, side: whose it is.
        sign: a sign of ours (:mod:`~analyzer.decryption.wire`), or ``None``.
        finished: the end of this side's handshake was decrypted.
        plain: what was decrypted, record by record; not shown by ``repr``.
        failed: records that could not be decrypted.
        silent: lengths of records of which nothing is shown: they are empty, or could not be decrypted. TLS 1.2 and
            older do not show which.
    """

    number: int
    side: int
    sign: int | None = None
    finished: bool = False
    plain: list[bytes] = field(default_factory=list, repr=False)
    failed: int = 0
    silent: tuple[int, ...] = ()


def parse(line: bytes) -> Row | None:
    """The row in a line of tshark's, or ``None`` where it holds none.

    Raises:
        ValueError: it is not understood.
    """
    if len(line) < 3 or line.startswith(b'{"index"'):
        return None
    try:
        return _row(json.loads(line)["layers"])
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise ValueError("not a line that was asked for") from None


def _row(layers: dict[str, Any]) -> Row:
    number, side = whose(layers["ipv6_src"][0])
    plain = [bytes.fromhex(text.replace(":", "")) for text in layers.get("data_data", ())]
    port = int(layers["tcp_dstport"][0])
    if port in (END, GAP):
        return Row(number, side, sign=port)
    lengths = [int(length) for length in layers.get("tls_record_length", ())]
    types = layers.get("tls_record_content_type", ())
    finished = _FINISHED in layers.get("tls_handshake_type", ())
    if "tls_record_opaque_type" in layers:
        # TLS 1.3: the type of an encrypted record is known once it is decrypted.
        return Row(number, side, finished=finished, plain=plain, failed=len(lengths) - len(types))
    said = [length for length, kind in zip(lengths, types, strict=True) if kind == _APPLICATION_DATA]
    missing = len(said) - len(plain)
    silent = tuple(sorted(said)[:missing]) if missing > 0 else ()
    return Row(number, side, finished=finished, plain=plain, silent=silent)

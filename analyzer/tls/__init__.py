"""What the unencrypted parts of a TLS connection say: version, suite, names, and whether it came about.

Sans-IO: bytes of the two directions go in, one :class:`~analyzer.tls.records.TlsSession` comes out.
Inside, from the wire up:

``recognition``   do these bytes start a TLS stream?
``record_layer``  one direction's bytes -> records, stepped over without copying
``handshake``     plaintext handshake records -> messages
``hellos``        ClientHello and ServerHello -> values
``fingerprint``   ClientHello -> JA3 and JA4, which name the program that sent it
``certificate``   the server's certificate -> names and dates
``establishment`` the records of both directions -> did the handshake finish?
``tracker``       one connection: all of the above
"""

from analyzer.tls.inference import ABSTENTIONS, ANSWER_FROM, HIGHEST, Clues, Inference, confidence_of, shares_before
from analyzer.tls.recognition import looks_like_tls
from analyzer.tls.records import TlsSession
from analyzer.tls.sides import CLIENT, SERVER
from analyzer.tls.tracker import TlsTracker

__all__ = [
    "ABSTENTIONS",
    "ANSWER_FROM",
    "CLIENT",
    "HIGHEST",
    "SERVER",
    "Clues",
    "Inference",
    "TlsSession",
    "TlsTracker",
    "confidence_of",
    "looks_like_tls",
    "shares_before",
]

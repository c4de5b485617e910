"""Everything a live run may need later, loaded now: the user that it becomes may not be allowed to read it.

Scans load libraries and tables when they are first needed, since a start should be quick. A live run gives up its
privileges instead, and where Python or this program lies in somebody's home there is nothing to load any more.
"""

from __future__ import annotations

import io
from importlib import import_module
from pkgutil import walk_packages

from analyzer.inventory.devices import Inventory
from analyzer.inventory.providers import identify
from analyzer.inventory.session import Session
from analyzer.inventory.vendors import vendor_of
from analyzer.report.model import FORMATS, Report
from analyzer.report.write import write
from analyzer.tls import Clues
from analyzer.tls.code_points import cipher_name
from analyzer.tls.inference import infer
from analyzer.tls.inference.turns import Exchange

_ROOMS = (
    "alerts",
    "capture",
    "delivery",
    "inventory",
    "monitor",
    "packets",
    "report",
    "scrub",
    "smtp",
    "streams",
    "tls",
)

_LIBRARIES = (
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.x509.oid",
    "dpkt.gre",
    "encodings.idna",
    "encodings.utf_16_le",
    "numpy.ma",  # which np.unique asks for
    "rich.console",
    "rich.live",
    "rich.text",
    "stringprep",
    "tabulate",
)


def preload() -> None:
    """Load all of it."""
    for room in _ROOMS:
        package = import_module(f"analyzer.{room}")
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for library in _LIBRARIES:
        import_module(library)
    identify(None, "mail.example.com", "mail.example.com ESMTP", ())
    vendor_of(0x0017C8_000000)
    cipher_name(0)
    exchanges = [Exchange((20, 20), ((200, 200),)), Exchange((33, 33), ((60, 60),)), Exchange((6, 6), ((9, 9),))]
    infer(exchanges, Clues(client_first=True), client_certificate=False)
    inventory = Inventory()
    inventory.add(Session(0, 0, "", "192.0.2.1", 1, "192.0.2.2", 25, is_smtp=True))
    devices = inventory.devices()
    for form in FORMATS:
        write(form, Report(devices, inventory.summary(devices)), io.StringIO())

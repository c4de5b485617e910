"""Everything a live run may need later, loaded now: the user that it becomes may not be allowed to read it.

Scans load libraries and tables when they are first needed, since a start should be quick. A live run gives up its
privileges instead, and where Python or this program lies in somebody's home there is nothing to load any more.
"""

from __future__ import annotations

import io
from importlib import import_module
from pkgutil import iter_modules

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


_NOT_LIVE = ("page", "period", "provider_view", "sheets", "workbook")
"""What no live run writes; the libraries it is written with take 10 MB."""


def preload() -> None:
    """Load all of it."""
    for room in _ROOMS:
        _load(f"analyzer.{room}")
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


def _load(name: str) -> None:
    """Load a package and all that is in it."""
    package = import_module(name)
    for module in iter_modules(package.__path__):
        if module.name in _NOT_LIVE:
            continue
        if module.ispkg:
            _load(f"{name}.{module.name}")
        else:
            import_module(f"{name}.{module.name}")

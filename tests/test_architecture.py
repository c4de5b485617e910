"""The shape of the house: which room may know which, how long a module may be, what start-up may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import analyzer

PACKAGE = Path(analyzer.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    {"capture", "files", "garbage", "tshark"},
    {"packets"},
    {"streams"},
    {"hostnames", "smtp", "tls"},
    {"inventory"},
    {"history", "advice", "provider_view"},
    {"assets", "reverse_dns", "store", "decryption", "alerts", "scrub", "workers"},
    {"explanation"},
    {"report"},
    {"delivery"},
    {"verify"},
    {"pipeline"},
    {"monitor", "watch"},
    {"commands"},
    {"cli"},
)
"""A room imports from itself and from rooms in earlier layers, never from its neighbour in the same one."""
ANYWHERE = {"addresses", "errors"}
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}

SANS_IO = {"hostnames", "smtp", "tls", "streams"}
IO_MODULES = {"asyncio", "io", "mmap", "os", "select", "socket", "ssl", "subprocess", "threading", "time"}

LONGEST_MODULE = 600
HEAVY = {
    "alembic",
    "cryptography",
    "dns",
    "dpkt",
    "jinja2",
    "lz4",
    "numpy",
    "prometheus_client",
    "psycopg",
    "pyshark",
    "rich",
    "scapy",
    "sqlalchemy",
    "tabulate",
    "xlsxwriter",
    "zstandard",
}


def room(module: Path) -> str:
    """The room a module belongs to; its own name where it stands directly in the package."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[str]:
    """Full names of what a module imports, at any depth of its code."""
    package = ["analyzer", *module.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def rooms_imported(module: Path) -> set[str]:
    """Rooms of this package that a module imports from."""
    names = (name.split(".") for name in imports(module))
    return {parts[1] for parts in names if parts[0] == "analyzer" and not parts[1].startswith("__")}


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_room_imports_only_from_rooms_before_it(module: Path) -> None:
    here = room(module)
    if here in ANYWHERE | {"__init__"}:
        assert not rooms_imported(module)
        return
    allowed = {other for other, rank in RANK.items() if rank < RANK[here]} | ANYWHERE | {here}
    assert rooms_imported(module) <= allowed


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(module) for module in MODULES} <= set(RANK) | ANYWHERE | {"__init__"}


def test_no_room_stands_in_two_layers() -> None:
    assert len(RANK) == sum(map(len, LAYERS))


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) in SANS_IO], ids=name_of)
def test_protocol_rooms_do_no_input_or_output(module: Path) -> None:
    assert not {name.split(".")[0] for name in imports(module)} & IO_MODULES


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_short_enough_to_hold_one_thing(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["scan", "--help"],
        ["explain", "--help"],
        ["verify", "--help"],
        ["scrub", "--help"],
        ["report", "--help"],
        ["watch", "--help"],
        ["store", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = "import sys, atexit; from analyzer.cli import main\n"
    program += "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); sys.exit(main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert result.stdout.startswith(("usage: smtpauth", "smtpauth "))
    assert not {name.split(".")[0] for name in result.stderr.split()} & HEAVY

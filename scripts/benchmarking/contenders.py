"""The programs that read the same capture, and the figures this project wants to reach beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.set_up import ROOT

FILTER = "tcp port 25 or tcp port 465 or tcp port 587 or tcp port 2465 or tcp port 2525 or tcp port 2587"
OURS = "smtpauth scan"


@dataclass(frozen=True, slots=True)
class Contender:
    """A program and how it is called; ``slow`` ones take part in fewer rounds."""

    name: str
    command: tuple[str, ...]
    does: str
    slow: bool = False
    version: tuple[str, ...] = ()

    def at(self, capture: Path) -> list[str]:
        """The command line for ``capture``."""
        return [part.replace("{capture}", str(capture)) for part in self.command]

    @property
    def is_here(self) -> bool:
        """The program is on this machine."""
        return shutil.which(self.command[0]) is not None

    def first_line(self) -> str:
        """What the program calls itself."""
        result = subprocess.run(self.version, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = [line for line in result.stdout.splitlines() if any(letter.isdigit() for letter in line)]
        return lines[0] if lines else "unknown version"


CONTENDERS = (
    Contender(
        OURS,
        (sys.executable, "-m", "analyzer.cli", "scan", "--quiet", "--workers", "1", "{capture}"),
        "the whole inventory, in one process",
        version=(sys.executable, "-m", "analyzer.cli", "--version"),
    ),
    Contender(
        "without limit",
        (sys.executable, "-m", "analyzer.cli", "scan", "--quiet", "{capture}"),
        "the same in as many processes as it likes; the peak is that of the largest",
        version=(sys.executable, "-m", "analyzer.cli", "--version"),
    ),
    Contender(
        "tcpdump",
        ("tcpdump", "-r", "{capture}", "-w", "-", FILTER),
        "only the port filter",
        version=("tcpdump", "--version"),
    ),
    Contender(
        "ndpiReader",
        ("ndpiReader", "-q", "-i", "{capture}"),
        "protocol of every flow",
        version=("ndpiReader", "-h"),
    ),
    Contender(
        "tshark",
        ("tshark", "-q", "-z", "credentials", "-r", "{capture}"),
        "user names of some mechanisms",
        slow=True,
        version=("tshark", "--version"),
    ),
    Contender(
        "dpkt loop",
        (sys.executable, str(ROOT / "scripts/benchmarking/dpkt_loop.py"), "{capture}"),
        "decodes and filters, in Python",
        slow=True,
        version=(sys.executable, "-c", "import dpkt; print('dpkt', dpkt.__version__)"),
    ),
)


@dataclass(frozen=True, slots=True)
class Target:
    """``subject`` needs at most ``most`` times the time of ``other``."""

    shape: str
    other: str
    most: float

    def verdict(self, medians: dict[str, float]) -> str:
        """The target beside what was measured."""
        wanted = f"at most {self.most:g} times" if self.most >= 1 else f"at least {1 / self.most:g} times faster than"
        wish = f"{self.shape}: {wanted} {self.other}"
        if self.other not in medians:
            return f"{wish}: not measured"
        ratio = medians[OURS] / medians[self.other]
        measured = f"{ratio:.2f} times its time" if self.most >= 1 else f"{1 / ratio:.2f} times faster"
        return f"{wish}: {measured}: {'reached' if ratio <= self.most else 'MISSED'}"


TARGETS = (Target("dense", "tshark", 1 / 6), Target("dense", "ndpiReader", 2), Target("mixed", "tcpdump", 2))
PEAK_MEGABYTES = 400
PEAK_GROWTH = 0.10  # on an input ten times longer
INFERENCE_COST = 0.15  # of the time without it
HELP_SECONDS, SMALL_SCAN_SECONDS = 0.2, 0.5

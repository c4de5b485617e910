"""Makes ``.venv`` in the repository and installs locked packages into it: ``set_up.py LOCK...``.

Needs nothing but the standard library. Safe to run twice at once. Exit code 2, after one line that says what to do,
where this machine lacks something that cannot be had without asking.
"""

from __future__ import annotations

import compileall
import fcntl
import filecmp
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"


def main(locks: list[str]) -> None:
    """Bring ``.venv`` up to each of ``locks``."""
    lock_on = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock_on, fcntl.LOCK_EX)  # of two first calls one works and the other waits; death releases it
    missing = [ROOT / lock for lock in locks if not is_installed(VENV, ROOT / lock)]
    if not missing:
        return
    began = time.monotonic()
    folder = VENV if VENV.exists() else ROOT
    if not os.access(folder, os.W_OK):
        stop(f"{folder} is read-only for you and not set up; let its owner call this once, or use a clone of your own")
    if not is_usable(VENV) or installer(VENV) is None:
        create(VENV)
    # A path file is read relative to its folder, so the repository may be moved.
    (site_packages,) = VENV.glob("lib/python3*/site-packages")
    (site_packages / "smtp-auth-analyzer.pth").write_text(os.path.relpath(ROOT, site_packages) + "\n")
    for lock in missing:
        say(f"installing the packages of {lock.name}")
        install(VENV, lock)
    # The first run starts as fast as the others, also where Python is told to write no bytecode.
    compileall.compile_dir(ROOT / "analyzer", quiet=2)
    say(f"ready after {time.monotonic() - began:.0f} s")


def is_installed(venv: Path, lock: Path) -> bool:
    """``venv`` holds the packages of ``lock``: a copy of it is left there when all is done."""
    stamp = venv / lock.name
    return is_usable(venv) and stamp.is_file() and filecmp.cmp(lock, stamp, shallow=False)


def is_usable(venv: Path) -> bool:
    """The environment's Python still runs; it does not after the system's Python was replaced."""
    probe = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.run([venv / "bin/python", "-I", "-c", probe], capture_output=True).returncode == 0
    except OSError:
        return False


def create(venv: Path) -> None:
    """A fresh environment in place of whatever is at ``venv``."""
    # The file itself and not a link such as /usr/bin/python3, which the next release points at another Python.
    python = os.path.realpath(sys.executable)
    command = [python, "-I", "-m", "venv", str(venv)]
    if not can_make_venvs():
        if uv := shutil.which("uv"):
            command = [uv, "venv", "--quiet", "--python", python, str(venv)]
        else:
            install_venv_package()
    say(f"making {venv.name} with Python {sys.version.split()[0]}")
    if venv.exists():
        shutil.rmtree(venv)
    run(command, "the virtual environment could not be made")


def can_make_venvs() -> bool:
    """Debian ships ``venv`` without the ``ensurepip`` it needs, until python3-venv is installed."""
    return (
        subprocess.run(
            [sys.executable, "-I", "-c", "import venv; from ensurepip import bootstrap"], capture_output=True
        ).returncode
        == 0
    )


def install_venv_package() -> None:
    """Install Debian's package with what is missing, as root; else say how to."""
    package = f"python3.{sys.version_info.minor}-venv"
    if not shutil.which("apt-get"):
        stop("this Python can make no virtual environments (no ensurepip); install uv, or a Python from python.org")
    if os.geteuid() != 0:
        update, install = "apt-get update", f"apt-get install -y {package}"  # a fresh machine has no lists yet
        sudo = f"sudo {update} && sudo {install}" if shutil.which("sudo") else f"su -c '{update} && {install}'"
        stop(f"this Python can make no virtual environments; run: {sudo}")
    say(f"installing {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    if subprocess.run(command, capture_output=True, env=environment).returncode:  # no lists, or old ones
        run(["apt-get", "update"], "apt-get update failed")
        run(command, f"{package} could not be installed", environment)


def installer(venv: Path) -> list[str] | None:
    """The command that installs packages into ``venv``: its own pip, else uv."""
    python = str(venv / "bin/python")
    if subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True).returncode == 0:
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location"]
        return [python, "-I", "-m", "pip", "install", *options, "--retries", "2"]
    uv = shutil.which("uv")
    return [uv, "pip", "install", "--quiet", "--python", python] if uv else None


def install(venv: Path, lock: Path) -> None:
    """Install exactly the packages of ``lock``, each checked against its hash."""
    command = installer(venv)
    if command is None:
        stop(f"{venv} has no pip; remove that folder and try again")
    problem = f"the packages of {lock.name} could not be installed; is the package index reachable?"
    run([*command, "--require-hashes", "--requirement", str(lock)], problem)
    part = venv / f"{lock.name}.part"
    shutil.copyfile(lock, part)
    part.replace(venv / lock.name)


def run(command: list[str], problem: str, environment: dict[str, str] | None = None) -> None:
    """Run ``command`` in silence; when it fails, show the end of what it said and stop."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    if result.returncode:
        for line in result.stdout.splitlines()[-5:]:
            sys.stderr.write(f"  {line}\n")
        stop(problem)


def say(what: str) -> None:
    """Tell the user what takes so long; stdout belongs to the program."""
    sys.stderr.write(f"smtpauth: setting up: {what}\n")


def stop(problem: str) -> NoReturn:
    """One line, exit code 2."""
    sys.stderr.write(f"smtpauth: {problem}\n")
    sys.exit(2)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # a full disk, say
        stop(f"setting up failed: {error}")

"""Fetches the mail software of the lab and unpacks it beside the system, which stays as it is.

Debian packages are downloaded and unpacked, never installed: Postfix and Exim cannot be installed side by side,
and a lab must not leave mail servers on the machine it ran on. :mod:`labkit.sealed` lays the unpacked trees over
``/usr`` for the lab's processes alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"

BASE_PACKAGES = [
    "tcpdump",
    "iproute2",
    "ethtool",
    "nftables",
    "openssl",
    "tshark",
    "curl",
    "nodejs",
    "postfix",
    "dovecot-core",
    "dovecot-submissiond",
    "swaks",
    "msmtp",
    "libnet-smtp-ssl-perl",
    "libio-socket-ssl-perl",
    "libauthen-sasl-perl",
    "libauthen-ntlm-perl",
    "libdigest-hmac-perl",
]
"""Downloaded together; those the machine has already are used as they are."""

TLS_PACKAGES = [
    "gcc",
    "libc6-dev",
    "libssl-dev",
    "gsasl",
    "s-nail",
    "mutt",
    "neomutt",
    "esmtp",
    "golang-go",
    "default-jdk-headless",
    "libmail-java",
    "php-cli",
    "libphp-phpmailer",
    "ruby",
    "krb5-kdc",
    "krb5-admin-server",
    "krb5-user",
    "libsasl2-modules",
    "libsasl2-modules-db",
    "libsasl2-modules-gssapi-mit",
    "sasl2-bin",
    "dovecot-gssapi",
    "chasquid",
]
"""For the sessions inside TLS of ``captures/tls``: compilers, languages, Kerberos, further clients and servers."""

TREES = {
    "base": BASE_PACKAGES,
    "exim": ["exim4-base", "exim4-daemon-heavy"],
    "tls": TLS_PACKAGES,
    "opensmtpd": ["opensmtpd"],
    "nullmailer": ["nullmailer"],
    "dma": ["dma"],
    "ssmtp": ["ssmtp"],
}
"""Each unpacked on its own, since mail servers conflict with one another; earlier ones lie over later ones."""

NODE_PACKAGES = ["nodemailer@7.0.10", "smtp-server@3.16.1"]
PYTHON_PACKAGES = ["aiosmtpd==1.4.6"]


@dataclass(frozen=True, slots=True)
class Material:
    """Where the fetched software is: trees to lay over ``/usr``, node modules, a Python with aiosmtpd, own programs."""

    trees: list[Path]
    node_modules: Path
    python: Path
    shim: Path
    go_client: Path


class MaterialError(Exception):
    """The software could not be fetched; the message says what is needed."""


def fetch(folder: Path) -> Material:
    """Return the software in ``folder``, fetching what is not there yet."""
    for tool in ("apt-get", "dpkg-deb", "unshare", "npm"):
        if shutil.which(tool) is None:
            raise MaterialError(
                f"needs {tool}: a Debian or Ubuntu machine with util-linux and npm (apt-get install npm)"
            )
    material = Material(
        trees=[folder / tree for tree in TREES],
        node_modules=folder / "node" / "node_modules",
        python=folder / "venv/bin/python",
        shim=folder / "tls_shim.so",
        go_client=folder / "go-client",
    )
    if not all(tree.is_dir() for tree in material.trees):
        _run(["apt-get", "update", "-qq"])
    for tree, packages in TREES.items():
        if not (folder / tree).is_dir():
            _unpack(packages, folder / f"{tree}-packages", folder / tree)
    if not material.node_modules.is_dir():
        material.node_modules.mkdir(parents=True)
        _run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder / "node"), *NODE_PACKAGES]
        )
    if not material.python.exists():
        venv.create(folder / "venv", with_pip=True)
        _run([str(material.python), "-m", "pip", "install", "--quiet", *PYTHON_PACKAGES])
    return material


def compile_programs(material: Material) -> None:
    """Compile the lab's own programs, inside, where the fetched compilers are."""
    shim = ["gcc", "-O1", "-shared", "-fPIC", "-o", str(material.shim), str(PROGRAMS / "tls_shim.c"), "-lssl", "-ldl"]
    _run(shim)
    cache = {"GOCACHE": str(material.go_client.parent / "go-cache"), "GO111MODULE": "off"}
    _run(["go", "build", "-o", str(material.go_client), str(PROGRAMS / "send_go.go")], cache)


def _unpack(packages: list[str], archives: Path, tree: Path) -> None:
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    cache = f"Dir::Cache::archives={archives}"
    _run(["apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends", "-o", cache, *packages])
    unpacking = tree.with_suffix(".unpacking")
    shutil.rmtree(unpacking, ignore_errors=True)
    (unpacking / "usr").mkdir(parents=True)
    for merged in ("bin", "sbin", "lib", "lib64"):
        (unpacking / "usr" / merged).mkdir()
        (unpacking / merged).symlink_to(f"usr/{merged}")  # packages older than the merged /usr still ship /lib
    for package in sorted(archives.glob("*.deb")):
        archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], check=True, capture_output=True)
        extract = ["tar", "-x", "--keep-directory-symlink", "-C", str(unpacking)]
        subprocess.run(extract, check=True, input=archive.stdout)
    unpacking.rename(tree)


def _run(command: list[str], env: dict[str, str] | None = None) -> None:
    sys.stderr.write(f"lab: {' '.join(command[:3])} …\n")
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"} | (env or {}),
        text=True,
    )
    if done.returncode:
        raise MaterialError(f"{' '.join(command)} failed:\n{done.stdout}")

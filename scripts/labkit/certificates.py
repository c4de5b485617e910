"""The lab's certification authority: certificates for the servers' names, and for clients that use EXTERNAL."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.labkit.world import SERVERS

CLIENT_CERTIFICATES = {"bench": "bench@office.example", "nas": "nas@office.example"}
"""File name and subject (the user name EXTERNAL derives) of each client certificate."""


RSA = ("institute", "padded")
"""Servers with an RSA key; the others have one on a curve."""


def make(folder: Path) -> None:
    """Write ``ca.pem``, and ``NAME.pem`` and ``NAME.key`` for each server and client certificate, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    _key(folder / "ca.key")
    _openssl(
        "req",
        "-x509",
        "-key",
        str(folder / "ca.key"),
        "-subj",
        "/CN=Lab CA",
        "-days",
        "3650",
        "-out",
        str(folder / "ca.pem"),
    )
    for server in SERVERS:
        names = [alternative for name in server.names for alternative in (name, f"ipv6.{name}")]
        _issue(
            folder,
            server.name,
            server.names[0],
            "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
            rsa=server.name in RSA,
        )
    for name, user in CLIENT_CERTIFICATES.items():
        _issue(folder, f"client-{name}", user, f"subjectAltName=email:{user}\nextendedKeyUsage=clientAuth")


def _issue(folder: Path, name: str, subject: str, extensions: str, *, rsa: bool = False) -> None:
    key, request, extension_file = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.ext"
    if rsa:
        _openssl("genrsa", "-out", str(key), "2048")
    else:
        _key(key)
    extension_file.write_text(extensions + "\n")
    _openssl("req", "-new", "-key", str(key), "-subj", f"/CN={subject}", "-out", str(request))
    authority = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial"]
    _openssl(
        "x509",
        "-req",
        "-in",
        str(request),
        *authority,
        "-days",
        "3650",
        "-extfile",
        str(extension_file),
        "-out",
        str(folder / f"{name}.pem"),
    )
    key.chmod(0o644)  # read by servers that have given up root; the keys end with the lab


def _key(path: Path) -> None:
    _openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(path))


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)

"""A server of PostgreSQL for tests: a cluster of its own in a temporary directory, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

_SETTINGS = """
fsync = off
shared_buffers = 32MB
max_connections = 20
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
port = {port}
"""
_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"

PASSWORD = "tr0ub4dor-3"  # noqa: S105 - of a server that lives for seconds


def programs() -> Path | None:
    """Where ``initdb`` and ``pg_ctl`` are: Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class Server:
    """A running server.

    Attributes:
        port: on 127.0.0.1, and in the name of the socket.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self._numbers = count()
        self._serves = False  # the database that is emptied exists

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the superuser, outside of transactions."""
        conninfo = f"host={self._folder} port={self.port} user=smtpauth dbname={database}"
        return psycopg.connect(conninfo, autocommit=True)

    def database(self) -> str:
        """URL of a new, empty database, through the socket."""
        name = f"store{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self) -> str:
        """URL of a database that serves one test after the other, empty again.

        To make a new one copies a thousand files, which takes several times longer.
        """
        if not self._serves:
            self._serves = True
            with self.connect() as connection:
                connection.execute("CREATE DATABASE emptied")
        with self.connect("emptied") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url("emptied")

    def url(self, name: str) -> str:
        """URL of a database, through the socket."""
        return f"postgresql://smtpauth@/{name}?host={self._folder}&port={self.port}"

    def url_by_password(self, name: str, password: str) -> str:
        """URL of a database, through the network."""
        return f"postgresql://smtpauth:{password}@127.0.0.1:{self.port}/{name}"


@contextmanager
def server() -> Iterator[Server]:
    """Start a server; the test is skipped where there is none."""
    where = programs()
    if where is None:
        pytest.skip("no PostgreSQL server (Debian: postgresql)")
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        identity: dict[str, object] = {}
        if os.getuid() == 0:  # which the server refuses to run as
            user = _unprivileged()
            os.chown(folder, user.pw_uid, user.pw_gid)
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)

        def run(program: str, *arguments: str) -> None:
            command = [str(where / program), *arguments]
            subprocess.run(  # type: ignore[call-overload]
                command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **identity
            )

        data = folder / "data"
        run("initdb", "-D", str(data), "-U", "smtpauth", "--no-sync", "--pwfile", str(password), "-E", "UTF8")
        port = _free_port()
        (data / "pg_hba.conf").write_text(_ACCESS)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(folder=folder, port=port))
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "start")
        try:
            yield Server(folder, port)
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("no unprivileged user to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

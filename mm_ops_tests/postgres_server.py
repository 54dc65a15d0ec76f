"""A PostgreSQL of one's own on loopback, in a folder of its own, gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mm_ops.adapters.database import Database
from mm_ops_tests.requirements import require_binary

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
USER = "postgres"


def find_binary(name: str) -> str:
    """A program of PostgreSQL; Debian keeps those of the server off the path."""
    beside = [str(folder / name) for folder in DEBIAN if (folder / name).exists()]
    return beside[0] if beside else require_binary(name)


@dataclass(frozen=True)
class Server:
    """A running server."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://{USER}@127.0.0.1:{self.port}/postgres"

    def control(self, *words: str) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder}"
        command = [find_binary("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log")]
        run([*command, "-o", options, *words])

    def empty(self) -> str:
        """Drop every table; gives the URL."""
        database = Database(self.url)
        with database.transaction() as transaction:
            transaction.run("DROP SCHEMA public CASCADE")
            transaction.run("CREATE SCHEMA public")
        database.close()
        return self.url

    def restart_at_once(self) -> None:
        """As after a power cut: nobody is asked to finish."""
        self.control("restart", "-m", "immediate")


def run(command: list[str]) -> None:
    """Run as a user that PostgreSQL accepts: it refuses root."""
    as_root = os.getuid() == 0
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", user=USER if as_root else None)


@contextmanager
def serving(password: str | None = None) -> Iterator[Server]:
    """Start a server on a free port and stop it in the end; with a password nobody is let in without it."""
    folder = Path(tempfile.mkdtemp(prefix="mm-ops-postgres-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Server(folder, probe.getsockname()[1])
    try:
        if os.getuid() == 0:
            shutil.chown(folder, USER)
        login = ["-A", "trust"]
        if password is not None:
            kept = folder / "password"
            kept.write_text(password, encoding="utf-8")
            login = ["-A", "scram-sha-256", "--pwfile", str(kept)]
        run([find_binary("initdb"), "-D", str(folder / "data"), "-U", USER, *login, "--no-locale", "-E", "UTF8"])
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

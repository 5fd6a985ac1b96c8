"""A PostgreSQL server for tests: Debian's package, started once, on a socket in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import make_url

from grader.store import open_store

_SETTINGS = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses="]


@contextmanager
def server(settings: Sequence[str] = _SETTINGS) -> Iterator[Path]:
    """Runs a server on a socket, giving its folder; without other settings it writes nothing durably.

    Skips the test where the package or its driver is not installed, but fails where the test command
    promised both (GRADER_REQUIRE_POSTGRESQL=1).
    """
    with _set_up() as (programs, folder, user), _running(programs, folder, user, settings):
        yield folder


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Runs a server that can be taken down and brought up; skips as `server` does.

    What it says it has kept outlives the server's own death, though not the machine's.
    """
    with _set_up() as (programs, folder, user):
        made = Cluster(programs, folder, user)
        made.start()
        try:
            yield made
        finally:
            made.stop("immediate")


class Cluster:
    """A server in the hands of its own tool, pg_ctl.

    Attributes:
        folder: Where its socket lies.
    """

    def __init__(self, programs: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
        self.folder = folder
        self._programs = programs
        self._user = user

    def start(self) -> None:
        settings = ("fsync=off", "full_page_writes=off", "listen_addresses=")
        options = " ".join([f"-k {self.folder}", *(f"-c {setting}" for setting in settings)])
        self._control("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str) -> None:
        """Ends it where it runs.

        Args:
            mode: ``fast``: connections are broken off. ``immediate``: so is the server, as by a power cut.
        """
        if (self.folder / "data" / "postmaster.pid").exists():
            self._control("stop", "-m", mode)

    def restart(self, mode: str) -> None:
        self._control("restart", "-l", str(self.folder / "log"), "-m", mode)

    def _control(self, *arguments: str) -> None:
        subprocess.run(
            [self._programs / "pg_ctl", "-D", self.folder / "data", "-w", "-t", "300", *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_as(self._user),
        )


@contextmanager
def _set_up() -> Iterator[tuple[Path, Path, pwd.struct_passwd | None]]:
    """The server's programs, a folder with data for one, and whose it is."""
    programs = _programs()
    if programs is None or importlib.util.find_spec("psycopg") is None:
        _go_without()
    # Sockets have short names only, and the server's user must get in.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user = _user()
    try:
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir()
        if user is not None:
            os.chown(data, user.pw_uid, user.pw_gid)
            os.chown(folder, user.pw_uid, user.pw_gid)
        initdb = [programs / "initdb", "-D", data, "-U", "grader", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*initdb], check=True, stdout=subprocess.DEVNULL, **_as(user))
        yield programs, folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _go_without() -> NoReturn:
    if os.environ.get("GRADER_REQUIRE_POSTGRESQL") == "1":
        pytest.fail("PostgreSQL is not installed, and this run must not go without: scripts/postgresql.sh")
    pytest.skip("PostgreSQL or its driver is not installed; `make test` installs both")


@contextmanager
def _running(
    programs: Path, folder: Path, user: pwd.struct_passwd | None, settings: Sequence[str]
) -> Iterator[None]:
    options = [word for setting in settings for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-k", folder, *options],
            stdout=log,
            stderr=log,
            **_as(user),
        )
        try:
            _wait(programs, folder)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _wait(programs: Path, folder: Path) -> None:
    for _ in range(300):
        ready = subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False)
        if ready.returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError((folder / "log").read_text())


def fresh_database(folder: Path, *, encoding: str = "UTF8") -> str:
    """Makes an empty database and gives its URL."""
    return _made(folder, template=f"template0 ENCODING '{encoding}' LOCALE 'C'")


def migrated_database(folder: Path) -> str:
    """Makes a database with the newest schema and nothing in it, and gives its URL.

    The migrations run once for each server; what follows are copies.
    """
    return _made(folder, template=_migrated(folder))


@cache
def _migrated(folder: Path) -> str:
    location = fresh_database(folder)
    open_store(location).close()
    return str(make_url(location).database)


def _made(folder: Path, template: str) -> str:
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=str(folder), user="grader", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"postgresql+psycopg://grader@/{name}?host={folder}"


def run_script(location: str, script: str) -> None:
    """Runs a dump's statements in a database given by its URL."""
    import psycopg

    with psycopg.connect(location.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(script)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def _user() -> pwd.struct_passwd | None:
    """The server refuses to run as root; the package brings a user for it."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _as(user: pwd.struct_passwd | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}

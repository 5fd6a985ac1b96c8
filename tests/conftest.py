"""What all tests share: the Docker engine that must answer, the corpus, torchvision."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import docker
import pytest
from hypothesis import settings

from tests import postgresql
from tests.shortcuts import shortcuts
from tests.vision import usable_torchvision

# Time is measured in benchmarks; a busy machine must not fail a property test.
settings.register_profile("grader", deadline=None)
settings.load_profile("grader")

_CORPUS_BESIDE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def _engine_answers() -> bool:
    client = _client()
    if client is None:
        _collect_sockets()
        return False
    try:
        return bool(client.ping())
    except docker.errors.DockerException:
        return False
    finally:
        client.close()


def _client() -> docker.DockerClient | None:
    try:
        return docker.from_env(timeout=20)
    except docker.errors.DockerException:
        return None


def _collect_sockets() -> None:
    """docker-py leaves a socket to the garbage collector where it cannot connect: no test's fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session", autouse=True)
def done_once() -> Iterator[None]:
    """Thousands of tests open a new file or run a command, and would spend most time on its set-up."""
    with shortcuts():
        yield


@pytest.fixture(autouse=True)
def log_put_back() -> Iterator[None]:
    """A server's log writes to what was standard error when it began, which ends with its test."""
    yield
    if (structlog := sys.modules.get("structlog")) is not None:
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """Skips without an engine, but fails where the test command promised one (GRADER_REQUIRE_DOCKER=1)."""
    if _engine_answers():
        return
    if os.environ.get("GRADER_REQUIRE_DOCKER") == "1":
        pytest.fail("no Docker engine answers, and this run must not go without: scripts/engine.sh start")
    pytest.skip("no Docker engine answers; `make test` starts one")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real notebooks (GRADER_CORPUS, else beside the checkout); skips where it is absent."""
    folder = Path(os.environ.get("GRADER_CORPUS", _CORPUS_BESIDE_CHECKOUT))
    if not (folder / "labels.yaml").is_file():
        pytest.skip("no corpus of real notebooks here; GRADER_CORPUS names its folder")
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """The socket's folder of a server of our own; skips where none is installed."""
    with postgresql.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Gives a place for marks at each call: tests that ask for it run on both kinds of database.

    A file is made by who opens it; a database on the server has its tables already.
    """
    if request.param == "sqlite":
        return lambda: str(tmp_path_factory.mktemp("database") / "grader.db")
    server = request.getfixturevalue("postgresql_server")
    return lambda: postgresql.migrated_database(server)


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """Where marks can be kept, with nothing in it: each test that asks for it runs on both kinds."""
    return new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database is still to be made, tables included, on both kinds."""
    if request.param == "sqlite":
        return str(tmp_path / "grader.db")
    return postgresql.fresh_database(request.getfixturevalue("postgresql_server"))


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision, also where its compiled part was built for another torch."""
    return usable_torchvision()


#: Files that take minutes, the longest first. Processes take files in this order (`make test`): with a long
#: one left for the end, one process works at it while the others have nothing to do.
_LONGEST = (
    "attacks/test_attacks.py",
    "attacks/test_defences.py",
    "acceptance/test_corpus.py",
    "attacks/test_forging.py",
    "acceptance/test_acceptance.py",
    "sandbox/test_limits.py",
    "browser/test_pages_in_a_browser.py",
    "functional/test_faults_in_real_sandboxes.py",
    "attacks/test_class.py",
    "functional/faults/test_faults.py",
    "sandbox/test_protocol.py",
    "browser/test_desk.py",
    "functional/test_rubric_trials.py",
)


def _when(item: pytest.Item) -> int:
    name = item.path.relative_to(Path(__file__).parent).as_posix()
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first; tests marked for an engine or the corpus get the fixture that asks for it."""
    items.sort(key=_when)
    for item in items:
        for marker, fixture in (("docker", "docker_engine"), ("corpus", "corpus")):
            if item.get_closest_marker(marker) and fixture not in item.fixturenames:
                # A list of its own: cases of one test share theirs, and not all of them may ask for it.
                item.fixturenames = [fixture, *item.fixturenames]

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.cli import execute
from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.store.signed_in import Comer
from grader.web.app import create_app
from grader.web.presence import Presence
from grader.web.roles import Role
from grader.web.sessions import Person, Sessions
from grader.web.site import Place, Server, Site
from grader.workflows.accounts.people import add_account
from tests import web_class
from tests.web_client import ORIGIN, Client

STUDENTS = 8

#: Signs somebody in and gives their browser; nobody where no role is named.
SignIn = Callable[..., Client]


@pytest.fixture(scope="session")
def class_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graded class; tests get a copy of it."""
    folder = tmp_path_factory.mktemp("class")
    web_class.write_class(folder, web_class.students_of(STUDENTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
            patch.delenv(name, raising=False)
        patch.setenv("GRADER_USER", "ann")
        patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: web_class.sandbox())
        assert execute(["run", "submissions", "--rubric", "cats", "--jobs", "1"]) == 0
    return folder


@pytest.fixture
def site(class_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """The desk of that class, with a history of its own."""
    shutil.copy(class_folder / "grader.db", tmp_path / "grader.db")
    with open_store(str(tmp_path / "grader.db"), evidence=class_folder / "grader.db.evidence") as store:
        place = Place((ORIGIN, "http://localhost:8310"))
        yield Site(store, Sessions(store), place, Reference(), Presence(store.clock), store.course)


@pytest.fixture
def other(class_folder: Path, tmp_path: Path) -> Iterator[Store]:
    """The same class as another course, with a history of its own."""
    shutil.copy(class_folder / "grader.db", tmp_path / "other.db")
    with open_store(str(tmp_path / "other.db"), evidence=class_folder / "grader.db.evidence") as store:
        store.name_course("vision", "Computer Vision")
        yield store


@pytest.fixture
def both(site: Site, other: Store) -> Server:
    """A server of two courses, the first of which knows who may come in."""
    beside = dataclasses.replace(site, store=other, presence=Presence(other.clock), course=other.course)
    return Server([site, beside])


@pytest.fixture
def enrolled(both: Server) -> SignIn:
    """Signs in an account that is in one of the two courses, by a role."""
    app = create_app(both)

    def enrolled(role: Role, course: str = "course", name: str = "ben") -> Client:
        client = Client(app)
        account = add_account(both.home.store, name, role, course=course)
        client.cookies[both.place.cookie] = both.sessions.begin(Comer(account=account.id))
        return client

    return enrolled


@pytest.fixture
def sign_in(site: Site) -> SignIn:
    app = create_app(site)

    def sign_in(role: Role | None = Role.INSTRUCTOR, name: str = "ann") -> Client:
        client = Client(app)
        if role is not None:
            answer = client.get(f"/login?token={site.sessions.link_for(Person(name, role))}")
            assert answer.status == 303
        return client

    return sign_in

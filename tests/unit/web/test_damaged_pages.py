"""Garbage in a row ends no page in a mistake of ours, and no blind reader is told what stood there."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.facts.case import Reference
from grader.store import open_store
from grader.store.models import Base
from grader.web.app import create_app, routes_of
from grader.web.guards import SAFE, handlers_of
from grader.web.pages import ROUTES
from grader.web.presence import Presence
from grader.web.rendering import asset
from grader.web.roles import Role
from grader.web.sessions import Person, Sessions
from grader.web.site import Place, Site
from grader.workflows.accounts.people import add_account, make_link
from tests import damaged
from tests.damaged import Damaged
from tests.web_client import COURSE, ORIGIN, Client

#: Pages asked for with each damaged column; in the soak all of them.
PAGES = 100 if os.environ.get("GRADER_SOAK") else 1
TABLES = sorted(Base.metadata.tables)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("damaged")
    with pytest.MonkeyPatch.context() as patch:
        damaged.write_class(folder, patch)
        shutil.move(folder / "grader.db", folder / "whole.db")
        yield folder


@contextmanager
def desk(folder: Path, cell: Damaged, role: Role = Role.INSTRUCTOR) -> Iterator[tuple[Site, Client]]:
    """The desk on a damaged database, and the browser of somebody who is signed in."""
    # A file of its own for each: what served the one before may still hold its own.
    database = folder / f"{next(_NUMBERS)}.db"
    damaged.damage(folder / "whole.db", database, cell)
    with open_store(str(database), evidence=folder / "grader.db.evidence", create=False) as store:
        site = Site(
            store, Sessions(store), Place((ORIGIN,)), Reference(), Presence(store.clock), store.course
        )
        client = Client(create_app(site))
        client.get(f"/login?token={site.sessions.link_for(Person('ann', role))}")
        yield site, client


def pages_of(site: Site) -> list[str]:
    """Every page that is read, filled in with the student whose row is damaged."""
    with_parts = {
        "{course:str}": COURSE, "{assignment:str}": "mini", "{criterion:str}": "why", "{student:str}": "s2",
        "{id:int}": "1", "{version:str}": asset("desk.css").version, "{name:str}": "desk.css",
        "{format:str}": "csv",
    }  # fmt: skip
    found = []
    for path, handler in handlers_of(routes_of(ROUTES, site)):
        if handler.http_methods & SAFE:
            for part, text in with_parts.items():
                path = path.replace(part, text)
            found.append(path)
    return sorted(found)


def _who(site: Site, page: str, staff: Client) -> Client:
    """Whoever may see a page: the student whose row is damaged their own."""
    if "/my" not in page:
        return staff
    account = add_account(site.store, "jane", Role.STUDENT, student="s2")
    student = Client(staff.app)
    student.get(f"/login?token={make_link(site.store, account, sets_password=False)}")
    return student


@pytest.mark.parametrize("table", TABLES)
def test_no_page_fails_on_a_damaged_row(whole: Path, table: str) -> None:
    turns = itertools.count(11 * TABLES.index(table))
    cells = [cell for cell in damaged.cells() if cell.table == table]
    pages: list[str] = []
    for number, (_, values) in enumerate(itertools.groupby(cells, key=lambda cell: cell.column)):
        each = list(values)
        cell = each[number % len(each)]
        try:
            with desk(whole, cell) as (site, client):
                pages = pages or pages_of(site)
                asked = [pages[next(turns) % len(pages)] for _ in range(min(PAGES, len(pages)))]
                answers = {page: _who(site, page, client).get(page) for page in asked}
        except GraderError as error:
            # The server does not start on it, which is told.
            assert error.todo, f"{cell}: {error}"
            continue
        for page, answer in answers.items():
            assert answer.status in (200, 303, 401, 404, 503), f"{cell}: {page}\n{answer.text[-1500:]}"


def test_a_blind_reader_is_not_told_what_stood_in_the_row(whole: Path) -> None:
    cell = Damaged("marks", "points", "s1 of Jane Doe")
    with desk(whole, cell, Role.TA) as (_, client):
        answers = [client.get(f"/c/{COURSE}/a/mini/{page}") for page in ("students", "waiting")]
    for answer in answers:
        assert "Jane Doe" not in answer.text
        assert answer.status in (200, 503)

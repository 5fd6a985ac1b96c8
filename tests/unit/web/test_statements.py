"""What one key costs, in statements to the database, so that nobody adds to it without knowing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import event

from grader.store import Store
from grader.web.asking import Asking
from grader.web.pages import grading
from grader.web.roles import Role
from grader.web.site import Site
from tests.unit.web.conftest import SignIn
from tests.unit.web.test_marking import GIVE, GRADE, field, give
from tests.web_class import WHY


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """All that is sent to the database meanwhile; transactions begin with a statement as well."""
    sent: list[str] = []

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        sent.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.database.engine, "before_cursor_execute", note)


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What pages would make ready after they were sent, to be run when a test says so."""
    waiting: list[Callable[[], None]] = []
    ready = grading._prepare

    def note(who: Asking, assignment: str, student: str, criterion: str) -> None:
        waiting.append(partial(ready, who, assignment, student, criterion))

    monkeypatch.setattr(grading, "_prepare", note)
    yield waiting


def test_the_next_item_is_ready_when_its_key_comes(
    site: Site, sign_in: SignIn, prepare: list[Callable[[], None]]
) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE)
    prepare.pop()()
    [following] = re.findall(r'id="next" href="([^"]+)"', shown.text)
    with statements(site.store) as sent:
        answer = client.ask("GET", following.replace("&amp;", "&"))
    assert field(answer, "student") == field(shown, "next")
    assert len(sent) <= 6, sent
    with statements(site.store) as sent:
        prepare.pop()()
    assert len(sent) <= 9, sent


def test_an_item_that_was_fetched_ahead_is_brought_up_to_date_by_little(
    site: Site, sign_in: SignIn, prepare: list[Callable[[], None]]
) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE, **{"x-ahead": "shown"})
    following = f"{GRADE}?student={field(shown, 'next')}"
    client.get(following, **{"x-ahead": "next"})
    with statements(site.store) as sent:
        answer = client.get(following, **{"x-ahead": "shown"})
    assert field(answer, "student") == field(shown, "next")
    # Who it is, and that nobody wrote anything.
    assert len(sent) <= 3, sent
    # The script asks for the one after by itself.
    assert prepare == []


def test_a_key_of_points_asks_and_writes_little(
    site: Site, sign_in: SignIn, prepare: list[Callable[[], None]]
) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    give(client, client.get(GRADE), points="1")
    shown = client.get(GRADE)
    prepare.pop()()
    with statements(site.store) as sent:
        given = give(client, shown)
    assert given.status == 303
    assert len(sent) <= 21, sent
    assert sum(not statement.startswith(("SELECT", "BEGIN")) for statement in sent) == 6, sent
    prepare.clear()
    with statements(site.store) as sent:
        answer = client.get(given.headers["location"])
    assert field(answer, "student") == field(shown, "next")
    assert len(sent) <= 12, sent
    assert GIVE in answer.text and WHY in answer.text
    prepare.pop()()
    with statements(site.store) as sent:
        following = give(client, answer, answer="page")
    assert field(following, "student") == field(answer, "next")
    assert len(sent) <= 31, sent

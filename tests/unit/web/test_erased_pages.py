"""Once somebody is erased, no page that was drawn of them is left in the server's memory."""

from __future__ import annotations

import threading

import pytest

from grader.store import Signature, Store, open_store
from grader.web.drawn import Drawn, DrawnByValue
from grader.web.roles import Role
from grader.web.site import Site
from tests.unit.web.conftest import SignIn
from tests.web_class import WHY


def erased_elsewhere(store: Store, student: str) -> None:
    """As `grader erase` does it in a process of its own."""
    with open_store(store.location, create=False) as other, other.writing() as history:
        history.erase(student, "asked for it", [], Signature("ann", other.clock(), "grader erase"))


def in_a_thread(store: Store) -> None:
    """Somebody else reads anything."""
    thread = threading.Thread(target=lambda: store.zone)
    thread.start()
    thread.join()


def student_of(store: Store) -> str:
    with store.reading() as history:
        return history.students("cats")[0]


def test_whoever_reads_next_lets_go_of_all_that_was_drawn(site: Site) -> None:
    store, drawn, own = site.store, site.drawn, site.own
    shows = object()
    own.get("page", lambda: "of them", erased=store.erased)
    drawn.get("page", shows, lambda: "of them", erased=store.erased)
    erased_elsewhere(store, student_of(store))
    # Nothing has been read since: then it is nobody's turn to know.
    assert own.get("page", lambda: "anew", erased=0) == "of them"
    in_a_thread(store)
    assert own.get("page", lambda: "anew", erased=store.erased) == "anew"
    assert drawn.get("page", shows, lambda: "anew", erased=store.erased) == "anew"


def test_who_reads_an_older_moment_leaves_nothing_behind(site: Site) -> None:
    store, shows = site.store, object()
    with store.moment():
        before = store.erased
        erased_elsewhere(store, student_of(store))
        in_a_thread(store)
        assert store.erased == before
        assert site.own.get("page", lambda: "of them", erased=before) == "of them"
        assert site.drawn.get("page", shows, lambda: "of them", erased=before) == "of them"
    assert site.own.get("page", lambda: "anew", erased=store.erased) == "anew"
    assert site.drawn.get("page", shows, lambda: "anew", erased=store.erased) == "anew"


def test_who_is_erased_by_this_process_is_let_go_of_as_well(site: Site) -> None:
    store = site.store
    site.own.get("page", lambda: "of them", erased=store.erased)
    with store.writing() as history:
        student = history.students("cats")[0]
        history.erase(student, "asked for it", [], Signature("ann", store.clock(), "a page"))
    assert site.own.get("page", lambda: "anew", erased=store.erased) == "anew"


def test_a_change_that_is_not_kept_drops_nothing_for_good(site: Site) -> None:
    store = site.store
    with pytest.raises(ZeroDivisionError), store.writing() as history:
        student = history.students("cats")[0]
        history.erase(student, "asked for it", [], Signature("ann", store.clock(), "a page"))
        raise ZeroDivisionError
    site.own.get("page", lambda: "of them", erased=store.erased)
    assert site.own.get("page", lambda: "anew", erased=store.erased) == "of them"


def test_an_answer_drawn_for_staff_is_let_go_of(site: Site, sign_in: SignIn) -> None:
    client, student = sign_in(Role.HEAD_TA, "cara"), student_of(site.store)
    path = f"/untrusted/a/cats/s/{student}/answer/{WHY}"
    assert client.get(path).status == 200
    assert site.drawn.names()
    erased_elsewhere(site.store, student)
    # Any page, of any course system's or person's, is enough.
    client.get("/queue")
    assert not site.drawn.names()


def test_what_is_dropped_belongs_to_one_database(site: Site, other: Store) -> None:
    kept, beside = DrawnByValue(), Drawn()
    other.when_erased(kept.forget)
    other.when_erased(beside.forget)
    kept.get("page", lambda: "theirs", erased=other.erased)
    erased_elsewhere(site.store, student_of(site.store))
    in_a_thread(site.store)
    assert other.erased == 0
    assert kept.get("page", lambda: "anew", erased=other.erased) == "theirs"

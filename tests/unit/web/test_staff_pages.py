"""The queue and the people of a course, each for those who may."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from grader.store import Ask, JobKey, Queue
from grader.store.roster import PersonRecord
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account
from grader.workflows.desk.queueing import queue_view
from grader.workflows.desk.steering import rerun
from grader.workflows.leasing.workers import workers_view
from tests.unit.web.conftest import SignIn


def ask(student: str, notebook: str) -> Ask:
    return Ask(JobKey(student, "cats", notebook * 64, "p", ""))


@pytest.fixture
def busy(site: Site) -> Iterator[Site]:
    """A notebook that a process has, and two that wait, one of them after its sandbox failed twice."""
    with Queue(site.store) as queue:
        with site.store.writing() as history:
            queue.enqueue(history, [ask("s1001", "a")], fresh=True)
        assert queue.claim() is not None
        with site.store.writing() as history:
            queue.enqueue(history, [ask("s1002", "b"), ask("s1003", "c")], fresh=True)
        with site.store.database.writing() as session:
            session.execute(text("UPDATE jobs SET tries = 2, error = 'no room' WHERE student = 's1003'"))
        yield site


def test_the_queue_says_what_waits_and_who_has_what(busy: Site, sign_in: SignIn) -> None:
    view = queue_view(busy.store)
    [jobs], [running], [failed] = view.jobs, view.running, view.failed
    [worker] = workers_view(busy.store, busy.store).processes
    assert (jobs.name, jobs.queued, jobs.claimed, view.queued) == ("cats", 2, 1, 2)
    assert (running.shown, running.lapsed) == ("s1001", False)
    assert running.where == worker.where and f"process {os.getpid()}" in worker.where
    assert (failed.shown, failed.tries, failed.error) == ("s1003", 2, "no room")
    assert (worker.alive, [job.shown for job in worker.jobs], view.at_work) == (True, ["s1001"], 1)
    # Eight notebooks of the class were run just now, each in no time from its claim to its end.
    assert (view.pace, jobs.takes, view.left) == (32, "under 1 s", "0 s")
    shown = sign_in().get("/queue").text
    assert "2 notebooks wait to be run" in shown and "failed 2×" in shown and "s1003" in shown


def test_a_process_that_says_nothing_more_is_told_as_gone(busy: Site, sign_in: SignIn) -> None:
    with busy.store.database.writing() as session:
        session.execute(text("UPDATE runs SET lease_until = 1"))
        session.execute(text("UPDATE jobs SET lease_until = 1 WHERE state = 'claimed'"))
    view = queue_view(busy.store)
    assert (view.at_work, view.running[0].lapsed) == (0, True)
    shown = sign_in().get("/queue").text
    assert "claim lapsed" in shown and "Nobody runs notebooks now" in shown
    assert "not heard of" in sign_in().get("/workers").text


@pytest.mark.parametrize("role", [Role.TA, Role.ADMIN])
def test_who_sees_no_names_sees_none_in_the_queue(busy: Site, sign_in: SignIn, role: Role) -> None:
    rerun(busy.store, (), "cats", ["s1004"], "s1004 asked", actor="ann")
    for path in ("/queue", "/workers"):
        shown = sign_in(role).get(path).text
        assert "anon-" in shown
        assert not any(student in shown for student in ("s1001", "s1002", "s1003", "s1004"))


def test_people_are_shown_with_their_roles_and_who_handed_in_nothing(both: Server, enrolled: SignIn) -> None:
    people = [PersonRecord(student="s1001", name="Ada L.", email="ada@x.org"), PersonRecord(student="s9999")]
    with both.home.store.writing() as history:
        history.replace_roster([(person, [f"id {person.student}"]) for person in people])
    add_account(both.home.store, "cara", Role.TA, course="vision")
    shown = enrolled(Role.INSTRUCTOR, name="ben").get("/people").text
    assert "Ada L." in shown and "ada@x.org" in shown and "ben" in shown and "cara" not in shown
    assert shown.count("nothing handed in") == 1


@pytest.mark.parametrize("role", [Role.TA, Role.HEAD_TA, Role.ADMIN, Role.STUDENT])
def test_people_are_for_the_instructor_and_the_auditor(sign_in: SignIn, role: Role) -> None:
    answer = sign_in(role).get("/people")
    assert answer.status == 403
    assert sign_in(Role.AUDITOR).get("/people").status == 200

"""The page of pre-checks: a student's own, without script, and how many a course gives."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.facts.case import Reference
from grader.store import Queue
from grader.store.signed_in import Comer
from grader.web.app import create_app
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account
from grader.workflows.running.events import Event, Finished
from grader.workflows.running.stopping import StopSignal
from grader.workflows.serving.service import Service, work_at_queues
from tests import course, web_class
from tests.web_client import Client, in_course

PAGE = in_course("/my/cats/pre-check")
PUBLIC = web_class.RUBRIC.replace("    section: names\n", "    public: true\n")


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Server:
    course.write_rubric(tmp_path / "rubrics", PUBLIC, "cats.yaml")
    return Server([dataclasses.replace(site, places=(tmp_path,))])


@pytest.fixture
def student(server: Server) -> Callable[[str], Client]:
    app = create_app(server)

    def student(name: str) -> Client:
        client = Client(app)
        account = add_account(server.home.store, name, Role.STUDENT, course="course", student=name)
        client.cookies[server.place.cookie] = server.sessions.begin(Comer(account=account.id))
        return client

    return student


@pytest.fixture
def seat(server: Server) -> Iterator[Queue]:
    with Queue(server.home.store, serves=True) as queue:
        yield queue


def run_one(server: Server) -> None:
    stop = StopSignal()

    def notify(event: Event) -> None:
        if isinstance(event, Finished):
            stop.press()

    service = Service([server.home.store], Reference(), server.home.places, None, False, "server", 30.0)
    work_at_queues(service, 1, open_sandbox=web_class.sandbox, notify=notify, stop=stop)


def test_a_student_sends_waits_and_reads_what_is_public_alone(
    server: Server, student: Callable[[str], Client], seat: Queue
) -> None:
    ann, ben = student("s1001"), student("s1002")
    assert "/my/cats/pre-check" in ann.ask("GET", in_course("/my/cats/hand-in")).text
    page = ann.ask("GET", PAGE)
    assert page.status == 200 and "5 of 5" in page.text and "Builtins are left alone" in page.text
    assert page.headers["cache-control"] == "private, no-store"
    sent = ann.send_file(f"{PAGE}/file", page.form_token, course.notebook("sum = 1 + 2"))
    assert (sent.status, sent.headers["location"]) == (303, PAGE)
    waiting = json.loads(ann.ask("GET", f"{PAGE}/progress").text)
    assert waiting["settled"] is False and "It is the next one" in waiting["html"]
    run_one(server)
    told = json.loads(ann.ask("GET", f"{PAGE}/progress").text)
    shown = ann.ask("GET", PAGE).text
    assert told["settled"] is True and "4 of 5" in shown
    for text in (told["html"], shown):
        assert "not as asked" in text and "<code>sum</code>" in text and "no mark" in text
        assert "validation" not in text and "2 other criteria" in text
    assert "not as asked" not in ben.ask("GET", PAGE).text
    assert "s1001" not in ben.ask("GET", PAGE).text
    with server.home.store.reading() as history:
        assert history.received_from("s1001", "cats") == []


def test_what_is_refused_is_said_above_the_form_and_counts_as_none(
    server: Server, student: Callable[[str], Client], seat: Queue
) -> None:
    client = student("s1001")
    token = client.ask("GET", PAGE).form_token
    refused = client.send_file(f"{PAGE}/file", token, b"%PDF-1.7 homework")
    assert refused.status == 422 and "Nothing was taken" in refused.text and "5 of 5" in refused.text
    assert client.send_file(f"{PAGE}/file", "wrong", course.notebook("x = 1")).status == 403


def test_without_anybody_who_runs_notebooks_the_page_says_so_in_plain_words(
    server: Server, student: Callable[[str], Client]
) -> None:
    page = student("s1001").ask("GET", PAGE)
    assert page.status == 200 and "Nothing that runs notebooks is at work here" in page.text
    assert 'type="file"' not in page.text


def test_an_instructor_says_how_many_there_are(
    server: Server, student: Callable[[str], Client], site: Site
) -> None:
    page = in_course("/a/cats/setup")
    desk = Client(create_app(server))
    account = add_account(site.store, "dean", Role.INSTRUCTOR, course="course")
    desk.cookies[server.place.cookie] = server.sessions.begin(Comer(account=account.id))
    shown = desk.ask("GET", page)
    assert "5 times within 24 hours" in shown.text and "as everywhere" in shown.text
    fields = (("form_token", shown.form_token), ("a_day", "0"))
    assert desk.post("/a/cats/setup/pre-checks", *fields).status == 303
    assert "Students get none" in desk.ask("GET", page).text
    assert student("s1001").ask("GET", PAGE).status == 404
    assert "pre-check" not in student("s1003").ask("GET", in_course("/my/cats/hand-in")).text
    bad = (("form_token", shown.form_token), ("a_day", "1000"))
    assert "cannot be given" in desk.post("/a/cats/setup/pre-checks", *bad).text

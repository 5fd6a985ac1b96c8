"""What the server tells of itself, and that no person is in it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from litestar import get
from sqlalchemy import text

from grader.errors import StoreUnavailable
from grader.facts.case import Reference
from grader.store import History
from grader.web.app import create_app
from grader.web.guards import permits
from grader.web.observed import set_up_log
from grader.web.pages import ROUTES
from grader.web.roles import Permission
from grader.web.serve import Opened, listen
from grader.web.site import Place, Server, Site
from tests.unit.web.conftest import SignIn
from tests.web_class import WHY
from tests.web_client import ORIGIN, Client


def metric(text: str, name: str) -> float:
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_answers_are_counted_by_route_and_what_waits_by_assignment(site: Site, sign_in: SignIn) -> None:
    client = sign_in()
    for student in ("s1001", "s1002"):
        assert client.get(f"/a/cats/s/{student}").status == 200
    client.get("/a/cats/s/nobody")
    client.get("/made/up/by/somebody")
    text = client.ask("GET", "/metrics").text
    route = 'method="GET",route="/c/{course}/a/{assignment}/s/{student}"'
    assert metric(text, f'grader_requests_total{{{route},status="200"}}') == 2
    assert metric(text, f'grader_requests_total{{{route},status="404"}}') == 1
    assert metric(text, 'grader_requests_total{method="GET",route="none",status="404"}') == 1
    assert metric(text, f"grader_request_seconds_count{{{route}}}") == 3
    assert metric(text, 'grader_queue_jobs{course="course",state="done"}') == 8
    assert metric(text, 'grader_waiting_answers{assignment="cats",course="course"}') == 16
    assert metric(text, 'grader_up{course="course",part="evidence"}') == 1
    with site.store.reading() as history:
        assert metric(text, 'grader_history_rows{course="course"}') == history.newest_row()
    assert "s1001" not in text and "nobody" not in text and "made" not in text and "ann" not in text


def test_metrics_are_for_the_machine_or_for_a_token(site: Site) -> None:
    token = "a-token-that-nobody-guesses"
    with_token = Client(create_app(Server([site], watch_token=token)))
    assert with_token.ask("GET", "/metrics").status == 401
    assert with_token.ask("GET", "/metrics", headers={"authorization": "Bearer other"}).status == 401
    assert with_token.ask("GET", "/metrics", headers={"authorization": f"Bearer {token}"}).status == 200
    proxied = Site(
        site.store, site.sessions, Place((ORIGIN, "https://desk.example.org")), site.reference,
        site.presence, site.course,
    )  # fmt: skip
    assert Client(create_app(proxied)).ask("GET", "/metrics").status == 401


def test_a_server_is_ready_while_all_that_it_needs_answers(
    site: Site, class_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(create_app(site))
    assert json.loads(client.ask("GET", "/readyz").text) == {
        "status": "ready", "database": "ok", "migrations": "ok", "evidence": "ok",
    }  # fmt: skip
    with site.store.database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = client.ask("GET", "/readyz")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert json.loads(answer.text)["migrations"] == "failed"


def test_evidence_that_is_gone_is_told(site: Site, class_folder: Path, tmp_path: Path) -> None:
    kept = class_folder / "grader.db.evidence"
    shutil.move(kept, tmp_path / "away")
    try:
        answer = Client(create_app(site)).ask("GET", "/readyz")
    finally:
        shutil.move(tmp_path / "away", kept)
    assert (answer.status, json.loads(answer.text)["evidence"]) == (503, "failed")


def test_a_database_that_is_away_is_answered_with_when_to_come_again(
    site: Site, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in()

    def away(*_: object) -> None:
        raise StoreUnavailable("the database server does not answer")

    monkeypatch.setattr(History, "counts", away)
    answer = client.get("/a/cats/waiting")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert client.ask("GET", "/healthz").status == 200


def test_a_line_of_the_log_names_the_route_and_nobody(
    sign_in: SignIn, capsys: pytest.CaptureFixture[str]
) -> None:
    client = sign_in()
    set_up_log("json")
    try:
        answer = client.get(f"/a/cats/grade/{WHY}?student=s1002")
    finally:
        set_up_log("none")
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["request"] == answer.headers["x-request-id"]
    assert (told["route"], told["status"], told["method"]) == (
        "/c/{course}/a/{assignment}/grade/{criterion}",
        200,
        "GET",
    )
    assert told["who"].startswith("link-") and told["ms"] >= 0
    assert not any(word in line for word in ("s1002", "student=", "ann", *client.cookies.values()))


def test_a_mistake_of_ours_is_told_by_its_place_and_not_in_its_words(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    @get("/broken", opt=permits(Permission.PUBLIC), sync_to_thread=False)
    def broken() -> str:
        raise ValueError("s1001 wrote this")

    set_up_log("json")
    try:
        answer = Client(create_app(site, [*ROUTES, broken])).ask("GET", "/c/course/broken")
    finally:
        set_up_log("none")
    failed = json.loads(capsys.readouterr().err.splitlines()[0])
    assert (answer.status, failed["error"], failed["route"]) == (500, "ValueError", "/c/{course}/broken")
    assert "test_watching.py" in failed["where"][-1]
    assert "s1001" not in json.dumps(failed) + answer.text


def test_what_is_being_answered_is_answered_before_the_server_ends(site: Site) -> None:
    begun = threading.Event()

    @get("/slow", opt=permits(Permission.PUBLIC), sync_to_thread=True)
    def slow() -> str:
        begun.set()
        time.sleep(0.3)
        return "all of it"

    with listen("127.0.0.1", 0) as listening:
        desk = Opened(site.store, Reference(), listening, pages=[slow])
        serving = threading.Thread(target=desk.run)
        serving.start()
        told: list[bytes] = []
        address = f"{desk.place.origins[0]}/c/course/slow"
        asking = threading.Thread(target=lambda: told.append(urlopen(address).read()))
        asking.start()
        assert begun.wait(30)
        desk.stop()
        serving.join(30)
        asking.join(30)
    assert told == [b"all of it"]
    assert not serving.is_alive()

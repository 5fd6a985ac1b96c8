"""Students hand in by their account or by a link, see what came by it, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from grader.store.signed_in import Comer
from grader.web import uploads
from grader.web.app import create_app
from grader.web.limits import UPLOADS
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account
from grader.workflows.handing_in.links import sign
from grader.workflows.handing_in.receipts import Receipt, verify
from tests import course, web_class
from tests.web_client import BOUNDARY, ORIGIN, Answer, Client, form_of, in_course

HAND_IN = in_course("/my/cats/hand-in")
RAW = course.notebook("print('mine')")
MOST = 200_000


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Server:
    course.write_rubric(tmp_path / "rubrics", web_class.RUBRIC, "cats.yaml")
    return Server([dataclasses.replace(site, places=(tmp_path,))], upload_bytes=MOST)


@pytest.fixture
def student(server: Server) -> Callable[..., Client]:
    """Signs in a student's account."""
    app = create_app(server)

    def student(name: str = "s1001") -> Client:
        client = Client(app)
        account = add_account(server.home.store, name, Role.STUDENT, course="course", student=name)
        client.cookies[server.place.cookie] = server.sessions.begin(Comer(account=account.id))
        return client

    return student


def link_of(server: Server, name: str = "s1001") -> str:
    store = server.home.store
    return f"/u/{sign(store, name, 'cats', store.clock() + timedelta(days=1))}"


def received(server: Server, name: str = "s1001") -> int:
    with server.home.store.reading() as history:
        return len(history.received_from(name, "cats"))


def test_a_student_hands_in_and_gets_a_receipt_that_holds(
    server: Server, student: Callable[..., Client]
) -> None:
    client = student()
    page = client.ask("GET", HAND_IN)
    assert page.status == 200 and "s1001" in page.text and "not by this page" not in page.text
    sent = client.send_file(f"{HAND_IN}/file", page.form_token, RAW)
    assert sent.status == 303, sent.text
    shown = client.ask("GET", sent.headers["location"])
    assert shown.status == 200 and "this file counts" in shown.text and "in the queue" in shown.text
    saved = client.ask("GET", f"{sent.headers['location']}/file")
    assert "attachment" in saved.headers["content-disposition"]
    receipt = Receipt.model_validate_json(saved.text)
    assert all(each.right for each in verify(server.home.store, receipt, RAW))
    told = json.loads(client.ask("GET", f"{HAND_IN}/progress").text)
    assert told["settled"] is False and "in the queue" in told["html"]
    again = client.ask("GET", HAND_IN)
    assert f"Receipt {receipt.row.row}" in again.text and "counts" in again.text


def test_another_students_receipts_and_names_are_in_no_page_of_theirs(
    server: Server, student: Callable[..., Client]
) -> None:
    ann, ben = student("s1001"), student("s1002")
    sent = ann.send_file(f"{HAND_IN}/file", ann.ask("GET", HAND_IN).form_token, RAW)
    place = sent.headers["location"]
    missing = re.sub(r"\d+$", "999999", place)
    for path in (place, f"{place}/file"):
        assert ben.ask("GET", path).status == 404
        assert ben.ask("GET", path).text == ben.ask("GET", path.replace(place, missing)).text
    for path in (HAND_IN, f"{HAND_IN}/progress", place):
        assert not re.search(r"s10(?!02)\d\d", ben.ask("GET", path).text.replace(place, ""))


def test_by_a_link_one_hands_in_and_sees_what_came_by_it_alone(
    server: Server, student: Callable[..., Client]
) -> None:
    by_account = student()
    own = by_account.send_file(f"{HAND_IN}/file", by_account.ask("GET", HAND_IN).form_token, RAW)
    seq = own.headers["location"].rpartition("/")[2]
    link, client = link_of(server), Client(create_app(server))
    page = client.ask("GET", link)
    assert page.status == 200 and f"receipts/{seq}" not in page.text and "not by this page" in page.text
    assert client.ask("GET", f"{link}/receipts/{seq}").status == 404
    sent = client.send_file(f"{link}/file", page.form_token, course.notebook("x = 1"))
    assert sent.status == 303 and sent.cookies == []
    shown = client.ask("GET", sent.headers["location"])
    assert "this file counts" in shown.text
    other = link_of(server, "s1002")
    assert client.ask("GET", sent.headers["location"].replace(link, other)).status == 404
    with server.home.store.reading() as history:
        newest = history.received_from("s1001", "cats")[-1]
    assert (newest.record.way, newest.by) == ("link", "s1001")


def test_whatever_is_wrong_with_a_link_the_answer_is_one(server: Server) -> None:
    client, link = Client(create_app(server)), link_of(server)
    store = server.home.store
    elsewhere = sign(store, "s1001", "cats", store.clock() + timedelta(days=1))
    store.name_course("vision")
    foreign = sign(store, "s1001", "cats", store.clock() + timedelta(days=1))
    store.name_course("course")
    changed = link[:-1] + ("A" if link[-1] != "A" else "B")
    answers = [client.ask("GET", path) for path in (changed, f"/u/{foreign}", "/u/x", "/u/x.y", f"{link}A")]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "none, or has ended" in answers[0].text
    assert client.ask("GET", f"/u/{elsewhere}").status == 200


def test_a_forged_form_is_refused_before_its_file_is_read(
    server: Server, student: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = student()
    token = client.ask("GET", HAND_IN).form_token
    monkeypatch.setattr(uploads, "uploaded", None)
    link = link_of(server)
    for answer in (
        client.send_file(f"{HAND_IN}/file", "wrong", RAW),
        client.send_file(f"{HAND_IN}/file", token, RAW, origin="https://evil.example"),
        client.send_file(f"{link}/file", token, RAW),
        client.ask(
            "POST", f"{HAND_IN}/file", body=b"form_token=" + token.encode(), headers={"origin": ORIGIN}
        ),
        _multipart(client, form_of(("file", "lab.ipynb", RAW), ("form_token", None, token.encode()))),
        _multipart(client, form_of(("form_token", "a.txt", token.encode()), ("file", "lab.ipynb", RAW))),
    ):
        assert answer.status == 403, answer.text
    assert received(server) == 0


def _multipart(client: Client, body: bytes, **headers: str) -> Answer:
    own = {"origin": ORIGIN, "content-type": f"multipart/form-data; boundary={BOUNDARY}"} | headers
    return client.ask("POST", f"{HAND_IN}/file", body=body, headers=own)


def test_what_is_no_single_file_is_refused_and_leaves_nothing(
    server: Server, student: Callable[..., Client]
) -> None:
    client = student()
    token = client.ask("GET", HAND_IN).form_token.encode()
    first, file = ("form_token", None, token), ("file", "lab.ipynb", RAW)
    whole = form_of(first, file)
    for body, status, said in (
        (form_of(first), 400, "breaks off"),
        (form_of(first, file, file), 422, "more than one file"),
        (form_of(first, file, ("other", None, b"x")), 422, "more than one file"),
        (form_of(first, ("other", "lab.ipynb", RAW)), 422, "no file"),
        (form_of(first, ("file", None, RAW)), 422, "no file"),
        (whole[:-30], 400, "breaks off"),
        (whole.replace(b"Content-Type", b"X" * 9000), 400, "cannot be read"),
        (form_of(first, ("file", "lab.ipynb", b"x" * (MOST + 1))), 413, "larger than"),
        (form_of(first, ("file", "lab.ipynb", b"")), 422, "the file is empty"),
        (form_of(first, ("file", "lab.pdf", b"%PDF-1.7")), 422, "a PDF"),
    ):
        answer = _multipart(client, body)
        assert (answer.status, said in answer.text) == (status, True), answer.text[-1500:]
    assert received(server) == 0
    refused = client.send_file(f"{HAND_IN}/file", token.decode(), b'{"cells": ')
    assert "What to do:" in refused.text and 'type="file"' in refused.text


def test_so_many_files_within_minutes_are_too_many(server: Server, student: Callable[..., Client]) -> None:
    client = student()
    token = client.ask("GET", HAND_IN).form_token
    for _ in range(UPLOADS.most):
        assert server.tries.take((UPLOADS, ("upload", "course", "s1001")))
    assert client.send_file(f"{HAND_IN}/file", token, RAW).status == 429
    assert received(server) == 0


def test_who_hands_in_nothing_here_has_no_such_page(server: Server, student: Callable[..., Client]) -> None:
    client = student()
    assert client.ask("GET", in_course("/my/lab9/hand-in")).status == 404


Pieces = Callable[[], AsyncIterator[Any]]


def _stream(client: Client, path: str, headers: dict[str, str], pieces: Pieces) -> tuple[int, int]:
    """Sends a body message by message; gives the status, and how many bytes were asked for."""
    taken, sent = 0, []
    source = pieces()

    async def receive() -> Any:
        nonlocal taken
        message = await anext(source)
        taken += len(message.get("body", b""))
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    own = {"host": urlsplit(ORIGIN).netloc, "origin": ORIGIN, "cookie": cookie}
    own["content-type"] = f"multipart/form-data; boundary={BOUNDARY}"
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {},
        "headers": [(name.encode(), text.encode()) for name, text in (own | headers).items()],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8310),
    }  # fmt: skip

    async def run() -> None:
        await client.app(scope, receive, send)  # type: ignore[arg-type]

    asyncio.run(run())
    return next(each["status"] for each in sent if each["type"] == "http.response.start"), taken


def without_name() -> set[Path]:
    """Files without a name that are open, in the temporary folder."""
    open_ones = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return {path for path in open_ones if path.is_relative_to(tempfile.gettempdir()) and "#" in path.name}


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails where a file without a name is still open, or one in the temporary folder stays."""
    before = without_name()
    yield
    assert not list(Path(tempfile.gettempdir()).glob("grader-upload-*"))
    assert without_name() <= before


def test_a_body_without_an_end_is_given_up_soon_after_the_limit(
    server: Server, student: Callable[..., Client], nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_DRAINED_BYTES", 100_000)
    client = student()
    token = client.ask("GET", HAND_IN).form_token.encode()
    start = form_of(("form_token", None, token), ("file", "lab.ipynb", b"")).partition(
        b"\r\n--" + BOUNDARY.encode() + b"--"
    )[0]

    async def endless() -> AsyncIterator[Any]:
        yield {"type": "http.request", "body": start, "more_body": True}
        while True:
            yield {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    status, taken = _stream(client, f"{HAND_IN}/file", {}, endless)
    assert status == 413 and taken < 2 * MOST + 500_000
    announced, taken = _stream(client, f"{HAND_IN}/file", {"content-length": str(4 * 1024**3)}, endless)
    assert (announced, taken) == (413, 0)
    assert received(server) == 0


def test_a_body_that_comes_too_slowly_or_breaks_off_is_given_up(
    server: Server, student: Callable[..., Client], nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_SILENCE_S", 0.05)
    client = student()
    token = client.ask("GET", HAND_IN).form_token.encode()
    whole = form_of(("form_token", None, token), ("file", "lab.ipynb", RAW))

    async def silent() -> AsyncIterator[Any]:
        yield {"type": "http.request", "body": whole[:-40], "more_body": True}
        await asyncio.Event().wait()

    async def gone() -> AsyncIterator[Any]:
        yield {"type": "http.request", "body": whole[:-40], "more_body": True}
        yield {"type": "http.disconnect"}

    assert _stream(client, f"{HAND_IN}/file", {}, silent)[0] == 408
    assert _stream(client, f"{HAND_IN}/file", {}, gone)[0] == 400
    monkeypatch.setattr(uploads, "_SILENCE_S", 20.0)
    monkeypatch.setattr(uploads, "_START_S", 0.0)
    monkeypatch.setattr(uploads, "_SLOWEST_BYTES_S", 1e12)
    assert _stream(client, f"{HAND_IN}/file", {}, silent)[0] == 408
    assert received(server) == 0

"""Photos are handed in on the same page as a notebook: several, or one zip; kept, receipted and collected."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from grader.cli import execute
from grader.errors import IntakeError
from grader.store.audit import audit
from grader.store.signed_in import Comer
from grader.web.app import create_app
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.accounts.people import add_account
from grader.workflows.handing_in.links import sign
from grader.workflows.handing_in.overview import handing_in
from grader.workflows.handing_in.pictures import pack
from grader.workflows.handing_in.receipts import Receipt, verify
from grader.workflows.photos.collect import collect_handed_in
from tests import course
from tests.photo_class import jpeg, zipped
from tests.web_client import BOUNDARY, ORIGIN, Answer, Client, form_of, in_course

HAND_IN = in_course("/my/hands/hand-in")
RUBRIC = """\
assignment: hands
title: "Lab 3 Part A: Hands"
total: 3
criteria:
  - id: all-letters
    title: A photo of each letter
    points: 3
    check: photo_count
    letters: AB
    each: 1
    asks: One photo each of A and B.
    hint: Count them.
"""


def photo(colour: str) -> bytes:
    return jpeg(Image.effect_noise((64, 64), 60).convert("RGB").point(lambda value: value + ord(colour) % 9))


A, B = photo("a"), photo("b")


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Server:
    course.write_rubric(tmp_path / "rubrics", RUBRIC, "hands.yaml")
    return Server([dataclasses.replace(site, places=(tmp_path,))], upload_bytes=500_000)


@pytest.fixture
def student(server: Server) -> Callable[..., Client]:
    app = create_app(server)

    def student(name: str = "s1001") -> Client:
        client = Client(app)
        account = add_account(server.home.store, name, Role.STUDENT, course="course", student=name)
        client.cookies[server.place.cookie] = server.sessions.begin(Comer(account=account.id))
        return client

    return student


def send(client: Client, *files: tuple[str, bytes], base: str = HAND_IN) -> Answer:
    token = client.ask("GET", base).form_token.encode()
    headers = {"origin": ORIGIN, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    body = form_of(("form_token", None, token), *(("file", name, raw) for name, raw in files))
    return client.ask("POST", f"{base}/file", body=body, headers=headers)


def receipt(client: Client, sent: Answer) -> Receipt:
    assert sent.status == 303, sent.text[-1500:]
    return Receipt.model_validate_json(client.ask("GET", f"{sent.headers['location']}/file").text)


def test_several_photos_are_one_receipt_that_their_student_can_check(
    server: Server, student: Callable[..., Client], tmp_path: Path
) -> None:
    client = student()
    form = client.ask("GET", HAND_IN).text
    assert "multiple" in form and "Your photos" in form
    sent = send(client, ("../b/s1001_B_1.jpg", B), ("s1001_A_1.jpg", A))
    said = receipt(client, sent)
    shown = client.ask("GET", sent.headers["location"]).text
    assert "<strong>2 photos</strong> are in it." in shown and "2 photos.zip" in shown
    assert "looks at the photos of all together" in shown
    store = server.home.store
    own = pack([("s1001_A_1.jpg", A), ("s1001_B_1.jpg", B)])
    assert all(each.right for each in verify(store, said, own))
    with store.reading() as history:
        assert [each for each in history.jobs() if each.assignment == "hands"] == []
    # Sent in another order it is the same, and stays in time.
    again = receipt(client, send(client, ("s1001_A_1.jpg", A), ("s1001_B_1.jpg", B)))
    assert again.sha256 == said.sha256
    assert handing_in(store, (tmp_path,), "s1001", "hands").counts == said.row.row
    assert audit(store).sound


def test_a_zip_is_kept_as_it_came_and_says_what_of_it_is_no_photo(student: Callable[..., Client]) -> None:
    client = student()
    raw = zipped([("A/1.jpg", A), ("notes.txt", b"x"), ("B.jpg", b"no picture"), ("__MACOSX/._A", b"")])
    sent = send(client, ("doe_1001.zip", raw))
    assert receipt(client, sent).size == len(raw)
    shown = client.ask("GET", sent.headers["location"]).text
    assert "<strong>1 photo</strong> is in it" in shown
    assert "notes.txt: it is no photo" in shown and "B.jpg: it is no picture" in shown
    assert "MACOSX" not in shown


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("lab.ipynb", course.notebook(course.GOOD))], "there is no photo in what came"),
        ([("A.jpg", b"")], "there is no photo in what came"),
        ([("A.jpg", A), ("A.jpg", B)], "two photos have the same name"),
        ([("a.zip", zipped([("b.zip", zipped([("A.jpg", A)]))]))], "a zip within the zip is not opened"),
        ([("a.zip", zipped([("../A.jpg", A)]))], "leads out of the archive"),
        ([("a.zip", b"PK\x03\x04 broken")], "cannot be opened as a zip"),
        ([("", b"")], "no photo was chosen"),
        ([(f"{each}.jpg", A) for each in range(300)], "larger than"),
    ],
)
def test_what_is_no_photos_is_refused_with_what_to_do(
    server: Server, student: Callable[..., Client], files: list[tuple[str, bytes]], said: str
) -> None:
    answer = send(student(), *files)
    assert answer.status in (413, 422) and said in answer.text, answer.text[-1500:]
    assert answer.status == 413 or "What to do:" in answer.text
    with server.home.store.reading() as history:
        assert history.received_on("hands") == []


def test_what_counts_at_the_server_is_collected_and_judged_as_it_came(
    server: Server, student: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server.home.store
    with pytest.raises(IntakeError, match="nobody handed in photos"):
        collect_handed_in(store, "hands", tmp_path / "photos")
    client = student()
    send(client, ("1001_A_1.jpg", B))
    sent = send(client, ("1001_A_1.jpg", A), ("1001_B_1.jpg", B))
    # By a link too, without an account.
    by_link = Client(create_app(server))
    base = f"/u/{sign(store, 's1002', 'hands', store.clock() + timedelta(days=1))}"
    assert send(by_link, ("1002_A_1.jpg", A), base=base).status == 303
    collected = collect_handed_in(store, "hands", tmp_path / "photos").collection
    assert {each.student: len(each.photos) for each in collected.students} == {"s1001": 2, "s1002": 1}
    monkeypatch.chdir(tmp_path)
    evidence = store.blobs.place
    common = ["--db", "grader.db", "--evidence", evidence]
    assert execute(["photos", "check", "photos", "--rubric", "hands", "--jobs", "1", *common]) == 0
    shown = handing_in(store, (tmp_path,), "s1001", "hands")
    # No other file counts for it, and it is the student's own receipt still.
    assert (shown.progress.state, shown.counts) == ("graded", int(sent.headers["location"].split("/")[-1]))
    with store.reading() as history:
        marks = {each.student: each.mark.points for each in history.results(assignment="hands") if each.mark}
    assert marks == {"s1001": 3.0, "s1002": 1.5}
    assert audit(store).sound
    # From the command as well, and a folder with what a student has beside their receipt.
    shutil.rmtree(tmp_path / "photos")
    assert execute(["photos", "collect", "--handed-in", "hands", "--into", "photos", *common]) == 0
    assert execute(["photos", "collect", "--into", "photos", *common]) == 2
    own = tmp_path / "mine"
    own.mkdir()
    for name, raw in (("1001_A_1.jpg", A), ("1001_B_1.jpg", B)):
        (own / name).write_bytes(raw)
    (tmp_path / "receipt.json").write_text(receipt(client, sent).as_json())
    assert execute(["receipt", "verify", "receipt.json", "mine", *common]) == 0
    (own / "1001_B_1.jpg").write_bytes(A)
    assert execute(["receipt", "verify", "receipt.json", "mine", *common]) == 1

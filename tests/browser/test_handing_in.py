"""Handing in with a real browser: by an account and by a link, with script and without, at 320 px."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.workflows.accounts.people import add_account, set_password
from grader.workflows.handing_in.links import sign
from grader.workflows.handing_in.pictures import packed_folder
from grader.workflows.handing_in.receipts import read_receipt, verify
from tests import course
from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import serious_barriers

PASSWORD = "green horse on the moon"
LATE = 'late: {due: "2090-03-11T12:00+00:00", per_day: 0.1, until: "2090-03-14T12:00+00:00"}\n'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    course.write_rubric(tmp_path / "rubrics", course.RUBRIC + LATE)
    with open_store(str(tmp_path / "grader.db")) as store:
        account = add_account(store, "s101", Role.STUDENT, student="s101")
        set_password(store, account, PASSWORD)
        yield store


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[Opened]:
    with listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening, places=[tmp_path], upload_bytes=100_000)
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        yield desk
        desk.stop()
        serving.join()


@pytest.fixture(params=[True, False], ids=["script", "plain"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param, viewport={"width": 320, "height": 800})
    yield context.new_page()
    context.close()


def test_a_student_hands_in_reads_why_not_hands_in_again_and_keeps_the_receipt(
    page: Page, desk: Opened, store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    scripted = "plain" not in request.node.name
    origin = desk.place.origins[0]
    answer = page.goto(f"{origin}/c/course/my/mini/hand-in")
    assert answer is not None and answer.status == 401
    page.fill("#login", "s101")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    assert page.locator("h1").inner_text() == "Hand in A small lab"
    assert page.locator(".in-time").inner_text() == "in time"

    pdf, notebook = tmp_path / "lab.pdf", tmp_path / "lab.ipynb"
    pdf.write_bytes(b"%PDF-1.7 ...")
    notebook.write_bytes(course.notebook(course.GOOD))
    page.set_input_files("#file", pdf)
    page.click("text=Hand in >> nth=-1")
    assert "a PDF" in page.locator("[role=alert]").inner_text()
    if scripted:
        large = tmp_path / "large.ipynb"
        large.write_bytes(b"x" * 100_001)
        page.set_input_files("#file", large)
        page.click("form.drop button")
        assert "too large" in page.locator("#said").inner_text()
        _drop(page, notebook)
        assert "is ready" in page.locator("#said").inner_text()
    else:
        page.set_input_files("#file", notebook)
    page.click("form.drop button")
    assert page.locator("h1").inner_text() == "Received: lab.ipynb"
    assert "it is the next one" in page.locator("#progress").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if scripted:
        assert serious_barriers(Shown(page)) == []
    with page.expect_download() as saving:
        page.click("text=Save the receipt")
    saved = tmp_path / "receipt.json"
    saving.value.save_as(saved)
    assert all(each.right for each in verify(store, read_receipt(saved), notebook.read_bytes()))

    signed = sign(store, "s101", "mini", store.clock() + timedelta(days=1))
    page.context.clear_cookies()
    page.goto(f"{origin}/u/{signed}")
    assert "Which file counts" in page.inner_text("main") and page.locator(".lines").count() == 0
    notebook.write_bytes(course.notebook(course.SHADOWING))
    page.set_input_files("#file", notebook)
    page.click("form.drop button")
    assert "this file counts" in page.inner_text("main")
    page.click("text=Hand in again")
    assert page.locator(".lines li").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if scripted:
        assert serious_barriers(Shown(page)) == []


PHOTOS = """\
assignment: hands
title: "Lab 3 Part A: Hands"
total: 1
criteria:
  - {id: letters, title: Letters, points: 1, check: photo_count, letters: AB, each: 1, asks: A., hint: B.}
"""


def test_a_student_chooses_several_photos_at_once(
    page: Page, desk: Opened, store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    course.write_rubric(tmp_path / "rubrics", PHOTOS, "hands.yaml")
    own = tmp_path / "mine"
    own.mkdir()
    for name in ("A_1.jpg", "B_1.jpg"):
        (own / name).write_bytes(b"\xff\xd8\xff" + name.encode())
    signed = sign(store, "s101", "hands", store.clock() + timedelta(days=1))
    page.goto(f"{desk.place.origins[0]}/u/{signed}")
    page.set_input_files("#file", [own / "B_1.jpg", own / "A_1.jpg"])
    if "plain" not in request.node.name:
        assert page.locator("#said").inner_text() == "2 files, 20 bytes, are ready to be handed in."
        assert serious_barriers(Shown(page)) == []
    page.click("form.drop button")
    assert "2 photos are in it." in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if folder := os.environ.get("GRADER_PICTURES"):
        page.screenshot(path=f"{folder}/photos-received.png", full_page=True)
    with page.expect_download() as saving:
        page.click("text=Save the receipt")
    saving.value.save_as(tmp_path / "receipt.json")
    receipt = read_receipt(tmp_path / "receipt.json")
    assert all(each.right for each in verify(store, receipt, packed_folder(own)))
    page.click("text=Hand in again")
    assert page.locator("input[multiple]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if folder:
        page.screenshot(path=f"{folder}/photos-form.png", full_page=True)


def _drop(page: Page, file: Path) -> None:
    """Lets a file fall onto the form."""
    make = """([name, text]) => {
        const moved = new DataTransfer();
        moved.items.add(new File([text], name));
        return moved;
    }"""
    moved = page.evaluate_handle(make, [file.name, file.read_text()])
    page.dispatch_event("form.drop", "drop", {"dataTransfer": moved})

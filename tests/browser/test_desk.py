"""The desk in a real browser: a TA at work by keys and without script; nothing of a student's runs."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from grader.cli import execute
from grader.facts.case import Reference
from grader.grading.requests import Kind
from grader.store import Store, open_store
from grader.web.roles import Role
from grader.web.serve import Opened as Desk
from grader.web.serve import listen
from grader.web.sessions import Person
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, open_request
from tests import web_class
from tests.attacks.model import CASES, load
from tests.unit.reporting.test_hostile_reports import CANARY, HOSTILE
from tests.web_class import CURVES, WHY
from tests.web_client import in_course

STUDENTS = 48
GRADE = f"/a/cats/grade/{WHY}"


@dataclass
class Seat:
    """Somebody signed in, in a browser of their own.

    Attributes:
        asked_for: Addresses outside the desk that a page asked for.
        complaints: What the console said.
    """

    page: Page
    origin: str
    asked_for: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.origin + in_course(path))
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        return self.page

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.origin + in_course("/")) or "/"


Sit = Callable[..., Seat]


EVERYTHING = "\n\n".join(HOSTILE)
SOURCES = "\n\n".join(
    source
    for path in sorted(CASES.glob("*.yaml"))
    for attack in load(path)
    for source in (attack.prelude, *attack.cells)
    if source
)
#: Hostile texts as prose, as code and as what a cell put out.
HOSTILES = [
    web_class.Handed("x1", EVERYTHING, code=EVERYTHING, described=EVERYTHING, shows=EVERYTHING),
    web_class.Handed("x2", SOURCES[:60_000], code=SOURCES, described="x", shows=SOURCES[:60_000]),
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grade_class(tmp_path_factory.mktemp("class"), web_class.students_of(STUDENTS))


def grade_class(folder: Path, class_: Sequence[web_class.Handed]) -> Path:
    web_class.write_class(folder, class_)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
            patch.delenv(name, raising=False)
        patch.setenv("GRADER_USER", "ann")
        patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: web_class.sandbox())
        assert execute(["run", "submissions", "--rubric", "cats", "--jobs", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grade_class(tmp_path_factory.mktemp("hostile"), HOSTILES)


@pytest.fixture
def store(graded: Path, tmp_path: Path) -> Iterator[Store]:
    """That class with a history of its own."""
    shutil.copy(graded / "grader.db", tmp_path / "grader.db")
    with open_store(str(tmp_path / "grader.db"), evidence=graded / "grader.db.evidence") as store:
        yield store


@pytest.fixture
def sit(store: Store, browser: Browser) -> Iterator[Sit]:
    with served(store, browser) as sit:
        yield sit


@contextmanager
def served(store: Store, browser: Browser) -> Iterator[Sit]:
    """Serves the desk and signs people in, each in a browser of their own."""
    contexts: list[BrowserContext] = []
    with listen("127.0.0.1", 0) as listening:
        desk = Desk(store, Reference(), listening)
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()

        def sit(
            name: str = "ann",
            role: Role = Role.INSTRUCTOR,
            *,
            script: bool = True,
            dark: bool = False,
            width: int = 1280,
        ) -> Seat:
            context = browser.new_context(
                java_script_enabled=script,
                color_scheme="dark" if dark else "light",
                viewport={"width": width, "height": 900},
            )
            contexts.append(context)
            seat = Seat(context.new_page(), desk.place.origins[0])
            _watch(seat)
            seat.page.goto(desk.link_for(Person(name, role)))
            assert seat.path == "/"
            return seat

        yield sit
        for context in contexts:
            context.close()
        desk.stop()
        serving.join()


def _watch(seat: Seat) -> None:
    context = seat.page.context
    context.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((seat.origin, "data:", "blob:"))
            else seat.asked_for.append(request.url)
        ),
    )
    context.on("console", lambda said: seat.complaints.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: seat.complaints.append(str(error.error)))
    context.add_init_script(f"window.{CANARY} = () => {{ window.ran = true }}")


def keys(seat: Seat, *pressed: str) -> None:
    """Presses keys, each on the page that the one before led to."""
    for key in pressed:
        seat.page.keyboard.press(key)
        seat.page.wait_for_load_state()


def turn(seat: Seat, *pressed: str) -> None:
    """Presses keys of which the last one leads to another page, and waits for it."""
    *first, last = pressed
    for key in first:
        seat.page.keyboard.press(key)
    with seat.page.expect_navigation():
        seat.page.keyboard.press(last)


def written(seat: Seat) -> None:
    """Waits until the server has said that what was decided by keys is written."""
    seat.page.wait_for_selector('.told[data-unsent="0"]', state="attached")


def marks(store: Store, criterion: str = WHY) -> dict[str, tuple[float, str, str]]:
    """What people decided, by student: points, comment and who."""
    with store.reading() as history:
        results = list(history.results(assignment="cats"))
    found = {}
    for result in results:
        mark = result.mark.criterion(criterion) if result.mark else None
        if mark is not None and mark.decision is not None:
            found[result.student] = (mark.points, mark.decision.why, mark.decision.by)
    return found


def test_a_ta_marks_one_criterion_for_a_class_by_keys_alone(sit: Sit, store: Store) -> None:
    seat = sit("ben", Role.HEAD_TA)
    seat.open("/a/cats/waiting")
    turn(seat, "j", "Enter")
    assert seat.path.startswith(GRADE)
    pressed, meant = 0, {}
    for place in range(STUDENTS):
        shown = seat.page.inner_text("#h-answer")
        given = [str(place % 6)] if place != 3 else ["h", "4"]
        turn(seat, *given)
        pressed += len(given)
        meant[shown] = (place % 6 if place != 3 else 4.5, "", "ben")
    assert "nothing waits" in seat.page.inner_text("main")
    assert marks(store) == meant
    assert len(meant) == STUDENTS
    assert pressed < 60
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_a_comment_goes_along_is_repeated_and_undone(sit: Sit, store: Store) -> None:
    seat = sit()
    seat.open(GRADE)
    first = seat.page.inner_text("#h-answer")
    keys(seat, "c")
    seat.page.keyboard.type("no 1 reason")
    turn(seat, "Escape", "3")
    second = seat.page.inner_text("#h-answer")
    turn(seat, ".")
    written(seat)
    assert marks(store) == {first: (3, "no 1 reason", "ann"), second: (3, "no 1 reason", "ann")}
    assert "no 1 reason" in seat.page.inner_text(".bank")
    turn(seat, "p")
    assert seat.page.inner_text("#h-answer") == second
    assert "Marked" in seat.page.inner_text(".finding")
    turn(seat, "u")
    assert set(marks(store)) == {first}
    assert seat.page.inner_text("#h-answer") == second
    turn(seat, "n")
    assert seat.page.inner_text("#h-answer") not in (first, second)
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_what_was_used_is_given_by_its_number_and_loading_again_sends_nothing(sit: Sit, store: Store) -> None:
    seat = sit()
    seat.open(GRADE)
    first = seat.page.inner_text("#h-answer")
    keys(seat, "c")
    seat.page.keyboard.type("no reason")
    turn(seat, "Escape", "3")
    second = seat.page.inner_text("#h-answer")
    turn(seat, "Shift+Digit1")
    written(seat)
    third = seat.page.inner_text("#h-answer")
    assert marks(store) == {first: (3, "no reason", "ann"), second: (3, "no reason", "ann")}
    assert seat.path.startswith(f"{GRADE}?next=")
    seat.page.reload()
    assert seat.page.inner_text("#h-answer") == third
    assert len(marks(store)) == 2
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_a_number_beyond_the_points_is_not_sent(sit: Sit, store: Store) -> None:
    seat = sit()
    seat.open(GRADE)
    keys(seat, "9")
    assert seat.page.input_value("#points") == "9"
    turn(seat, "Enter")
    assert "cannot be given" in seat.page.inner_text("[role=alert]")
    assert marks(store) == {}


def test_the_same_is_done_without_script(sit: Sit, store: Store) -> None:
    seat = sit(script=False)
    page = seat.open("/a/cats/waiting")
    page.click("text=Why a validation set is needed")
    first = page.inner_text("#h-answer")
    page.fill("#comment", "half of it")
    page.click(".points-row button:text-is('2')")
    second = page.inner_text("#h-answer")
    page.fill("#points", "2,5")
    page.press("#points", "Enter")
    assert marks(store) == {first: (2, "half of it", "ann"), second: (2.5, "", "ann")}
    page.click("#undo button")
    assert set(marks(store)) == {first}
    page.click("#flagging summary")
    page.fill("#note", "copied?")
    page.click("#flagging button")
    assert "copied?" in page.inner_text("#flagging")
    page.click("#flagging button")
    assert "copied?" not in page.inner_text("main")
    assert not page.locator("kbd:visible").count()


def test_two_tas_at_one_answer_lose_nothing(sit: Sit, store: Store) -> None:
    first, second = sit("ben", Role.HEAD_TA), sit("cara", Role.HEAD_TA)
    for seat in (first, second):
        seat.open(f"{GRADE}?student=s1004")
    turn(first, "1")
    written(first)
    keys(second, "c")
    second.page.keyboard.type("it is all there")
    turn(second, "Escape", "5")
    second.page.wait_for_selector("text=Somebody was faster")
    said = second.page.inner_text("main")
    assert "ben" in said and "1 points" in said and "it is all there" in said
    assert marks(store) == {"s1004": (1, "", "ben")}
    second.page.click("text=Give mine all the same")
    assert marks(store) == {"s1004": (5, "it is all there", "cara")}
    assert "409" in " ".join(second.complaints)
    with store.reading() as history:
        given = [
            row.record.points
            for row in history.timeline("s1004", "cats")
            if type(row.record).__name__ == "MarkRecord"
        ]
    assert given == [1, 5]


def test_one_decision_is_about_all_alike_and_undone_as_one(sit: Sit, store: Store) -> None:
    seat = sit()
    seat.open(GRADE)
    turn(seat, "a")
    assert seat.page.locator("[name=chosen]:checked").count() == STUDENTS // 4
    left_out = seat.page.locator("[name=chosen]").nth(1)
    left_out.uncheck()
    keys(seat, "c")
    seat.page.keyboard.type("all of you")
    turn(seat, "Escape", "2")
    given = marks(store)
    assert len(given) == STUDENTS // 4 - 1
    assert set(given.values()) == {(2, "all of you", "ann")}
    with store.reading() as history:
        newest = [history.timeline(student, "cats")[-1] for student in given]
    assert {row.seal.seq for row in newest} == {newest[0].seal.seq}
    assert {each.student for each in newest[0].record.about} == set(given)
    turn(seat, "u")
    assert marks(store) == {}
    assert (seat.asked_for, seat.complaints) == ([], [])


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_request_is_decided_after_its_effect_was_seen(sit: Sit, store: Store, script: bool) -> None:
    give_marks(store, "cats", [MarkOrder("s1005", WHY, 2.0, "too short")], actor="ben")
    [remark] = open_request(
        store, [Request("s1005", "cats", WHY, Kind.JUDGEMENT, "The reason is there.", True)], actor="s1005"
    )
    seat = sit("cara", Role.HEAD_TA, script=script)
    page = seat.open("/a/cats/remarks")
    page.click(f"a[href$='/remarks/{remark.id}']")
    assert "The reason is there." in page.inner_text("blockquote")
    page.fill("#points", "5")
    page.fill("#reason", "It is there, on the second line.")
    page.click("text=What would it do?")
    assert "2 → 5" in page.inner_text(".tried")
    # Looking decides nothing.
    assert marks(store) == {"s1005": (2, "too short", "ben")}
    page.click("button:text-is('Decide')")
    assert "closed" in page.inner_text("#main .decide")
    assert marks(store) == {"s1005": (5, "It is there, on the second line.", "cara")}
    assert (seat.asked_for, seat.complaints) == ([], [])


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_queue_is_paused_and_resumed_by_keyboard_alone(sit: Sit, store: Store, script: bool) -> None:
    seat = sit("cara", Role.HEAD_TA, script=script)
    page = seat.open("/queue")
    page.focus("#what")
    keys(seat, "Tab")
    page.keyboard.type("new GPUs")
    keys(seat, "Tab")
    turn(seat, "Enter")
    assert "The whole queue is paused." in page.inner_text("main")
    assert "new GPUs" in page.inner_text(".ordered")
    for _ in range(20):
        keys(seat, "Tab")
        if page.evaluate("document.activeElement.value") == "resume":
            break
    turn(seat, "Enter")
    assert not page.locator(".ordered").count()
    with store.reading() as history:
        assert [each.order.action.value for each in history.queue_orders(5)] == ["resume", "pause"]
    assert (seat.asked_for, seat.complaints) == ([], [])


@pytest.mark.parametrize("handed", HOSTILES, ids=["texts", "attacks"])
def test_nothing_that_a_student_handed_in_runs_or_fetches(
    browser: Browser, hostile: Path, handed: web_class.Handed
) -> None:
    with open_store(str(hostile / "grader.db")) as store, served(store, browser) as sit:
        seat = sit()
        for path in (
            f"{GRADE}?student={handed.student}",
            f"/a/cats/grade/{CURVES}?student={handed.student}",
            f"/untrusted/a/cats/s/{handed.student}/notebook",
            f"/a/cats/s/{handed.student}",
            f"/a/cats/compare?left=x1&right=x2&criterion={CURVES}",
            "/untrusted/a/cats/compare?left=x1&right=x2",
        ):
            page = seat.open(path)
            page.wait_for_load_state("load")
            inner = 1 if "/grade/" in path else 3 if path.startswith("/a/cats/compare") else 0
            if "/grade/" in path:
                # The next one is there as well, with its frame.
                ahead = page.frame_locator("main[hidden] iframe").locator("main.answer")
                ahead.wait_for(state="attached")
                inner += 1
            assert len(page.frames) == 1 + inner
            for frame in page.frames:
                assert handed.why[:20] not in path
                assert frame.evaluate("window.ran") is not True, path
                assert frame.title() != CANARY
        assert seat.asked_for == []
        assert [said for said in seat.complaints if "Content Security Policy" not in said] == []


def test_the_same_texts_run_where_nothing_holds_them_and_on_no_page_of_ours(sit: Sit) -> None:
    """So that the test above can fail; and the policy of pages alone stops what got into one."""
    seat, ran = sit(), 0
    harmful = [text for text in HOSTILE if "refresh" not in text]
    for text in harmful:
        seat.page.goto("about:blank")
        seat.page.set_content(f"<!doctype html><body>{text}")
        ran += seat.page.evaluate("window.ran === true")
    assert ran >= 5
    seat.open("/")
    for text in harmful:
        seat.page.set_content(f"<!doctype html><body>{text}")
        assert seat.page.evaluate("window.ran !== true"), text

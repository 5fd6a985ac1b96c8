"""Keys that wait for no page: the next item is there before, and nothing is lost, double or pretended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route

from grader.store import Store, open_store
from grader.web.roles import Role
from grader.workflows.desk.groups import groups_of
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.show import name_of
from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import barriers
from tests.browser.test_desk import Sit, served
from tests.large_class import ASSIGNMENT, MANUAL, fill

WHICH = MANUAL[1]
GRADE = f"/a/{ASSIGNMENT}/grade/{WHICH}"
POINTS = "**/give/**"
Mark = tuple[str, float, str, str]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    fill(folder, 24).close()
    return folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(filled / "grader.db", tmp_path / "grader.db")
    with open_store(str(tmp_path / "grader.db"), evidence=filled / "evidence") as store:
        yield store


@pytest.fixture
def sit(store: Store, browser: Browser) -> Iterator[Sit]:
    with served(store, browser) as sit:
        yield sit


def given(store: Store) -> list[Mark]:
    """Every mark of the criterion in the history, in order: whose, points, comment, by whom."""
    with store.reading() as history:
        rows = [
            (row.seal.seq, row.record, row.seal.actor)
            for student in history.students(ASSIGNMENT)
            for row in history.timeline(student, ASSIGNMENT)
            if type(row.record).__name__ == "MarkRecord" and row.record.criterion == WHICH
        ]
    return [
        (record.student, record.points, record.comment, by)
        for _, record, by in sorted(rows, key=lambda row: row[0])
    ]


def order_of(store: Store) -> list[str]:
    return [each.student for each in groups_of(store, ASSIGNMENT, WHICH).order]


def on_screen(page: Page) -> str:
    return page.inner_text("#h-answer")


def until_shown(page: Page, student: str) -> None:
    page.wait_for_selector(f"#h-answer:text-is('{student}')")


def until_next_is_there(page: Page, student: str = "") -> None:
    """The next item is there, hidden, with its frame."""
    main = f'main[hidden][data-student="{student}"]' if student else "main[hidden]"
    page.frame_locator(f"{main} iframe").locator("main.answer").wait_for(state="attached")


def until_written(page: Page) -> None:
    page.wait_for_selector('.told[data-unsent="0"]', state="attached")


def until_renewed(page: Page) -> None:
    page.wait_for_selector("main:not([hidden]):not([data-stale])")


@contextmanager
def held_back(page: Page, pattern: str = POINTS) -> Iterator[Callable[[], None]]:
    """Holds back what is sent, until what this gives is called."""
    routes: list[Route] = []
    held = [True]

    def take(route: Route) -> None:
        if held[0]:
            routes.append(route)
        else:
            route.continue_()

    def let_go() -> None:
        held[0] = False
        for route in routes:
            route.continue_()
        routes.clear()

    page.route(pattern, take)
    yield let_go
    page.unroute(pattern, take)


def test_ten_keys_without_waiting_are_ten_marks_in_order_and_none_twice(sit: Sit, store: Store) -> None:
    order = order_of(store)
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    for place in range(10):
        page.keyboard.press(str(place % 4))
    until_shown(page, order[10])
    until_written(page)
    assert given(store) == [(order[place], place % 4, "", "ben") for place in range(10)]
    assert barriers(Shown(page)) == []
    page.reload()
    assert on_screen(page) == order[10]
    assert len(given(store)) == 10
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_who_grades_blind_and_who_may_only_read_go_on_by_keys_as_well(sit: Sit, store: Store) -> None:
    order = order_of(store)
    shown = name_of(store, True)
    blind, auditor = sit("ben", Role.TA), sit("dora", Role.AUDITOR)
    sent: list[str] = []
    blind.page.on("response", lambda answer: sent.append(answer.url))
    page = blind.open(GRADE)
    for place in range(3):
        until_next_is_there(page, shown(order[place + 1]))
        page.keyboard.press(str(place))
    until_written(page)
    assert given(store) == [(order[place], place, "", "ben") for place in range(3)]
    assert on_screen(page) == shown(order[3])
    assert not [each for each in [page.content(), *sent] if any(student in each for student in order)]
    page = auditor.open(GRADE)
    until_next_is_there(page, order[4])
    page.keyboard.press("1")
    page.keyboard.press("n")
    assert on_screen(page) == order[4]
    until_renewed(page)
    assert len(given(store)) == 3
    for seat in (blind, auditor):
        assert (seat.asked_for, seat.complaints) == ([], [])


def test_two_clicks_in_a_row_are_about_one_item(sit: Sit, store: Store) -> None:
    first, second = order_of(store)[:2]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)
    page.dblclick(".points-row button:text-is('2')")
    until_written(page)
    assert on_screen(page) == second
    assert given(store) == [(first, 2, "", "ben")]


def test_a_server_of_another_version_brings_its_own_script(sit: Sit, store: Store) -> None:
    second, third, fourth = order_of(store)[1:4]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)

    def renamed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("/ahead.js", "/ahead.js?new"))

    page.route("**/grade/**", renamed)
    page.evaluate("window.isOld = true")
    page.keyboard.press("n")
    until_shown(page, second)
    assert page.evaluate("window.isOld") is True
    page.keyboard.press("n")
    until_shown(page, third)
    assert page.evaluate("window.isOld") is None
    page.evaluate("window.isOld = true")
    until_next_is_there(page, fourth)
    page.keyboard.press("n")
    assert on_screen(page) == fourth
    assert page.evaluate("window.isOld") is True
    until_renewed(page)
    until_next_is_there(page)
    page.unroute_all(behavior="wait")
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_points_are_given_to_the_last_of_the_class_and_nobody_after(sit: Sit, store: Store) -> None:
    order = order_of(store)
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(f"{GRADE}?student={order[5]}")
    for place in range(len(order) + 5):
        page.keyboard.press(str(place % 4))
    page.wait_for_selector("text=nothing waits")
    until_written(page)
    assert [(student, points) for student, points, *_ in given(store)] == [
        (student, place % 4) for place, student in enumerate([*order[5:], *order[:5]])
    ]
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_the_next_is_there_before_the_key_and_its_frame_too(sit: Sit, store: Store) -> None:
    order = order_of(store)
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, order[1])
    page.context.set_offline(True)
    page.keyboard.press("n")
    assert on_screen(page) == order[1]
    assert page.url.endswith(f"?student={order[1]}&before={order[0]}")
    assert page.title().startswith(order[1])
    assert page.evaluate("document.activeElement.id") == "h-answer"
    assert page.frames[1].url.endswith(f"/s/{order[1]}/answer/{WHICH}")
    assert page.frames[1].title() == f"Answer of {order[1]}"
    # What is not there is not shown, and nobody is sent to an error of the browser.
    page.keyboard.press("n")
    page.wait_for_selector(".told.bad")
    assert on_screen(page) == order[1]
    page.context.set_offline(False)
    page.keyboard.press("n")
    until_shown(page, order[2])
    page.wait_for_selector(f"#previous[href*='student={order[1]}&']")
    page.keyboard.press("p")
    until_shown(page, order[1])
    page.go_back()
    until_shown(page, order[2])
    page.go_back()
    until_shown(page, order[1])
    page.go_forward()
    until_shown(page, order[2])
    page.reload()
    assert on_screen(page) == order[2]
    assert given(store) == []


def test_who_has_the_next_fetched_is_not_there_yet(sit: Sit, store: Store) -> None:
    first, second = order_of(store)[:2]
    ben, cara = sit("ben", Role.HEAD_TA), sit("cara", Role.HEAD_TA)
    page = ben.open(f"{GRADE}?student={first}")
    until_next_is_there(page, second)
    # Whoever comes by points has it open as well, once they are there.
    assert "this open, too" not in cara.open(f"{GRADE}?student={second}").inner_text("main")
    page.keyboard.press("2")
    until_written(page)
    assert "cara has this open, too" in page.inner_text("main")
    # Back to whom the points were given, whoever waits before.
    assert f"student={first}&" in str(page.get_attribute("#previous", "href"))
    assert "ben has this open, too" in cara.open(f"{GRADE}?student={second}").inner_text("main")
    cara.open("/")
    until_next_is_there(page)
    page.keyboard.press("n")
    third = on_screen(page)
    until_renewed(page)
    assert "ben has this open, too" in cara.open(f"{GRADE}?student={third}").inner_text("main")


def test_what_somebody_decided_meanwhile_is_told_and_nothing_is_lost(sit: Sit, store: Store) -> None:
    first, second, third, fourth, fifth = order_of(store)[:5]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)
    seen = [MarkOrder(who, WHICH, 1.0, "as I see it") for who in (second, fourth)]
    give_marks(store, ASSIGNMENT, seen, actor="cara")
    theirs = [(who, 1, "as I see it", "cara") for who in (second, fourth)]
    with held_back(page) as let_go:
        page.keyboard.press("2")
        assert on_screen(page) == second
        until_next_is_there(page)
        page.keyboard.press("c")
        page.keyboard.type("rather this")
        page.keyboard.press("Escape")
        page.keyboard.press("3")
        until_shown(page, third)
        until_next_is_there(page)
        page.keyboard.press("0")
        until_shown(page, fifth)
        page.keyboard.press("c")
        page.keyboard.type("half a thou")
        assert "and 2 more" in page.inner_text(".told")
        assert given(store) == theirs
        let_go()
        page.wait_for_selector("text=Somebody was faster")
    until_written(page)
    said = page.inner_text("main")
    assert "as I see it" in said and "rather this" in said and "cara" in said
    assert "Nothing of yours was written" in said
    assert given(store) == [*theirs, (first, 2, "", "ben"), (third, 0, "", "ben")]
    assert barriers(Shown(page)) == []
    page.click("text=Look again")
    until_shown(page, second)
    assert (page.input_value("#comment"), page.input_value("#points")) == ("rather this", "3")
    page.goto(page.url.replace(second, fifth))
    assert page.input_value("#comment") == "half a thou"
    assert [said for said in seat.complaints if "409" not in said] == []
    # Whoever comes to the tab after another finds nothing of theirs.
    page.evaluate("sessionStorage.setItem('draft eve x s1', '{}')")
    kept = page.evaluate("sessionStorage.length")
    page.reload()
    assert page.evaluate("sessionStorage.length") == kept - 1
    page.click("text=Sign out")
    assert page.evaluate("sessionStorage.length") == 0


def test_everything_that_was_refused_is_told(sit: Sit, store: Store) -> None:
    first, second, third, fourth = order_of(store)[:4]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    with held_back(page) as let_go:
        for points, following in (("3", second), ("2", third), ("1", fourth)):
            until_next_is_there(page, following)
            page.keyboard.press(points)
            until_shown(page, following)
        # Everybody's was decided only after it was on screen.
        give_marks(
            store, ASSIGNMENT, [MarkOrder(who, WHICH, 0.0, "") for who in (first, third)], actor="cara"
        )
        let_go()
        page.wait_for_selector("text=Somebody was faster")
    until_written(page)
    assert f"{first}:" in page.inner_text("main")
    assert page.inner_text("[role=alert]").strip() == f"Not written: 1 point for {third} (look at it again)"
    assert given(store) == [(first, 0, "", "cara"), (third, 0, "", "cara"), (second, 2, "", "ben")]
    page.click("text=look at it again")
    until_shown(page, third)
    assert page.input_value("#points") == "1"


def test_whoever_sees_an_item_is_told_when_somebody_else_has_decided_it(sit: Sit, store: Store) -> None:
    first, second = order_of(store)[:2]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)
    give_marks(store, ASSIGNMENT, [MarkOrder(second, WHICH, 1.0, "")], actor="cara")
    page.keyboard.press("2")
    page.wait_for_selector("text=This was decided or judged otherwise meanwhile")
    assert on_screen(page) == second
    page.keyboard.press("3")
    page.wait_for_selector("text=Somebody was faster")
    assert given(store) == [(second, 1, "", "cara"), (first, 2, "", "ben")]


@pytest.mark.parametrize("reaches", [False, True], ids=["nothing arrives", "the answer is lost"])
def test_a_server_that_is_away_is_told_and_gets_each_decision_once(
    sit: Sit, store: Store, reaches: bool
) -> None:
    first, second = order_of(store)[:2]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)

    def lose(route: Route) -> None:
        if reaches:
            route.fetch()
        route.abort()

    page.route(POINTS, lose)
    page.keyboard.press("2")
    page.wait_for_selector(".told.bad")
    assert page.inner_text(".told").startswith(f"Not written yet: 2 points for {first}")
    assert on_screen(page) == second
    assert len(given(store)) == reaches
    # Leaving is asked about.
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_selector(".told.bad")
    page.evaluate("0")
    assert asked == ["beforeunload"]
    page.unroute(POINTS, lose)
    until_written(page)
    assert f"Written: 2 points for {first}" in page.inner_text(".told")
    assert given(store) == [(first, 2, "", "ben")]
    page.keyboard.press("1")
    until_written(page)
    assert given(store) == [(first, 2, "", "ben"), (second, 1, "", "ben")]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_takes_nothing_for_a_while_is_asked_again(sit: Sit, store: Store, status: int) -> None:
    first, second, third = order_of(store)[:3]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)

    def refuse(route: Route) -> None:
        route.fulfill(status=status, body="not now")

    page.route(POINTS, refuse)
    page.keyboard.press("2")
    page.wait_for_selector(".told.bad")
    until_next_is_there(page, third)
    page.keyboard.press("3")
    until_shown(page, third)
    assert page.locator('.told.bad[data-unsent="0"]').count() == 0
    assert given(store) == []
    page.unroute(POINTS, refuse)
    until_written(page)
    assert given(store) == [(first, 2, "", "ben"), (second, 3, "", "ben")]
    assert not page.locator(".told.bad").count()


def test_a_session_that_is_over_is_told_and_what_was_decided_is_there_afterwards(
    sit: Sit, store: Store
) -> None:
    first, second = order_of(store)[:2]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("2")
    page.wait_for_selector("text=Nobody is signed in here")
    assert f"Not written: 2 points for {first}" in page.inner_text("[role=alert]")
    assert given(store) == []
    page.context.add_cookies(cookies)
    page.click("text=look at it again")
    until_shown(page, first)
    assert page.input_value("#points") == "2"


def test_what_is_begun_outlives_answers_other_items_and_loading_again(sit: Sit, store: Store) -> None:
    first, second = order_of(store)[:2]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)
    with held_back(page) as let_go:
        page.keyboard.press("2")
        page.keyboard.press("c")
        page.keyboard.type("so far 2")
        let_go()
        until_written(page)
    until_renewed(page)
    assert page.evaluate("document.activeElement.id") == "comment"
    assert page.input_value("#comment") == "so far 2"
    assert "Undo 2 points" in page.inner_text("#undo")
    page.keyboard.press("Escape")
    until_next_is_there(page)
    page.keyboard.press("n")
    assert on_screen(page) != second
    page.keyboard.press("p")
    until_shown(page, second)
    assert page.input_value("#comment") == "so far 2"
    page.reload()
    assert page.input_value("#comment") == "so far 2"
    page.keyboard.press("1")
    until_written(page)
    assert given(store) == [(first, 2, "", "ben"), (second, 1, "so far 2", "ben")]
    page.goto(page.url.partition("?")[0] + f"?student={first}")
    assert page.input_value("#comment") == ""


def test_undo_and_repeat_are_of_what_was_pressed_last(sit: Sit, store: Store) -> None:
    first, second, third = order_of(store)[:3]
    seat = sit("ben", Role.HEAD_TA)
    page = seat.open(GRADE)
    until_next_is_there(page, second)
    with held_back(page) as let_go:
        page.keyboard.press("2")
        page.keyboard.press("1")
        until_shown(page, third)
        page.keyboard.press(".")
        let_go()
        page.wait_for_selector(f"#h-answer:not(:text-is('{third}'))")
        until_written(page)
    assert given(store) == [(first, 2, "", "ben"), (second, 1, "", "ben"), (third, 1, "", "ben")]
    until_next_is_there(page)
    with held_back(page) as let_go:
        page.keyboard.press("3")
        with page.expect_navigation(url=lambda url: "student=" in url):
            page.keyboard.press("u")
            let_go()
    with store.reading() as history:
        waits = {row.student for row in history.open_rows(ASSIGNMENT) if row.criterion == WHICH and row.waits}
    assert on_screen(page) in waits
    assert {first, second, third} & waits == set()
    assert (seat.asked_for, seat.complaints) == ([], [])

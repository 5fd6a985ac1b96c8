"""The rubric page in a real browser: changed, tried, published; sliders; the same without script."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from grader.cli import execute
from grader.reporting.text import number
from grader.store import Store
from grader.web.roles import Role
from grader.workflows.publishing.draft import standing_rubric
from grader.workflows.publishing.points import reckon
from tests.browser.conftest import Opened
from tests.browser.inspection import serious_barriers
from tests.browser.test_desk import STUDENTS, Sit, graded, sit, store
from tests.web_class import RUBRIC

__all__ = ["graded", "sit", "store"]

PAGE = "/a/cats/rubric"
DEARER = RUBRIC.replace("points: 2", "points: 4").replace("total: 12", "total: 14")
#: Every fifth of the class shadows a builtin.
RIGHT = STUDENTS - STUDENTS // 5


def exported(store: Store, folder: Path) -> dict[str, float]:
    """Points by the CSV that `grader export` writes."""
    out = folder / "marks.csv"
    assert execute(["export", "csv", "--assignment", "cats", "--db", store.location, "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8-sig") as file:
        return {row["student"]: float(row["points"]) for row in csv.DictReader(file)}


def on_pages(page: Page, at: str) -> dict[str, float]:
    """Points as the class list shows them."""
    page.goto(at)
    rows = page.locator(".class-list tbody tr")
    names = rows.locator("td:first-child a").all_inner_texts()
    points = rows.locator("td:last-child").all_inner_texts()
    return {
        name: float(text.split("/")[0].replace("–", "0")) for name, text in zip(names, points, strict=True)
    }


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_rubric_is_changed_tried_and_published_and_the_csv_equals_the_pages(
    sit: Sit, store: Store, tmp_path: Path, script: bool
) -> None:
    seat = sit(script=script)
    page = seat.open(PAGE)
    page.fill("#text", DEARER)
    if script:
        page.wait_for_selector("#confirm:not([hidden])")
    else:
        page.click("text=Try out")
        page.wait_for_selector("#trial .figures")
    assert page.inner_text("#trial .figures dd.good") == str(RIGHT)
    assert set(exported(store, tmp_path).values()) == {0.0, 2.0}
    page.click("#confirm")
    assert page.locator(".who-changes tbody tr").count() == RIGHT
    page.fill("#reason", "worth more")
    page.click("button:text-is('Publish')")
    page.wait_for_selector(".head-line >> text=Published at the desk by ann")
    assert "points: 4" in page.input_value("#text")
    marks = exported(store, tmp_path)
    assert set(marks.values()) == {0.0, 4.0} and len(marks) == STUDENTS
    shown = on_pages(page, seat.page.url.split("/a/")[0] + "/a/cats/students")
    assert len(shown) == STUDENTS and shown == marks
    published = standing_rubric(store, "cats").published
    assert published is not None and published.seal.why == "rubric published: worth more"
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_a_problem_stands_at_the_end_of_its_line_as_one_writes(sit: Sit, store: Store) -> None:
    seat = sit("ben", Role.TA)
    page = seat.open(PAGE)
    page.fill("#text", RUBRIC.replace("check: no_builtin_shadowing", "check: no_builtin_shadowed"))
    page.wait_for_selector(".notes .bad")
    assert "did you mean 'no_builtin_shadowing'?" in page.inner_text(".notes .bad em")
    marked = page.locator(".gutter .bad")
    assert marked.inner_text() == "✗ 12"
    height = page.evaluate("parseFloat(getComputedStyle(document.getElementById('text')).lineHeight)")
    line = page.locator(".notes .bad").bounding_box()
    text = page.locator("#text").bounding_box()
    assert line and text
    scrolled = page.evaluate("document.getElementById('text').scrollTop")
    place = (line["y"] - text["y"] + scrolled - 9) / height
    assert round(place) == 11
    page.click("#problems [data-goto='12']")
    chosen = page.evaluate(
        "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.getElementById('text'))"
    )
    assert chosen == "    check: no_builtin_shadowed"
    assert not page.locator("#confirm").count()
    page.fill("#text", DEARER)
    page.wait_for_selector("#trial .figures")
    assert "anon-" in page.inner_text("#trial") and "s100" not in page.inner_text("#trial")
    assert (seat.asked_for, seat.complaints) == ([], [])


def move(page: Page, criterion: str, points: float) -> None:
    """Moves a slider as a hand does."""
    page.locator(f"[data-for='w-{criterion}']").evaluate(
        "(slider, points) => { slider.value = points; slider.dispatchEvent(new Event('input')); }", points
    )


def test_sliders_reckon_what_the_server_would_and_go_into_the_text(sit: Sit, store: Store) -> None:
    seat = sit()
    page = seat.open(PAGE)
    move(page, "builtin-shadowing", 6)
    expected = reckon(store, "cats", {"builtin-shadowing": 6.0})
    page.wait_for_selector(f"#gain:text-is('{expected.gain}')")
    assert expected.gain == RIGHT
    assert page.inner_text("#mean-after") == number(expected.after.mean)
    assert page.inner_text("#total") == "16"
    most = max(*expected.before.counts, *expected.after.counts)
    heights = page.locator("#spread .bar-after").evaluate_all(
        "bars => bars.map(bar => Number(bar.getAttribute('height')))"
    )
    assert heights == pytest.approx([148 * each / most for each in expected.after.counts])
    page.click("text=Write into the text")
    page.wait_for_selector("#trial .figures")
    assert "points: 6" in page.input_value("#text") and "total: 16" in page.input_value("#text")
    assert (seat.asked_for, seat.complaints) == ([], [])


def test_a_move_of_a_slider_fits_into_a_frame_for_ten_thousand(sit: Sit) -> None:
    """Thirty frames that reckon a class of 10,000 by 31 criteria take no longer than thirty empty ones."""
    seat = sit()
    students, names = 10_000, ["builtin-shadowing", *(f"c{place}" for place in range(30))]
    shares = np.random.default_rng(3).integers(0, 65536, (students, 2 + 2 * len(names)), dtype="<u2")
    shares[:, :2] = 0
    head = json.dumps([{"criteria": names, "out_of": [2.0] * len(names), "bytes": shares.nbytes}])
    body = head.encode() + b"\n" + shares.tobytes()
    seat.page.route("**/rubric/shares", lambda route: route.fulfill(body=body))
    page = seat.open(PAGE)
    move(page, "builtin-shadowing", 7)
    page.wait_for_selector("#gain:not(:text-is('0'))")
    ratio = page.evaluate(
        """async () => {
          const slider = document.querySelector("[data-for='w-builtin-shadowing']");
          const frames = async (each) => {
            const began = performance.now();
            for (let turn = 0; turn < 30; turn += 1) {
              each(turn);
              await new Promise((go) => requestAnimationFrame(go));
            }
            return performance.now() - began;
          };
          const ratios = [];
          for (let turn = 0; turn < 7; turn += 1) {
            const nothing = await frames(() => {});
            const moved = await frames((turn) => {
              slider.value = turn % 10;
              slider.dispatchEvent(new Event("input"));
            });
            ratios.push(moved / nothing);
          }
          return Math.min(...ratios);
        }"""
    )
    assert ratio < 1.5
    assert (seat.asked_for, seat.complaints) == ([], [])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_its_pages_have_no_barrier_and_fit_a_phone(sit: Sit, store: Store, dark: bool) -> None:
    seat = sit(dark=dark, width=320)
    page = seat.open(PAGE)
    page.fill("#text", RUBRIC.replace("points: 2", "points: two"))
    page.wait_for_selector("#problems .bad")
    looked_at(page)
    page.fill("#text", DEARER)
    page.wait_for_selector("#confirm:not([hidden])")
    looked_at(page)
    page.click("#confirm")
    looked_at(page)
    page.fill("#reason", "worth more")
    page.click("button:text-is('Publish')")
    page.wait_for_selector("text=Published.")
    looked_at(page)
    assert (seat.asked_for, seat.complaints) == ([], [])


def looked_at(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(too_wide) <= 0, page.url
    assert serious_barriers(Opened(page)) == [], page.url

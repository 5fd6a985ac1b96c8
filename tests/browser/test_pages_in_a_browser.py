"""Reports and class summaries as a browser shows them, those of hostile notebooks included."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome, Output
from grader.facts.fields import Where
from grader.reporting import render_report, render_summary_html, summarise
from tests.attacks.model import CASES, load
from tests.browser.conftest import Opened, Opener
from tests.browser.inspection import assert_quiet_and_fitting, serious_barriers
from tests.factories import cell
from tests.unit.reporting import samples
from tests.unit.reporting.classes import RUBRIC, finding, shadowing, student, waiting
from tests.unit.reporting.test_hostile_reports import CANARY, HOSTILE, hostile_report


def hostile_summary(text: str) -> str:
    named = finding("builtin-shadowing", 0, data={"names": [{"name": text, "cell": 0, "line": 1}]})
    said = finding("sum-of-cubes", 0, message=f"{text} is wrong.", where=(Where(cell=0, line=1),))
    return render_summary_html(summarise(RUBRIC, [student(text, named, said, source=text)]))


def class_summary() -> str:
    results = [
        student(f"s{i}", finding("sum-of-cubes", i % 5), finding("builtin-shadowing", 2), waiting("explain"))
        for i in range(12)
    ]
    results += [student(f"t{i}", shadowing("sum"), source="sum = 0", wall_time_s=9.0 + i) for i in range(6)]
    return render_summary_html(summarise(RUBRIC, results))


def wide_report() -> str:
    """Everything that does not break by itself: long names, wide tables and formulas, deep output."""
    report = samples.report()
    assert report.bundle is not None
    row = "".join(f"<td>{'0.123456 ' if i % 2 else 'wide_column_name'}</td>" for i in range(30))
    table = f"|{' wide column |' * 12}\n|{' - |' * 12}\n|{' 0.12 |' * 12}"
    formula = "+".join(f"x_{{{i}}}" for i in range(90))
    outputs = samples.display(f"<table><tr>{row}</tr></table>")
    cells = (
        cell(
            0,
            f"# {'Title' * 40}\n\n$${formula}$$\n\nso ${formula}$\n\n{table}\n\n`{'a' * 300}`",
            kind="markdown",
        ),
        cell(1, f"{'name' * 80} = [{'1234, ' * 90}]").model_copy(update={"run": outputs}),
    )
    evidence = report.bundle.evidence.model_copy(update={"cells": cells})
    first, *others = report.rubric.criteria
    wide = first.model_copy(update={"title": "Criterion" * 15, "asks": f"${formula}$"})
    return render_report(
        replace(
            report,
            student="s" * 120,
            file=f"{'long' * 60}.ipynb",
            rubric=report.rubric.model_copy(update={"criteria": (wide, *others)}),
            bundle=Bundle(evidence, report.bundle.arrays),
        )
    )


@cache
def pages() -> dict[str, str]:
    everything = "\n".join(HOSTILE)
    return {
        "report": render_report(samples.report()),
        "report of a wide notebook": wide_report(),
        "report without evidence": render_report(
            replace(samples.report(), bundle=None, outcome=Outcome.SANDBOX_UNAVAILABLE)
        ),
        "report of a hostile notebook": render_report(hostile_report(everything)),
        "class summary": class_summary(),
        "summary of a hostile class": hostile_summary(everything),
    }


NAMES = [
    *("report", "report of a wide notebook", "report without evidence", "report of a hostile notebook"),
    *("class summary", "summary of a hostile class"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_needs_nothing_complains_of_nothing_and_fits(open_page: Opener, name: str) -> None:
    opened = open_page(pages()[name]).unfold()
    assert_quiet_and_fitting(opened)


def test_a_page_that_is_too_wide_would_be_noticed(open_page: Opener) -> None:
    page = open_page(f"<!doctype html><p>{'wide' * 400}", width=360).page
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") > 0


@pytest.mark.parametrize(
    ("name", "dark"), [*((name, False) for name in NAMES), ("report", True), ("class summary", True)]
)
def test_a_page_has_no_serious_barrier(open_page: Opener, name: str, dark: bool) -> None:
    opened = open_page(pages()[name], width=390, dark=dark).unfold()
    assert serious_barriers(opened) == []


def test_a_barrier_would_be_noticed(open_page: Opener) -> None:
    opened = open_page("<!doctype html><title>x</title><p style='color:#aaa'>pale</p><img src='data:,'>")
    assert {name for name, _ in serious_barriers(opened)} >= {"color-contrast", "image-alt"}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_hostile_notebook_runs_or_fetches(open_page: Opener, text: str) -> None:
    opened = open_page(render_report(hostile_report(text))).unfold()
    assert CANARY in opened.page.content()
    assert not opened.ran
    assert opened.asked_for == []
    assert opened.complaints == []


def test_following_every_link_of_a_hostile_notebook_runs_nothing(open_page: Opener) -> None:
    opened = open_page(pages()["report of a hostile notebook"]).unfold()
    here = opened.page.url
    links = follow_links(opened)
    assert len(links) >= 20
    assert [link for link in links if not link.startswith((f"{here}#", "https://", "http://"))] == []
    assert opened.page.url.partition("#")[0] == here
    assert not opened.ran


def test_a_link_that_runs_something_would_be_noticed(open_page: Opener) -> None:
    opened = open_page(
        f"<!doctype html><a href='javascript:{CANARY}()'>x</a><a href='http://x.example'>y</a>"
    )
    assert follow_links(opened) == [f"javascript:{CANARY}()", "http://x.example/"]
    assert opened.ran


def follow_links(opened: Opened) -> list[str]:
    """Where every link leads, each followed; no answer comes from outside, so that the page stays."""
    opened.page.route("**/*", lambda route: route.fulfill(status=204))
    links = opened.page.locator("a[href]")
    addresses = []
    for place in range(links.count()):
        addresses.append(links.nth(place).evaluate("link => (link.click(), link.href)"))
        opened.page.evaluate("new Promise(done => setTimeout(done))")
    return addresses


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_notebooks_of_the_attacks_are_inert_in_a_report(open_page: Opener, path: Path) -> None:
    """Each source as code, as prose and as what it would put out if it could."""
    sources = [source for attack in load(path) for source in (attack.prelude, *attack.cells) if source]
    cells = []
    for source in sources:
        run = samples.display(source)
        printed = Output(kind="stream", name="stdout", text=source)
        cells += [
            cell(len(cells), source, kind="markdown"),
            cell(len(cells) + 1, source).model_copy(
                update={"run": run.model_copy(update={"outputs": (*run.outputs, printed)})}
            ),
        ]
    report = samples.report()
    assert report.bundle is not None
    evidence = report.bundle.evidence.model_copy(update={"cells": tuple(cells)})
    page = render_report(replace(report, bundle=Bundle(evidence, report.bundle.arrays)))
    assert_quiet_and_fitting(open_page(page).unfold())


def test_unchecked_the_same_texts_would_run_and_fetch(open_page: Opener) -> None:
    """So that the tests above can fail."""
    harmful = [text for text in HOSTILE if "refresh" not in text]
    opened = [open_page(f"<!doctype html><body>{text}") for text in harmful]
    assert sum(each.ran for each in opened) >= 6
    assert sum(bool(each.asked_for) for each in opened) >= 6


def test_the_policy_alone_stops_scripts_that_got_into_the_page(open_page: Opener) -> None:
    head = pages()["report"].partition("<body>")[0]
    for text in HOSTILE:
        # A policy does not forbid to go to another page; that is kept out by the sanitiser.
        if "refresh" not in text:
            opened = open_page(f"{head}<body>{text}")
            assert not opened.ran
            assert opened.asked_for == []


def test_formulas_are_set_by_the_browser(open_page: Opener) -> None:
    page = open_page(pages()["report"]).page
    assert page.locator("math msub").count() > 0
    plain, raised = (page.locator(f"math {part}").first.bounding_box() for part in ("msub > mi", "msub"))
    assert raised["width"] > plain["width"], "the index stands beside its letter"


def test_links_from_a_finding_lead_to_its_cell(open_page: Opener) -> None:
    page = open_page(pages()["report"]).page
    page.locator("#c-fresh-weights figure.code a").first.click()
    assert page.url.endswith("#cell-8")
    assert page.locator("#cell-8").is_visible()


def test_the_reference_stands_beside_the_students_network_where_there_is_room(open_page: Opener) -> None:
    page = open_page(pages()["report"]).page
    own, asked = (page.locator("#c-small-net-parameters .layers").nth(place) for place in (0, 1))
    assert own.bounding_box()["y"] == asked.bounding_box()["y"]
    page.set_viewport_size({"width": 390, "height": 900})
    assert own.bounding_box()["y"] + own.bounding_box()["height"] <= asked.bounding_box()["y"]


def test_what_is_folded_on_the_screen_is_printed(open_page: Opener) -> None:
    page = open_page(pages()["report"]).page
    found = page.locator("#c-small-net-shape p").first
    assert not found.is_visible()
    page.emulate_media(media="print")
    assert found.is_visible()
    assert found.bounding_box()["height"] > 0


def test_a_report_prints_on_few_pages_with_all_its_findings(open_page: Opener) -> None:
    page = open_page(pages()["report"]).page
    page.emulate_media(media="print")
    assert page.locator("#c-conv2d").is_visible()
    assert not page.locator(".notebook .cell").first.is_visible()
    assert page.locator(".notebook .printed").is_visible()
    # It has something of everything, large pictures too; the sample course's labs print on 3 to 4 pages.
    assert 2 <= page.pdf(format="A4").count(b"/Type /Page\n") <= 8

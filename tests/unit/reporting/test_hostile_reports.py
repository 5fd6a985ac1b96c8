"""Whatever a student writes, names or prints: the page runs nothing, fetches nothing, hides nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.evidence.codec import Bundle
from grader.evidence.record import CellError, CellRecord, CellRun, ModuleRecord, Output, ProbeResult
from grader.evidence.training import DataSource, TrainingRun
from grader.facts.fields import Where
from grader.grading.late import LateLine
from grader.grading.verdict import Finding
from grader.judging.exhibits import (
    Call,
    CallGroup,
    Calls,
    CarriedRun,
    DataLanes,
    Exhibit,
    Names,
    NetworkTable,
    Pair,
    Part,
    Parts,
    PhotoNote,
    PhotoNotes,
    Prompt,
    RunTimeline,
    Table,
    UsedName,
    Window,
)
from grader.reporting import ReportInput, render_report
from grader.reporting.appendix import let_in
from grader.reporting.formulas import MATHML
from grader.reporting.markdown import markdown, message, sanitised
from grader.reporting.text import clean
from tests.factories import cell, marked, model
from tests.unit.reporting import samples

CANARY = "canary7391"

HOSTILE = [
    f"<script>document.title='{CANARY}'</script>",
    f"<img src=x onerror=\"document.title='{CANARY}'\">",
    f"<svg onload=\"document.title='{CANARY}'\"><script>{CANARY}()</script></svg>",
    f'<iframe src="https://{CANARY}.example/"></iframe>',
    f'<object data="https://{CANARY}.example/"></object><embed src="https://{CANARY}.example/">',
    f'<link rel="stylesheet" href="https://{CANARY}.example/x.css">',
    f"<style>body{{background:url(https://{CANARY}.example/)}} input[value^=a]{{}}</style>",
    f'<meta http-equiv="refresh" content="0;url=https://{CANARY}.example/">',
    f'<base href="https://{CANARY}.example/">',
    f'<form action="https://{CANARY}.example/"><input name=a autofocus onfocus={CANARY}()></form>',
    f"[click](javascript:{CANARY}()) [data](data:text/html,<script>{CANARY}()</script>)",
    f"![picture](https://{CANARY}.example/pixel.png)",
    f'<a href="vbscript:{CANARY}" style="position:fixed;inset:0" class="chip good" id="main">x</a>',
    f'"><script>{CANARY}()</script>',
    f"'-alert({CANARY})-'",
    f"</pre></code></style><script>{CANARY}()</script>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={CANARY}()>",
    f"{{{{ {CANARY} }}}} {{% include '{CANARY}' %}}",
    f"`</code><script>{CANARY}()</script>`",
    f"<details ontoggle={CANARY}() open>x</details><video autoplay src=https://{CANARY}.example/>",
]

ALLOWED_TAGS = {
    *MATHML,
    *("a", "article", "b", "blockquote", "body", "br", "caption", "circle", "code", "dd", "del", "details"),
    *(
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "head",
        "header",
        "hr",
        "html",
    ),
    *("i", "img", "li", "line", "main", "mark", "meta", "ol", "p", "polygon", "pre", "rect", "s", "section"),
    *("small", "span", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "text"),
    *("tfoot", "th", "thead", "title", "tr", "u", "ul"),
}


class Inspection(HTMLParser):
    """Collects what a browser could act upon."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.offences: list[str] = []
        self.styles = 0
        self.metas: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED_TAGS:
            self.offences.append(tag)
        self.styles += tag == "style"
        for name, value in attrs:
            self._look_at(tag, name, value or "")

    def _look_at(self, tag: str, name: str, value: str) -> None:
        allowed_link = value.startswith(("#", "https://", "http://", "mailto:"))
        if name.startswith("on") or name in ("style", "srcset", "action", "data", "srcdoc", "formaction"):
            self.offences.append(f"{tag} {name}")
        if name == "href" and not (tag == "a" and allowed_link):
            self.offences.append(f"{tag} href={value[:40]}")
        if name == "src" and not re.match(r"data:image/(png|jpeg|gif);base64,", value):
            self.offences.append(f"{tag} src={value[:40]}")
        if tag == "meta" and name == "http-equiv":
            self.metas.append(value)


def notebook(text: str) -> tuple[CellRecord, ...]:
    outputs = (
        Output(kind="stream", name="stdout", text=text),
        Output(kind="stream", name="stderr", text=text),
        Output(kind="execute_result", text=text, data={"text/html": text}),
        Output(kind="display_data", data={"image/svg+xml": f"<svg>{text}</svg>"}),
        Output(
            kind="display_data", data={"image/png": base64.b64encode(text.encode(errors="replace")).decode()}
        ),
        Output(kind="display_data", data={"application/javascript": text}),
        Output(kind="error", text=text),
    )
    error = CellError(type=text, message=text, line=1, traceback=text)
    run = CellRun(status="error", outputs=outputs, error=error, duration_s=2, cut=True)
    return (
        cell(0, f"# {text}\n\n{text}\n\n- {text}", kind="markdown"),
        cell(1, f"{text}\nsum = 1\n{text}", kind="code").model_copy(update={"run": run}),
        cell(2, text, kind="raw"),
    )


def hostile_run(run: TrainingRun, text: str) -> TrainingRun:
    return run.model_copy(
        update={
            "model": model(text, class_name=text),
            "optimizer": text,
            "cell": 1,
            "start": run.start.model_copy(update={"determined": False, "why": text}),
            "hyperparameters": {"lr": text},
        }
    )


def hostile_source(source: DataSource, text: str) -> DataSource:
    return source.model_copy(update={"names": (text, f"{text}2"), "dataset": text, "root": text})


def hostile_answer(answer: ProbeResult, text: str) -> ProbeResult:
    """A network whose class, name and layers the student named."""
    record = answer.record
    if not isinstance(record, ModuleRecord):
        return answer
    layers = tuple(layer.model_copy(update={"path": text, "type": text}) for layer in record.layers)
    steps = tuple(
        step.model_copy(update={"name": text, "layer": text if step.layer else None})
        for step in record.operations
    )
    named = {"name": text, "class_name": text, "layers": layers, "operations": steps}
    return answer.model_copy(update={"record": record.model_copy(update=named)})


def hostile_exhibits(text: str) -> tuple[Exhibit, ...]:
    call = Call(call=text, state="wrong", expected=text, got=[text, {text: text}], mistake=text)
    group = CallGroup(name=text, weight=1.0, credit=0.0, calls=(call,))
    return (
        Pair(found=text, expected=[text, 1, None]),
        Calls(function=text, groups=(group, group)),
        RunTimeline(carried=(CarriedRun(run=0, object=text, model_class=text),), reasons=(text,)),
        Names(names=(UsedName(name=text, cell=1, line=2),)),
        Parts(parts=(Part(name=text, state="wrong", expected=text, found=text, mistake=text, note=text),)),
        Table.of(text, [{text: text}]),
        Prompt(text=text),
        PhotoNotes(looked_at=1, notes=(PhotoNote(photo=text, about=text, text=text),)),
    )


def beside(finding: Finding, number: int) -> tuple[Exhibit, ...]:
    """What a finding had of the evidence; of several windows the first, as calls are drawn without one."""
    kept = (DataLanes, NetworkTable, Window) if number == 0 else (DataLanes, NetworkTable)
    return tuple(exhibit for exhibit in finding.exhibits if isinstance(exhibit, kept))


def hostile_report(text: str) -> ReportInput:
    """The sample with `text` wherever a student's words can come to stand."""
    report = samples.report()
    assert report.bundle is not None
    evidence = report.bundle.evidence
    training = evidence.training.model_copy(
        update={
            "runs": tuple(hostile_run(run, text) for run in evidence.training.runs),
            "sources": tuple(hostile_source(source, text) for source in evidence.training.sources),
        }
    )
    probes = {key: hostile_answer(answer, text) for key, answer in evidence.probes.items()}
    changed = evidence.model_copy(
        update={
            "cells": notebook(text),
            "training": training,
            "probes": probes,
            "outcome_detail": text,
            "anomalies": (text,),
        }
    )
    findings = tuple(
        finding.model_copy(
            update={
                "message": f"{text} `{text}`",
                "advice": text,
                "title": text,
                "where": (Where(cell=1, line=2), Where(cell=0), Where(cell=2, line=99), Where(cell=77)),
                "exhibits": (*hostile_exhibits(text), *beside(finding, number)),
            }
        )
        for number, finding in enumerate(report.mark.verdict.findings)
    )
    return replace(
        report,
        student=text,
        name=text,
        file=text,
        bundle=Bundle(changed, report.bundle.arrays),
        mark=marked(
            report.mark.verdict.model_copy(update={"findings": findings}),
            {"why-validation": (1, text)},
            late=LateLine(days=1, tokens=0, points=1, why=text),
            by=text,
        ),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_submission_leaves_the_page_inert(text: str) -> None:
    page = render_report(hostile_report(text))
    found = Inspection(page)
    assert CANARY in page, "the words are still shown, as text"
    assert found.offences == []
    assert found.styles == 1
    assert found.metas == ["Content-Security-Policy"]


@pytest.mark.parametrize("picture", ['class="lanes"', 'class="layers', 'class="runs"'])
def test_a_students_names_come_to_stand_in_every_picture(picture: str) -> None:
    page = render_report(hostile_report("harmless"))
    assert "harmless" in page.partition(picture)[2].partition("</figure>")[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_slips_through_the_exporter_is_not_let_into_the_page(text: str) -> None:
    for html in (text, f'<div class="cell" id="cell-1"><pre class="output">{text}</pre></div>'):
        assert Inspection(str(let_in(html))).offences == []


def test_the_inspection_sees_what_it_looks_for() -> None:
    assert len([text for text in HOSTILE if Inspection(text).offences]) >= 15


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=300))
def test_no_text_escapes_from_where_it_stands(text: str) -> None:
    page = render_report(hostile_report(text + "<script>"))
    assert Inspection(page).offences == []
    page.encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_html_and_messages_are_reduced_to_text_structure(text: str) -> None:
    for html in (markdown(text), sanitised(text), message(text)):
        assert Inspection(str(html)).offences == []


def test_links_in_messages_are_not_made_since_they_quote_students() -> None:
    assert "<a" not in message("see [this](https://example.org) and https://example.org")


def test_links_of_rubrics_stay_but_tell_no_referrer() -> None:
    html = markdown("[paper](https://arxiv.org/abs/1603.07285)")
    assert 'href="https://arxiv.org/abs/1603.07285"' in html
    assert "noreferrer" in html


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b1mbold\x9b0m", "bold"),
        ("\x1bPq#0;2;0;0;0\x1b\\after", "after"),
        ("\x1b]0;never closed\nnext line", "\nnext line"),
        ("bell\x07 back\x08space null\x00", "bell backspace null"),
        ("admin\u202e\u2066", "admin<U+202E><U+2066>"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("windows\r\nlines", "windows\nlines"),
    ],
)
def test_control_sequences_are_stripped_and_direction_overrides_shown(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text())
def test_cleaning_leaves_no_control_character_and_is_stable(text: str) -> None:
    cleaned = clean(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", cleaned)
    assert clean(cleaned) == cleaned


def test_a_table_of_pandas_stays_a_table() -> None:
    html = (
        '<div><style scoped>.x{}</style><table border="1" class="dataframe"><tr><td>1</td></tr></table></div>'
    )
    assert "<td>1</td>" in sanitised(html)
    assert "scoped" not in sanitised(html)

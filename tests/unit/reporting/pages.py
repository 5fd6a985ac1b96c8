"""A report as a reader of HTML finds it, and reports of the sample with one criterion judged anew."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from grader.reporting import ReportInput, render_report
from tests.factories import marked
from tests.unit.reporting import samples


class Outline(HTMLParser):
    """Headings with their levels, elements without an end, and the page's text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[tuple[int, str]] = []
        self.text = ""
        self.ids: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []
        self.links += [given["href"]] if given.get("href") else []
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if self._open and re.fullmatch(r"h[1-6]", self._open[-1]):
            level, before = self.headings[-1]
            self.headings[-1] = (level, before + data)


def section(page: str, criterion: str) -> str:
    return re.search(rf'<article[^>]*id="c-{criterion}".*?</article>', page, re.DOTALL)[0]


def first_list(report: ReportInput) -> list[str]:
    """What is to be looked at next, each in plain text."""
    found = re.search(r'<ol class="costs">.*?</ol>', render_report(report), re.DOTALL)
    items = re.findall(r"<li>(.*?)</li>", found[0] if found else "", re.DOTALL)
    return [Outline(item).text for item in items]


def judged_anew(criterion: str, **changes: object) -> ReportInput:
    """The sample report with one finding changed."""
    report = samples.report()
    findings = tuple(
        finding.model_copy(update=changes) if finding.criterion == criterion else finding
        for finding in report.mark.verdict.findings
    )
    return replace(report, mark=marked(report.mark.verdict.model_copy(update={"findings": findings})))

"""The class summary as a page, as text for a terminal, and as slides for the lecture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from grader.grading.points import add_up
from grader.reporting.pages import page
from grader.reporting.pictures.marks import histogram, success
from grader.reporting.summary import ClassSummary, CriterionLine
from grader.reporting.text import clean, count, duration, listed, number

__all__ = ["render_slides", "render_summary_html", "render_summary_text", "summary_parts"]

_ISSUES_IN_TEXT = 12
_ISSUES_ON_SLIDES = 8
_BAR = 30


def render_summary_html(summary: ClassSummary) -> str:
    """One self-contained page for the instructor; it names students."""
    return page("summary.html.j2", **summary_parts(summary))


def summary_parts(summary: ClassSummary) -> dict[str, Any]:
    """What the template of the summary needs, whatever frame it stands in."""
    return {
        "summary": summary,
        "histogram": histogram(summary.marks),
        "success": success,
        "percent": _percent,
        "left_out": _left_out(summary) if summary.marks.open else "",
    }


def render_summary_text(summary: ClassSummary) -> str:
    """The same in plain text, at most some 100 columns wide."""
    parts = (
        _head(summary),
        _distribution(summary),
        _issues(summary),
        _criteria(summary),
        _people(summary),
        _run(summary),
    )
    return clean("\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))) + "\n"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{round(100 * share)} %"


def _head(summary: ClassSummary) -> Iterator[str]:
    marks = summary.marks
    yield f"{summary.title}: {count(summary.submissions, 'submission')}, {marks.judged} judged"
    if marks.settled:
        yield (
            f"of {number(summary.out_of)} points: mean {number(marks.mean)}, median {number(marks.median)}, "
            f"middle half {number(marks.lower_quartile)} to {number(marks.upper_quartile)}, "
            f"lowest {number(marks.lowest)}, highest {number(marks.highest)}"
        )
    if marks.open:
        yield _left_out(summary)
    if summary.held:
        yield f"{count(summary.held, 'submission')} could not be taken; in no figure until a TA has decided"
    if summary.dropped:
        yield f"{count(summary.dropped, 'submission')} dropped by a person, and not counted here"
    if summary.excused:
        yield f"{count(summary.excused, 'student')} excused, and not counted here"
    waiting = add_up(line.pending for line in summary.waiting)
    if waiting:
        yield f"{count(waiting, 'point')} of these submissions still wait for TAs"
    if summary.remarks:
        yield f"{count(len(summary.remarks), 'remark request')} open: {listed(summary.remarks)}"


def _left_out(summary: ClassSummary) -> str:
    """What the figures are not of."""
    marks = summary.marks
    waiting = f"{count(marks.open, 'mark')} with points that wait for a TA"
    if not marks.settled:
        return f"no mark is settled yet, so there are no figures: {waiting}"
    return f"figures are of {count(marks.settled, 'settled mark')}; left out: {waiting}"


def _distribution(summary: ClassSummary) -> Iterator[str]:
    most = max((each.students for each in summary.marks.bins), default=0)
    if most:
        yield "Marks"
    for each in summary.marks.bins if most else ():
        bar = "█" * round(_BAR * each.students / most)
        yield f"  {number(each.low):>5} to {number(each.high):<5} {bar:<{_BAR}} {each.students}"


def _issues(summary: ClassSummary) -> Iterator[str]:
    if summary.issues:
        yield "Common issues"
    for rank, issue in enumerate(summary.issues[:_ISSUES_IN_TEXT], start=1):
        yield f"  {rank:>2}. {issue.title} ({count(issue.students, 'student')}, {_percent(issue.share)})"
        if issue.example:
            yield f"      {_one_line(issue.example)}"
        if issue.code:
            yield f"      e.g. {issue.code}"


def _criteria(summary: ClassSummary) -> Iterator[str]:
    yield "Criteria (full, part, none, waiting; mean)"
    for line in summary.criteria:
        yield (
            f"  {line.title[:52]:<52} {line.correct:>4} {line.partly:>4} {line.wrong:>4} {line.waiting:>4}  "
            f"{_percent(line.mean_share):>5}{_oddity(line)}"
        )


def _oddity(line: CriterionLine) -> str:
    return f"  ! {line.odd}" if line.odd else ""


def _people(summary: ClassSummary) -> Iterator[str]:
    if summary.standings:
        yield "Submissions to look at"
    for standing in summary.standings:
        more = f" (+{number(standing.pending)} open)" if standing.pending else ""
        yield f"  {standing.student}: {number(standing.points)}{more}, {standing.why}"


def _run(summary: ClassSummary) -> Iterator[str]:
    yield "Outcomes: " + ", ".join(f"{outcome.value} {times}" for outcome, times in summary.outcomes)
    if summary.median_time_s is not None:
        slowest = ", ".join(f"{student} {duration(seconds)}" for student, seconds in summary.slowest)
        yield f"Time: median {duration(summary.median_time_s)}; slowest {slowest}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def render_slides(summary: ClassSummary) -> str:
    """The common issues as Markdown slides, one each, ``---`` between them; no student is named."""
    title = f"# {_markdown(summary.title)}\n\nCommon issues in {count(summary.submissions, 'submission')}"
    slides = [title, *(_slide(summary, rank) for rank in range(len(summary.issues[:_ISSUES_ON_SLIDES])))]
    return clean("\n\n---\n\n".join(slides)) + "\n"


def _slide(summary: ClassSummary, rank: int) -> str:
    issue = summary.issues[rank]
    parts = [
        f"## {rank + 1}. {_markdown(issue.title)}",
        f"{count(issue.students, 'student')}, {_percent(issue.share)} of those judged",
    ]
    if issue.example:
        parts.append(f"> {_markdown(_one_line(issue.example))}")
    if issue.code:
        parts.append(f"```python\n{issue.code.replace('```', '')}\n```")
    if issue.hint:
        parts.append(_one_line(issue.hint))
    return "\n\n".join(parts)


def _markdown(text: str) -> str:
    """Text whose code spans stay code and whose other signs stay signs, so that nothing becomes markup."""
    return re.sub(
        r"`[^`]*`|[<>\[\]!]", lambda found: found[0] if found[0][0] == "`" else f"&#{ord(found[0])};", text
    )

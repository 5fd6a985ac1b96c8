"""One criterion as the report shows it: asked, found, expected, where, and how to check it oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from markupsafe import Markup
from pydantic import JsonValue

from grader.grading.marks import MARKED, CriterionMark, Decision
from grader.grading.verdict import Finding
from grader.judging.exhibits import CallGroup, Calls, Pair, exhibit_of
from grader.judging.judgement import Status
from grader.judging.nothing import NOTHING_HANDED_IN
from grader.reporting.cells import cells_by_name
from grader.reporting.code import Excerpt, excerpts
from grader.reporting.decided import Asked, Told, asked, told
from grader.reporting.model import ReportInput
from grader.reporting.pictures import pictures
from grader.reporting.text import count, first_sentences, number, plain, shortened
from grader.reporting.to_run import ToRun, to_run
from grader.rubric.model import Criterion

__all__ = ["FindingView", "Look", "look_for_staff", "look_of", "view"]

_EXCERPTS = 4
_VALUE_CHARACTERS = 300
_GIST_CHARACTERS = 240


@dataclass(frozen=True)
class Look:
    """How a status is worded and coloured for students."""

    tone: str
    word: str
    sign: str


_LOOKS = {
    Status.PASS: Look("good", "Correct", "✓"),
    Status.PARTIAL: Look("part", "Partly correct", "◐"),
    Status.FAIL: Look("bad", "Not correct", "✗"),
    Status.NEEDS_TA: Look("wait", "Your TA decides", "…"),
    Status.MISSING_EVIDENCE: Look("wait", "Not measured yet", "…"),
    Status.CHECK_ERROR: Look("wait", "Our fault, your TA decides", "…"),
}

#: What a check says then is for course staff: names of exceptions, expected values, commands to give.
_OUR_SIDE = {
    Status.MISSING_EVIDENCE: "This was not measured when our service ran the notebook.",
    Status.CHECK_ERROR: "Our program for this question failed, not your work.",
}


def look_of(item: CriterionMark) -> Look:
    """The status in words; after a TA's decision that it is one, coloured by what the points say."""
    if item.decision is None:
        return _LOOKS[item.finding.status]
    tone = _LOOKS[Status.PARTIAL if item.points > 0 else Status.FAIL]
    if item.points >= item.out_of:
        tone = _LOOKS[Status.PASS]
    return replace(tone, word="Marked by your TA")


#: For whoever judges it, where that is worded otherwise than for students.
_LOOKS_FOR_STAFF = {
    Status.NEEDS_TA.value: Look("wait", "A TA decides", "…"),
    Status.MISSING_EVIDENCE.value: Look("wait", "Not measured", "…"),
    Status.CHECK_ERROR.value: Look("wait", "The check failed", "…"),
}


def look_for_staff(status: str, points: float, out_of: float) -> Look:
    """The status of a criterion in words for course staff.

    Args:
        status: The finding's, or MARKED where a person has decided.
        points: That count.
        out_of: What they are out of.
    """
    if status != MARKED:
        return _LOOKS_FOR_STAFF.get(status) or _LOOKS[Status(status)]
    if points >= out_of:
        return Look("good", "Marked", "✓")
    return Look("part", "Marked", "◐") if points > 0 else Look("bad", "Marked", "✗")


@dataclass(frozen=True)
class FindingView:
    """What the template needs of one criterion.

    Attributes:
        lost: Points that went, neither earned nor pending.
        withheld: True while the rubric keeps expected values back.
        gist: The message's first sentences, for the first screen.
        advice: Markdown on how to mend or check it.
        reasons: Why points went or wait, one sentence each.
        more_places: Cells beyond the excerpts shown, by name.
        to_run: A cell that shows it again; None where there is none.
        told: What people decided, oldest first.
        asked: Remark requests about it.
        places: Numbers of all cells that it looks at.
        empty: Whether nothing was handed in for it: one line says so.
        read_by_a_person: Whether a TA gives the points whatever a program says.
    """

    id: str
    title: str
    look: Look
    points: float
    out_of: float
    pending: float
    lost: float
    asks: str
    message: str
    gist: str
    withheld: bool
    expected: str | None
    found: str | None
    excerpts: tuple[Excerpt, ...]
    more_places: tuple[str, ...]
    pictures: tuple[Markup, ...]
    advice: tuple[str, ...]
    reasons: tuple[str, ...]
    decision: Decision | None
    to_run: ToRun | None = None
    told: tuple[Told, ...] = ()
    asked: tuple[Asked, ...] = ()
    places: tuple[int, ...] = ()
    empty: bool = False
    read_by_a_person: bool = False

    @property
    def score(self) -> str:
        """``1.5 / 2``; a dash while nothing is decided, and words where there are none."""
        if not self.out_of:
            return "not marked"
        undecided = self.pending > 0 and self.pending >= self.out_of
        return f"{'–' if undecided else number(self.points)} / {number(self.out_of)}"

    @property
    def brief(self) -> bool:
        """Whether it is shown folded: full points and nothing to look at."""
        return self.look.tone == "good" and self.decision is None and not self.asked


def view(report: ReportInput, item: CriterionMark) -> FindingView:
    finding, decision = item.finding, item.decision
    criterion = report.criterion_of(finding)
    shows_expected = report.shows_expected(finding)
    empty = decision is None and _is_empty(finding)
    message = _message(item, criterion) if shows_expected else ""
    shown = () if empty else _excerpts(report, finding)
    expected, found = _pair(finding, shows_expected)
    return FindingView(
        id=finding.criterion,
        title=finding.title,
        look=look_of(item),
        points=item.points,
        out_of=item.out_of,
        pending=item.pending,
        lost=item.lost,
        asks=criterion.asks if criterion and not empty else "",
        message=_named(report, message),
        gist=_named(report, first_sentences(message, _GIST_CHARACTERS)),
        withheld=not shows_expected,
        expected=expected,
        found=found,
        excerpts=shown[:_EXCERPTS],
        more_places=tuple(_named(report, f"cell {excerpt.cell}") for excerpt in shown[_EXCERPTS:]),
        pictures=() if empty else pictures(report, finding),
        advice=() if empty else _advice(finding, criterion.hint if criterion else "", shows_expected),
        reasons=() if empty or _awaits_reading(finding, criterion) else _reasons(finding),
        decision=decision,
        to_run=to_run(report, item) if not empty else None,
        told=told(report, item),
        asked=asked(report, item.criterion),
        places=tuple(dict.fromkeys(place.cell for place in finding.where)),
        empty=empty,
        read_by_a_person=criterion is not None and criterion.check.by_a_person,
    )


def _is_empty(finding: Finding) -> bool:
    return finding.status is Status.FAIL and finding.message == NOTHING_HANDED_IN


def _named(report: ReportInput, text: str) -> str:
    return text if report.bundle is None else cells_by_name(text, report.bundle.evidence.cells)


def _message(item: CriterionMark, criterion: Criterion | None) -> str:
    """The check's words, but where these are for the TA: a manual prompt, and what failed on our side."""
    finding, decision = item.finding, item.decision
    if _awaits_reading(finding, criterion):
        waits = "A TA reads this part and gives the points; nothing is taken off before."
        waits = f"{waits} {finding.open}" if item.earlier else waits
        return "A TA read this part and gave the points." if decision else waits
    if finding.status in _OUR_SIDE:
        what = _OUR_SIDE[finding.status]
        return f"{what} A TA judged it instead." if decision else f"{what} That costs you nothing."
    return finding.message if decision else finding.told


def _awaits_reading(finding: Finding, criterion: Criterion | None) -> bool:
    return criterion is not None and criterion.check.by_a_person and finding.status is Status.NEEDS_TA


def _reasons(finding: Finding) -> tuple[str, ...]:
    """Where the points went: group by group where the check has groups, else in one sentence."""
    calls = exhibit_of(finding.exhibits, Calls)
    if finding.status is not Status.PASS and calls is not None:
        reason = partial(_group_reason, finding, calls.groups)
        told = [sentence for sentence in map(reason, calls.groups) if sentence]
        if len(told) > 1:
            return tuple(told)
    sentences = {
        Status.PARTIAL: f"{number(finding.points)} of {_of(finding)}: part of it is as asked.",
        Status.FAIL: f"0 of {_of(finding)}: none of it is as asked.",
        Status.NEEDS_TA: "A program cannot settle this; nothing is taken off before a TA has looked.",
        Status.MISSING_EVIDENCE: "Nothing is taken off; it will be measured, or a TA decides.",
        Status.CHECK_ERROR: "Nothing is taken off before a TA has looked.",
    }
    return (sentences[finding.status],) if finding.status in sentences else ()


def _of(finding: Finding) -> str:
    return count(finding.out_of, "point")


def _group_reason(finding: Finding, groups: Sequence[CallGroup], group: CallGroup) -> str:
    """``padding: 0 of 1.5``, by the group's part of the points."""
    total = sum(each.weight for each in groups)
    if not total or not group.weight:
        return ""
    worth = finding.out_of * group.weight / total
    return f"{group.name}: {number(worth * group.credit)} of {number(worth)}"


def _excerpts(report: ReportInput, finding: Finding) -> tuple[Excerpt, ...]:
    return () if report.bundle is None else excerpts(report.bundle.evidence.cells, finding.where)


def _pair(finding: Finding, shows_expected: bool) -> tuple[str | None, str | None]:
    """Expected and found; neither where both agree and points went for something else."""
    pair = exhibit_of(finding.exhibits, Pair)
    expected, found = (None, None) if pair is None else (_value(pair.expected), _value(pair.found))
    if expected == found and finding.status is not Status.PASS:
        return None, None
    return (expected if shows_expected else None), found


def _value(value: JsonValue) -> str | None:
    """Expected or found as text; long ones are for pictures and tables, not for a line."""
    if value is None or value == "" or isinstance(value, dict):
        return None
    return shortened(plain(value), _VALUE_CHARACTERS)


def _advice(finding: Finding, hint: str, shows_expected: bool) -> tuple[str, ...]:
    """The check's own advice, which may give the answer away, else the rubric's hint."""
    text = (finding.advice if shows_expected else "") or hint
    return (text,) if text else ()

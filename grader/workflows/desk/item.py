"""One criterion of one submission, with everything that whoever decides on it needs to see.

Reading one reads that student's rows and that attempt's evidence, and nothing of the rest of the class.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from grader.facts.case import Reference
from grader.grading.marks import CriterionMark, Decision, undone
from grader.grading.requests import State
from grader.grading.seen import Seen
from grader.grading.verdict import Finding
from grader.judging.exhibits import Exhibit, Pair, Prompt, exhibit_of
from grader.judging.judgement import Status
from grader.reporting.cells import cells_by_name
from grader.reporting.model import ReportInput
from grader.reporting.pictures import pictures
from grader.reporting.text import plain
from grader.rubric.model import Criterion
from grader.store import Result, Store
from grader.store.remarks import Remark
from grader.workflows.desk.answer import Answer, answer_to, case_of
from grader.workflows.desk.names import hidden_names
from grader.workflows.marking.marks import criterion_mark, graded_result
from grader.workflows.marking.seen import seen_in
from grader.workflows.views.held import why_held
from grader.workflows.views.report import NO_REFERENCE, report_input
from grader.workflows.views.show import name_of

__all__ = ["Asked", "FlagOn", "Found", "Item", "MarkMade", "RemarkOn", "read_item"]

#: Between the tags of markup.
_TEXT = re.compile(r"(?<=>)[^<>]+(?=<)")


@dataclass(frozen=True)
class Asked:
    """What the criterion is about.

    Attributes:
        asks: What was asked of the student, by the rubric, Markdown.
        given: What the handout says in that part, Markdown, as it stands in the student's own copy.
        look_for: What a TA is to look for.
        guide: What earns what, Markdown; for TAs only.
        hint: How a student can check it, Markdown.
    """

    title: str
    points: float
    asks: str
    given: tuple[str, ...]
    look_for: str
    guide: str
    hint: str


@dataclass(frozen=True)
class Found:
    """What the grader found, with cells by name.

    Attributes:
        message: True whoever decides.
        open: Why a person has to look.
        expected, found: Side by side as text; empty where the finding has no such pair.
        exhibits: What the check laid beside its words.
        figures: HTML and SVG of our own making, drawn from exhibits and evidence; safe to put into a page.
    """

    status: Status
    points: float
    pending: float
    message: str
    open: str
    expected: str
    found: str
    exhibits: tuple[Exhibit, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class MarkMade:
    """A mark that a person gave for this criterion.

    Attributes:
        seq: Its number in the history.
        points: None takes a mark back.
        request: The remark request that it answers.
        alike: How many submissions the same decision was about; 1 for a mark of its own.
        undoes: Number of the mark that it undid.
        undone: It was undone itself.
        counts: It is what counts now.
    """

    seq: int
    points: float | None
    by: str
    at: datetime
    comment: str
    request: int | None
    alike: int
    undoes: int | None
    undone: bool
    counts: bool


@dataclass(frozen=True)
class FlagOn:
    """A question to the head TA that stands on this criterion."""

    note: str
    by: str
    at: datetime


@dataclass(frozen=True)
class RemarkOn:
    """A remark request on this criterion, or on the sum where `about_sum`."""

    id: int
    state: State
    is_open: bool
    reason: str
    opened_at: datetime
    points_before: float
    about_sum: bool


@dataclass(frozen=True)
class Item:
    """One criterion of one submission.

    Attributes:
        student: As the history calls them; not for the page of whoever grades blind.
        shown: What to call them: the id, or a pseudonym.
        counts: Points that count now.
        waits: Points that wait for a person.
        status: The finding's, or MARKED where a person has decided.
        seen: What whoever reads this has on screen; a mark carries it, so that nothing newer is overwritten.
        held: Why the whole file could not be taken; empty where it could.
        in_group: For how many others the file counts, since their group handed it in.
    """

    assignment: str
    student: str
    shown: str
    criterion: str
    asked: Asked
    answer: Answer
    found: Found
    counts: float
    waits: float
    status: str
    marks: tuple[MarkMade, ...]
    remarks: tuple[RemarkOn, ...]
    flag: FlagOn | None
    seen: Seen
    attempt: int
    file: str
    late: bool
    held: str
    in_group: int

    @property
    def is_question(self) -> bool:
        """Whether a person decides by design, and the finding says nothing but that."""
        asked = exhibit_of(self.found.exhibits, Prompt) is not None
        return asked and self.found.status is Status.NEEDS_TA and not self.found.open


def read_item(
    store: Store,
    assignment: str,
    student: str,
    criterion: str,
    *,
    anonymous: bool = False,
    reference: Reference = NO_REFERENCE,
) -> Item:
    """Reads one criterion of one submission. Writes nothing.

    Args:
        store: Where the history and the evidence are.
        assignment: Which work.
        student: By id, pseudonym, login or name.
        criterion: Its id.
        anonymous: Whether the student goes by a pseudonym, also in what they wrote and printed.
        reference: The course's networks, to show beside the student's.

    Raises:
        RefusedError: The submission is dropped.
        UsageError: Student or criterion is unknown, or there is no verdict yet.
        LetGoError: The course let go of the recording.
        StoreError: The evidence is gone or was changed.
        EvidenceError: The evidence does not fit this version.
        RubricError: This version no longer knows the rubric.
    """
    with store.reading() as history:
        result = graded_result(history, student, assignment)
        asked = history.remarks(assignment=assignment, student=result.student)
        flags = history.flags(assignment=assignment, student=result.student)
        hide = hidden_names(history, result) if anonymous else _as_it_is
        sharers = history.sharers(assignment, result.student, result.submission.notebook)
    shown = name_of(store, anonymous)(result.student)
    mark = criterion_mark(result, criterion)
    report = report_input(store, result, reference=reference, appendix=False, remarks=asked, remakes=False)
    assert report is not None and result.attempt is not None and result.rubric is not None
    # Where the course let go of it a report does without; here there is nothing to look at, and that is told.
    bundle = report.bundle or store.evidence(result.attempt)
    loaded = store.rubric(result.rubric)
    line = next(item for item in loaded.rubric.criteria if item.id == criterion)
    answer = answer_to(case_of(loaded, bundle, line), line, mark.finding, loaded.handout, hide=hide)
    remarks = tuple(_remark(each, hide) for each in asked if each.criterion in (criterion, ""))
    flag = next((FlagOn(each.note, each.by, each.at) for each in flags if each.criterion == criterion), None)
    return _item(result, shown, line, answer, _found(report, mark, hide), remarks, flag, len(sharers))


def _as_it_is(text: str) -> str:
    return text


def _item(
    result: Result,
    shown: str,
    line: Criterion,
    answer: Answer,
    found: Found,
    remarks: tuple[RemarkOn, ...],
    flag: FlagOn | None,
    in_group: int,
) -> Item:
    mark = criterion_mark(result, line.id)
    attempt = result.attempt
    assert attempt is not None
    made = [decision for decision in result.decisions if decision.criterion == line.id]
    return Item(
        assignment=result.assignment,
        student=result.student,
        shown=shown,
        criterion=line.id,
        asked=_asked(line, answer, mark.finding),
        answer=answer,
        found=found,
        counts=mark.points,
        waits=mark.pending,
        status=mark.status,
        marks=_marks(result, shown, made, mark.decision),
        remarks=remarks,
        flag=flag,
        seen=seen_in(result, mark),
        attempt=attempt.number,
        file="" if shown != result.student else result.submission.path.rpartition("/")[2],
        late=result.submission.late,
        held=why_held(result),
        in_group=in_group,
    )


def _asked(line: Criterion, answer: Answer, finding: Finding) -> Asked:
    prompt = exhibit_of(finding.exhibits, Prompt)
    prompts = [str(getattr(part, "prompt", "")).strip() for part in line.check.parts()]
    look_for = "\n".join(filter(None, prompts)) or (prompt.text if prompt is not None else "")
    return Asked(line.title, line.points, line.asks, answer.given, look_for.strip(), line.guide, line.hint)


def _found(report: ReportInput, mark: CriterionMark, hide: Callable[[str], str]) -> Found:
    finding = mark.finding
    cells = report.bundle.evidence.cells if report.bundle is not None else ()
    pair = exhibit_of(finding.exhibits, Pair)
    return Found(
        status=finding.status,
        points=finding.points,
        pending=finding.pending,
        message=hide(cells_by_name(finding.message, cells)),
        open=hide(cells_by_name(finding.open, cells)),
        expected="" if pair is None or pair.expected is None else plain(pair.expected),
        found="" if pair is None or pair.found is None else hide(plain(pair.found)),
        exhibits=finding.exhibits,
        figures=tuple(_hidden(str(figure), hide) for figure in pictures(report, finding)),
    )


def _hidden(figure: str, hide: Callable[[str], str]) -> str:
    """A figure whose texts hide what `hide` hides; its markup stays, whatever a student is called."""
    return _TEXT.sub(lambda found: hide(found[0]), figure)


def _marks(
    result: Result, shown: str, made: list[Decision], standing: Decision | None
) -> tuple[MarkMade, ...]:
    gone = undone(made)
    return tuple(
        MarkMade(
            seq=decision.seq,
            points=decision.points,
            by=shown if decision.by == result.student else decision.by,
            at=decision.at,
            comment=decision.why,
            request=decision.request,
            alike=decision.alike,
            undoes=decision.undoes,
            undone=decision.seq in gone,
            counts=decision == standing,
        )
        for decision in sorted(made, key=lambda decision: decision.seq)
    )


def _remark(remark: Remark, hide: Callable[[str], str]) -> RemarkOn:
    return RemarkOn(
        id=remark.id,
        state=remark.state,
        is_open=remark.state.is_open,
        reason=hide(remark.reason),
        opened_at=remark.opened_at,
        points_before=remark.points_before,
        about_sum=not remark.criterion,
    )

"""A class of students with chosen results, for the class summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.checks.code.no_builtin_shadowing import NoBuiltinShadowing
from grader.checks.manual import Manual
from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.facts.fields import Where
from grader.grading.late import LateLine
from grader.grading.verdict import Finding, Verdict
from grader.judging.exhibits import Call, CallGroup, Calls, Names, UsedName
from grader.judging.judgement import Status
from grader.reporting import SummaryInput
from grader.rubric.model import Criterion, Rubric
from tests.factories import cell, evidence, marked

RUBRIC = Rubric(
    assignment="lab1",
    title="Lab 1",
    total=10,
    criteria=(
        Criterion(
            id="sum-of-cubes",
            title="The sum of cubes",
            points=4,
            hint="Call it with `3`: 36.",
            check=NoBuiltinShadowing(),
        ),
        Criterion(id="builtin-shadowing", title="No builtin as a name", points=2, check=NoBuiltinShadowing()),
        Criterion(id="explain", title="Why does it work?", points=4, check=Manual(prompt="-")),
    ),
)


def finding(criterion: str, points: float, **more: Any) -> Finding:
    """A finding whose status follows from its points, unless told otherwise."""
    out_of = next(line.points for line in RUBRIC.criteria if line.id == criterion)
    status = Status.PASS if points >= out_of else Status.PARTIAL if points > 0 else Status.FAIL
    fields = {"status": status, "message": "as it is", **more}
    return Finding(criterion=criterion, title=criterion, points=points, out_of=out_of, **fields)


def waiting(criterion: str, status: Status = Status.NEEDS_TA) -> Finding:
    out_of = next(line.points for line in RUBRIC.criteria if line.id == criterion)
    return finding(criterion, 0, status=status, pending=out_of)


def student(
    name: str,
    *findings: Finding,
    source: str = "",
    given: Mapping[str, tuple[float, str]] | None = None,
    late: LateLine | None = None,
    **more: Any,
) -> SummaryInput:
    """A submission of one cell with the findings given; criteria without one earn nothing silently."""
    verdict = Verdict(
        assignment="lab1",
        findings=findings,
        points=sum(each.points for each in findings),
        out_of=10,
        pending=sum(each.pending for each in findings),
    )
    fields = {"outcome": Outcome.COMPLETED, "mark": marked(verdict, given, late=late), **more}
    return SummaryInput(name, bundle=Bundle(evidence([cell(0, source)])), **fields)


def shadowing(*names: str, line: int = 1) -> Finding:
    used = Names(names=tuple(UsedName(name=name, cell=0, line=line) for name in names))
    return finding("builtin-shadowing", 0, exhibits=(used,), where=(Where(cell=0, line=line),))


def calls(*mistakes: str | None) -> tuple[Calls]:
    """What a check shows that calls a function, one call for each mistake."""
    made = tuple(Call(call="f(3)", state="wrong", mistake=mistake) for mistake in mistakes)
    return (Calls(function="f", groups=(CallGroup(name="hidden", weight=1.0, credit=0.0, calls=made),)),)

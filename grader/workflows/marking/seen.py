"""Refuses a mark whose author had something else on screen than what stands, and shows both."""

from __future__ import annotations

from grader.errors import OvertakenError, UsageError
from grader.grading.marks import CriterionMark, Decision
from grader.grading.seen import Seen, same_finding, seen_of
from grader.grading.times import in_words
from grader.grading.verdict import Finding, Verdict
from grader.store import History, Result

__all__ = ["refuse_overtaken", "seen_in"]


def seen_in(result: Result, mark: CriterionMark) -> Seen:
    """What whoever is shown this criterion of a judged result has on screen."""
    assert result.verdict_record is not None
    return seen_of(result.verdict_record.seq, mark)


def refuse_overtaken(
    history: History, result: Result, mark: CriterionMark, seen: Seen | None, *, actor: str, name: str
) -> None:
    """Lets a mark pass only where its author saw what stands.

    A newer verdict that says the same of the criterion, on the same file, is no other than the one seen.
    Who does not say what they saw replaces nobody else's mark.

    Args:
        history: To read in; within the transaction that gives the mark.
        result: Where the student's work stands.
        mark: What stands for the criterion.
        seen: What the author had on screen; None where they do not say.
        actor: Who gives the mark.
        name: What to call the student.

    Raises:
        OvertakenError: Something else stands; it tells both.
        UsageError: What is said to have been seen is not this student's.
    """
    stands = mark.decision
    if seen is None:
        if stands is not None and stands.by != actor:
            raise _overtaken(
                history, result, mark, name, f"{stands.by} has marked '{mark.criterion}' already", ""
            )
        return
    before = _finding_seen(history, result, mark.criterion, seen, name)
    if seen.mark != (stands.seq if stands else None):
        what = f"'{mark.criterion}' was marked otherwise meanwhile"
        raise _overtaken(history, result, mark, name, what, _seen_in_words(result, before, seen))
    if not _same_verdict(history, result, mark, before, seen):
        what = f"'{mark.criterion}' was judged otherwise meanwhile"
        raise _overtaken(history, result, mark, name, what, _seen_in_words(result, before, seen))


def _finding_seen(history: History, result: Result, criterion: str, seen: Seen, name: str) -> Finding | None:
    """What the verdict that was seen said of the criterion; None where it said nothing."""
    if result.verdict_record is not None and seen.verdict == result.verdict_record.seq:
        return _of(result.verdict, criterion)
    judged = history.judged(seen.verdict)
    if judged is None or (judged[0].student, judged[0].assignment) != (result.student, result.assignment):
        raise UsageError(
            f"{name}: row {seen.verdict} is no verdict on this student's {result.assignment}",
            expected="what `grader pending` or `grader show` printed beside this student",
            found=str(seen),
        )
    return _of(judged[1].readable, criterion)


def _of(verdict: Verdict | None, criterion: str) -> Finding | None:
    findings = verdict.findings if verdict else ()
    return next((item for item in findings if item.criterion == criterion), None)


def _same_verdict(
    history: History, result: Result, mark: CriterionMark, before: Finding | None, seen: Seen
) -> bool:
    assert result.verdict_record is not None
    if seen.verdict == result.verdict_record.seq:
        return True
    judged = history.judged(seen.verdict)
    same_file = judged is not None and judged[0].notebook == result.submission.notebook
    return same_file and same_finding(before, mark.finding)


def _overtaken(
    history: History, result: Result, mark: CriterionMark, name: str, what: str, seen: str
) -> OvertakenError:
    now = seen_in(result, mark)
    return OvertakenError(
        f"{name}: {what}",
        seen=seen,
        stands=_stands_in_words(history, result, mark),
        now=str(now),
    )


def _seen_in_words(result: Result, before: Finding | None, seen: Seen) -> str:
    if seen.mark is None:
        return _finding_in_words(before, seen.verdict)
    made = next((each for each in result.decisions if each.seq == seen.mark), None)
    return f"row {seen.mark}, which is no mark of it" if made is None else _decision_in_words(result, made)


def _stands_in_words(history: History, result: Result, mark: CriterionMark) -> str:
    if mark.decision is not None:
        return _decision_in_words(result, mark.decision)
    assert result.verdict_record is not None
    row = result.verdict_record.seq
    seal = history.seal(row)
    by = f", {seal.actor}, {in_words(seal.at, result.zone)}" if seal else ""
    return f"{_finding_in_words(mark.finding, row)}{by}"


def _finding_in_words(finding: Finding | None, row: int) -> str:
    if finding is None:
        return f"verdict {row}, which says nothing of it"
    waits = f", {finding.pending:g} waiting" if finding.pending else ""
    return (
        f"no mark; verdict {row}: {finding.status.value}, {finding.points:g} of {finding.out_of:g}{waits}:"
        f" {' '.join(finding.message.split())}"
    )


def _decision_in_words(result: Result, decision: Decision) -> str:
    points = "taken back" if decision.points is None else f"{decision.points:g} points"
    why = f": {' '.join(decision.why.split())}" if decision.why.strip() else ""
    return f"mark {decision.seq}: {points}, {decision.by}, {in_words(decision.at, result.zone)}{why}"

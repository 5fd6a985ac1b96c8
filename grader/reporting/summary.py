"""A class at a glance: how marks lie, what went wrong most, what waits, and which criteria behave oddly."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence.record import Outcome
from grader.grading.marks import CriterionMark, Mark
from grader.grading.points import add_up
from grader.grading.verdict import Finding
from grader.judging.judgement import Status
from grader.reporting.issues import Issue, common_issues
from grader.reporting.model import SummaryInput
from grader.reporting.text import count, number
from grader.rubric.model import Criterion, Rubric

__all__ = ["Bin", "ClassSummary", "CriterionLine", "Marks", "Standing", "summarise"]

_BINS = 10
_FEWEST_FOR_ODDITY = 5
_FEWEST_FOR_CORRELATION = 10
_SLOWEST = 3
_LEAST_REACH = 0.1
#: From this many on a criterion is odd already where all but one in twenty get nothing.
_MANY, _NEARLY_ALL = 20, 0.95


@dataclass(frozen=True)
class Bin:
    """Submissions with at least `low` and less than `high` points; the last bin includes its end."""

    low: float
    high: float
    students: int


@dataclass(frozen=True)
class Marks:
    """How the settled marks lie. All zero where none is settled.

    Attributes:
        judged: Submissions with a mark, settled or not.
        open: Those of them with points that wait for a TA; in no figure, since they can still change.
    """

    judged: int
    open: int = 0
    mean: float = 0.0
    median: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    lower_quartile: float = 0.0
    upper_quartile: float = 0.0
    bins: tuple[Bin, ...] = ()

    @property
    def settled(self) -> int:
        """Submissions that the figures are of."""
        return self.judged - self.open


@dataclass(frozen=True)
class CriterionLine:
    """How a class did on one criterion.

    Attributes:
        correct, partly, wrong, waiting: Submissions.
        mean_share: Mean part of the points among those settled, 0 to 1; None where none is.
        pending: Points that wait, over all submissions.
        odd: Why somebody should look at the criterion itself; empty where nothing is odd.
    """

    id: str
    title: str
    out_of: float
    correct: int
    partly: int
    wrong: int
    waiting: int
    mean_share: float | None
    pending: float
    odd: str = ""


@dataclass(frozen=True)
class Standing:
    """A submission that somebody should look at, and why."""

    student: str
    points: float
    pending: float
    why: str


@dataclass(frozen=True)
class ClassSummary:
    """What `summarise` found.

    Attributes:
        outcomes: How often each outcome occurred, the most common first.
        median_time_s: Of an attempt; None where no times are known.
        slowest: Students and seconds.
        remarks: Students whose remark requests wait for a decision.
        held: Submissions that could not be taken and that no person has decided on; in no figure.
        dropped: Submissions that a person took out of what counts; in nothing here.
        excused: Students who owe no work; in nothing here.
    """

    title: str
    assignment: str
    out_of: float
    submissions: int
    marks: Marks
    criteria: tuple[CriterionLine, ...]
    issues: tuple[Issue, ...]
    standings: tuple[Standing, ...]
    outcomes: tuple[tuple[Outcome, int], ...]
    median_time_s: float | None
    slowest: tuple[tuple[str, float], ...]
    remarks: tuple[str, ...] = ()
    held: int = 0
    dropped: int = 0
    excused: int = 0

    @property
    def waiting(self) -> tuple[CriterionLine, ...]:
        """Criteria that wait for TAs, those with most points first."""
        return tuple(sorted((line for line in self.criteria if line.pending), key=lambda line: -line.pending))

    @property
    def odd(self) -> tuple[CriterionLine, ...]:
        return tuple(line for line in self.criteria if line.odd)


def summarise(
    rubric: Rubric,
    results: Sequence[SummaryInput],
    *,
    thresholds: Sequence[float] = (0.5,),
    remarks: Sequence[str] = (),
    dropped: int = 0,
    excused: int = 0,
) -> ClassSummary:
    """Sums up all submissions of an assignment. Pure: equal inputs give equal summaries.

    Args:
        rubric: The assignment's; its criteria give order and titles.
        results: One for each student; those without a verdict or held count among outcomes only.
        thresholds: Parts of the whole mark that something depends on, such as passing, 0 to 1.
        remarks: Students whose remark requests are open, one entry for each request.
        dropped: How many a person took out of what counts, which are not among the results.
        excused: How many students owe no work, who are not among the results.
    """
    judged = [(result, result.mark) for result in results if result.mark is not None and not result.held]
    # A file that could not be read says nothing about any criterion; it is counted among the outcomes.
    readable = [each for each in judged if each[0].outcome is not Outcome.INVALID_SUBMISSION]
    times = sorted(
        (result.wall_time_s, result.student) for result in results if result.wall_time_s is not None
    )
    return ClassSummary(
        title=rubric.title,
        assignment=rubric.assignment,
        out_of=rubric.total,
        submissions=len(results),
        held=sum(result.held for result in results),
        dropped=dropped,
        excused=excused,
        marks=_marks([mark for _, mark in judged], rubric.total),
        criteria=tuple(_line(criterion, [mark for _, mark in readable]) for criterion in rubric.criteria),
        issues=common_issues(rubric, [result for result, _ in readable]),
        standings=_standings([(result.student, mark) for result, mark in judged], rubric.total, thresholds),
        outcomes=tuple(sorted(Counter(result.outcome for result in results).items(), key=_by_count)),
        median_time_s=statistics.median(seconds for seconds, _ in times) if times else None,
        slowest=tuple((student, seconds) for seconds, student in times[::-1][:_SLOWEST]),
        remarks=tuple(remarks),
    )


def _by_count(entry: tuple[Outcome, int]) -> tuple[int, str]:
    return -entry[1], entry[0].value


def _marks(marks: Sequence[Mark], out_of: float) -> Marks:
    points = [mark.points for mark in marks if not mark.pending]
    waiting = len(marks) - len(points)
    if not points:
        return Marks(judged=len(marks), open=waiting)
    # One mark has no quartiles of its own; twice the same mark has.
    lower, _, upper = statistics.quantiles([*points, *points][: max(2, len(points))], n=4, method="inclusive")
    return Marks(
        judged=len(marks),
        open=waiting,
        mean=statistics.fmean(points),
        median=statistics.median(points),
        lowest=min(points),
        highest=max(points),
        lower_quartile=lower,
        upper_quartile=upper,
        bins=_bins(points, out_of),
    )


def _bins(points: Sequence[float], out_of: float) -> tuple[Bin, ...]:
    width = (out_of or 1.0) / _BINS
    places = Counter(min(_BINS - 1, int(mark / width + 1e-9)) for mark in points)
    return tuple(Bin(i * width, (i + 1) * width, places[i]) for i in range(_BINS))


def _line(criterion: Criterion, marks: Sequence[Mark]) -> CriterionLine:
    found = [(mark, item) for mark in marks if (item := mark.criterion(criterion.id)) is not None]
    settled = [_settled(mark, item) for mark, item in found if not item.pending]
    shares = [share for share, _ in settled]
    line = CriterionLine(
        id=criterion.id,
        title=criterion.title,
        out_of=criterion.points,
        correct=sum(share >= 1 for share in shares),
        partly=sum(0 < share < 1 for share in shares),
        wrong=sum(share <= 0 for share in shares),
        waiting=len(found) - len(settled),
        mean_share=statistics.fmean(shares) if shares else None,
        pending=add_up(item.pending for _, item in found),
    )
    return CriterionLine(
        **{**vars(line), "odd": _oddity(criterion, line, [item.finding for _, item in found], settled)}
    )


def _settled(mark: Mark, item: CriterionMark) -> tuple[float, float]:
    """Part of the points that a student got, and the rest of the student's mark."""
    full = item.out_of
    share = item.points / full if full else float(item.finding.status is Status.PASS)
    return share, add_up((mark.points, -item.points))


def _oddity(
    criterion: Criterion,
    line: CriterionLine,
    findings: Sequence[Finding],
    settled: Sequence[tuple[float, float]],
) -> str:
    errors = sum(finding.status is Status.CHECK_ERROR for finding in findings)
    missing = sum(finding.status is Status.MISSING_EVIDENCE for finding in findings)
    unclear = sum(finding.status is Status.NEEDS_TA for finding in findings)
    if errors:
        return f"the check itself failed for {count(errors, 'submission')}"
    if missing:
        return f"not measured for {count(missing, 'submission')}: run them again"
    if len(settled) >= _FEWEST_FOR_ODDITY and line.wrong == len(settled):
        return "nobody gets any of it: is the rubric right?"
    if len(settled) >= _MANY and line.wrong >= _NEARLY_ALL * len(settled):
        return f"{line.wrong} of {len(settled)} get none of it: is the rubric right?"
    if (
        not criterion.check.by_a_person
        and len(findings) >= _FEWEST_FOR_ODDITY
        and 2 * unclear > len(findings)
    ):
        return f"the check cannot tell for {unclear} of {len(findings)}: is its section found?"
    if _correlation(settled) < -0.2:
        return "students with better marks do worse here"
    return ""


def _correlation(settled: Sequence[tuple[float, float]]) -> float:
    """Between the criterion and the rest of the mark; 0 where there are too few or no differences."""
    shares, rests = [share for share, _ in settled], [rest for _, rest in settled]
    if len(settled) < _FEWEST_FOR_CORRELATION or len(set(shares)) == 1 or len(set(rests)) == 1:
        return 0.0
    return statistics.correlation(shares, rests)


def _standings(
    judged: Sequence[tuple[str, Mark]], out_of: float, thresholds: Sequence[float]
) -> tuple[Standing, ...]:
    """Far from the others, or near a threshold; the lowest first.

    While points wait, a mark is a range: what it can still become tells whether anything is settled.
    """
    low, high = _fences([mark.points for _, mark in judged if not mark.pending], out_of)
    near = max(0.5, 0.02 * out_of)
    found = []
    for student, mark in judged:
        best = add_up((mark.points, mark.pending))
        why = ["far below the others"] if best < low else []
        why += ["far above the others"] if mark.points > high else []
        why += [
            f"near {number(100 * threshold)} % ({number(threshold * out_of)} points)"
            for threshold in thresholds
            if not mark.pending and abs(mark.points - threshold * out_of) <= near
        ]
        if why:
            found.append(Standing(student, mark.points, mark.pending, ", ".join(why)))
    return tuple(sorted(found, key=lambda standing: (standing.points, standing.student)))


def _fences(points: Sequence[float], out_of: float) -> tuple[float, float]:
    """Tukey's fences of settled marks, a tenth of the points wide at least, since many marks are equal.

    There are no bounds where there are too few to speak of others.
    """
    if len(points) < _FEWEST_FOR_ODDITY:
        return -math.inf, math.inf
    lower, _, upper = statistics.quantiles(points, n=4, method="inclusive")
    reach = max(1.5 * (upper - lower), _LEAST_REACH * out_of)
    return lower - reach, upper + reach

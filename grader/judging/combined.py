"""Several checks as one question: what each of them says, and what follows from all of it.

What a part earns for certain and what it may earn at most are two numbers, equal where it is settled. Of
several ways the best counts, of several needs the worst; where that comes to one number, it is settled
whatever is open elsewhere, and else a person looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, get_args

from pydantic import Field, SerializeAsAny

from grader.evidence.plan import Probe
from grader.facts.case import Case
from grader.judging.check import Check, Early
from grader.judging.exhibits import Exhibit, Pair, Shown
from grader.judging.judgement import Judgement, Status
from grader.judging.nothing import whole_training_needed

__all__ = ["Combined", "all_count", "one_counts"]

#: Where a part that is settled leaves no more to earn, or nothing to lose.
_SETTLED = (Status.PASS, Status.PARTIAL, Status.FAIL)


class Combined(Check):
    """Base of the kinds that judge by several checks.

    Attributes:
        of: The checks, each with its own keys.
    """

    nested: ClassVar[tuple[str, ...]] = ("of",)

    of: tuple[SerializeAsAny[Check], ...] = Field(min_length=2)

    def probes(self) -> tuple[Probe, ...]:
        return tuple(probe for check in self.of for probe in check.probes())

    def tells_early(self) -> Early:
        """As little as the part that may tell the least."""
        return min((check.tells_early() for check in self.of), key=get_args(Early).index)

    def watches(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for check in self.of for name in check.watches()))

    def shows(self, case: Case) -> tuple[Shown, ...]:
        return tuple(shown for check in self.of for shown in check.shows(case))

    def section_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for check in self.of for name in check.section_names()))

    def parts(self) -> tuple[Check, ...]:
        return tuple(part for check in self.of for part in check.parts())

    def judged(self, case: Case) -> list[Judgement]:
        """What each check says by itself; one that raises is our fault and stops none of the others."""
        return [_judged(check, case) for check in self.of]


def _judged(check: Check, case: Case) -> Judgement:
    if check.needs_full_training and case.training_was_cut:
        return whole_training_needed()
    try:
        return check.judge(replace(case, watched=check.watches()))
    except Exception as error:
        return Judgement.check_failed(check.check, error)


def one_counts(said: Sequence[Judgement]) -> Judgement:
    """Of several ways to earn the points, the best."""
    passed = next((judgement for judgement in said if judgement.status is Status.PASS), None)
    if passed is not None:
        return passed
    none = "Neither of the two ways is there" if len(said) == 2 else f"None of the {len(said)} ways is there"
    return _together(said, max, none, f"One of {len(said)} ways is enough, and none is certain")


def all_count(said: Sequence[Judgement]) -> Judgement:
    """Of several things that are all needed, the worst."""
    right = [judgement for judgement in said if judgement.status is Status.PASS]
    if len(right) == len(said):
        return _of_all(right[0], said, " ".join(_once(judgement.message for judgement in said)))
    counted = f"{len(right)} of {len(said)} {'is' if len(right) == 1 else 'are'} right"
    head = f"{counted}, and {'both' if len(said) == 2 else 'all'} are needed"
    return _together(said, min, head, head)


def _together(
    said: Sequence[Judgement], choose: Callable[[Iterable[float]], float], settled: str, unsettled: str
) -> Judgement:
    """The judgement where not all passed, and none settles it by passing.

    Args:
        said: What the parts came to.
        choose: ``max`` or ``min``, of what they earn.
        settled: What to say first where nothing is open.
        unsettled: What to say first where something is.
    """
    least, most = choose(map(_least, said)), choose(map(_most, said))
    sure = [judgement for judgement in said if judgement.status in _SETTLED]
    deciding = next((judgement for judgement in sure if judgement.share == least), None)
    if least == most and deciding is not None:
        return _of_all(deciding, said, _told(settled, said, sure))
    message = _told(unsettled, said, said)
    broken = [judgement for judgement in said if judgement.status is Status.CHECK_ERROR]
    if broken:
        return broken[0].model_copy(update=_shown(said))
    if any(judgement.status is Status.MISSING_EVIDENCE for judgement in said):
        return Judgement.missing(message, **_shown(said))
    why = " ".join(_once(judgement.open for judgement in said))
    return Judgement.needs_ta(message, open=why, share=least, open_share=most - least, **_shown(said))


def _least(judgement: Judgement) -> float:
    """What a part earns for certain."""
    return judgement.share if judgement.status in (*_SETTLED, Status.NEEDS_TA) else 0.0


def _most(judgement: Judgement) -> float:
    """What a part earns once it is settled in the student's favour."""
    if judgement.status in _SETTLED:
        return judgement.share
    return judgement.share + judgement.open_share if judgement.status is Status.NEEDS_TA else 1.0


def _of_all(deciding: Judgement, said: Sequence[Judgement], message: str) -> Judgement:
    """The deciding part's judgement, which stands on what that part knew, with what the others show."""
    return deciding.model_copy(update={"message": message, **_shown(said)})


def _shown(said: Sequence[Judgement]) -> dict[str, Any]:
    """Places, exhibits and advice of all, those first that did not pass."""
    ordered = sorted(said, key=lambda judgement: judgement.status is Status.PASS)
    return {
        "where": tuple(dict.fromkeys(place for judgement in ordered for place in judgement.where)),
        "exhibits": _exhibits(ordered),
        "advice": next((judgement.advice for judgement in ordered if judgement.advice), ""),
    }


def _exhibits(said: Sequence[Judgement]) -> tuple[Exhibit, ...]:
    """Each once. Of several pairs of expected and found none: one alone would pass for the whole."""
    once: list[Exhibit] = []
    for exhibit in (each for judgement in said for each in judgement.exhibits):
        if exhibit not in once:
            once.append(exhibit)
    pairs = sum(isinstance(exhibit, Pair) for exhibit in once)
    return tuple(exhibit for exhibit in once if pairs < 2 or not isinstance(exhibit, Pair))


def _told(head: str, said: Sequence[Judgement], of: Sequence[Judgement]) -> str:
    """What those of them say that did not pass, each with its place among all; once what all say."""
    if len(same := _once(judgement.message for judgement in said)) == 1:
        return same[0]
    told = [
        (place, judgement.message)
        for place, judgement in enumerate(said, 1)
        if judgement.status is not Status.PASS and any(judgement is each for each in of)
    ]
    if len(told) == 1:
        return f"{head}. {told[0][1]}"
    return f"{head}. {' '.join(f'({place}) {message}' for place, message in told)}"


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))

"""What checks of photos share: what they say where there are none, and how they say how many are right."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.photos import PhotoSet
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.photos import photos_of, whole
from grader.judging.exhibits import PhotoNote, PhotoNotes
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["judged", "photos_or", "wanting"]


def photos_or(case: Case) -> Known[PhotoSet] | Judgement:
    """The photos, or the judgement where the attempt is one of a notebook."""
    photos = photos_of(case)
    if isinstance(photos, Unknown):
        return Judgement.missing("This attempt holds no photos; `grader photos check` looks at them.")
    return photos


def wanting(photos: PhotoSet, there: int, of: int) -> list[PartFinding]:
    """A part for each photo that was asked for and is not there: wrong where all files were looked at."""
    seen: Fact[bool] = whole(photos)
    missing = range(there, of)
    if isinstance(seen, Unknown):
        return [
            PartFinding.waits(f"photo {number + 1}", "", open=f"It is not known: {seen.why}.")
            for number in missing
        ]
    return [PartFinding.wrong(f"photo {number + 1}", "", on=seen) for number in missing]


def judged(
    parts: Sequence[PartFinding], message: str, notes: Sequence[PhotoNote], looked_at: int, advice: str = ""
) -> Judgement:
    """The judgement on photos as parts, in words of its own and with notes on single photos."""
    shown = PhotoNotes(looked_at=looked_at, notes=tuple(notes))
    found = judge_parts(parts)
    return found.model_copy(update={"message": message, "exhibits": (shown,), "advice": advice})

"""What checks of photos share: what they say where there are none, and how they say how many are right."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from grader.evidence.photos import Photo, PhotoSet
from grader.facts.case import Case
from grader.facts.known import Fact, Unknown
from grader.facts.photos import openable, photos_of, whole
from grader.judging.check import Check
from grader.judging.exhibits import PhotoNote, PhotoNotes
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["PhotoCheck", "each_photo", "judged"]


class PhotoCheck(Check):
    """Base of the kinds that judge photos."""

    of_photos: ClassVar[bool] = True

    def judge(self, case: Case) -> Judgement:
        photos = photos_of(case)
        if isinstance(photos, Unknown):
            return Judgement.missing("This attempt holds no photos; `grader photos check` looks at them.")
        return self.judge_photos(photos.value)

    @abstractmethod
    def judge_photos(self, photos: PhotoSet) -> Judgement:
        """Judges what is known of the photos; an attempt that is one of a notebook does not come here."""


def each_photo(photos: PhotoSet, of: int, judge: Callable[[Photo], PartFinding]) -> list[PartFinding]:
    """A part for each photo, opened or not, and for each that was asked for and is not there.

    Args:
        photos: What was handed in.
        of: How many were asked for.
        judge: Judges a photo that was opened.
    """
    there = openable(photos)
    unopened = "A photo was not opened by the service."
    parts = [
        judge(photo) if photo.state == "read" else PartFinding.waits(photo.name, "", open=unopened)
        for photo in there
    ]
    return [*parts, *_wanting(photos, len(there), of)]


def _wanting(photos: PhotoSet, there: int, of: int) -> list[PartFinding]:
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

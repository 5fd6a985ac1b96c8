"""What looks odd on photos: a hint for a person, never a verdict."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.checks.photos.shown import judged, photos_or, wanting
from grader.evidence.photos import Photo
from grader.facts.case import Case
from grader.facts.photos import Hint, Limits, hints_of, looked_at, usual_number
from grader.judging.check import Check
from grader.judging.exhibits import PhotoNote
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding

__all__ = ["PhotoHints"]

_LIMITS = Limits()
#: Whose a picture is, and what was done to it: nothing that a page tells a student before a person has
# looked.
_ORIGIN = frozenset({"own_double", "another_double", "known", "edited"})


class PhotoHints(Check):
    """Looks for what is odd on photos, and gives each odd one to a TA; nothing is ever taken off by itself.

    A photo on which nothing was noticed earns its share. With `together` the points are not shared out: where
    one photo is odd, all of them wait. Photos that were asked for and are not there earn nothing.

    What can be looked for: `blurred`, `dark`, `bright`; `background`, which is not plain at the left, upper
    or right edge; `hand`, which does not stand out, is small or lies aside; `own_double`, that looks like
    another of the student's own; `another_double`, that looks like one of another student; `known`, that the
    course knew before; `edited`, by its metadata, by parts that were compressed otherwise, or by parts that
    repeat.

    Fields: `look_for`, from that list; `of`, how many photos were asked for; `together`; and from where on a
    measure is odd, each with its usual value.
    """

    example: ClassVar[str] = """\
- id: plain-background
  title: A centred hand before a plain wall
  points: 2
  check: photo_hints
  look_for: [background, hand]
  of: 27
"""

    of_photos: ClassVar[bool] = True

    check: Literal["photo_hints"] = "photo_hints"
    look_for: tuple[
        Literal[
            "blurred",
            "dark",
            "bright",
            "background",
            "hand",
            "own_double",
            "another_double",
            "known",
            "edited",
        ],
        ...,
    ] = Field(min_length=1)
    of: int = Field(ge=1)
    together: bool = False
    sharpness: float = _LIMITS.sharpness
    brightness: float = _LIMITS.brightness
    bright: float = _LIMITS.bright
    wall_spread: float = _LIMITS.wall_spread
    wall_edges: float = _LIMITS.wall_edges
    aside: float = _LIMITS.aside
    smallest: float = _LIMITS.smallest
    error_levels: float = _LIMITS.error_levels
    cloned: float = _LIMITS.cloned

    @property
    def limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})

    def judge(self, case: Case) -> Judgement:
        photos = photos_or(case)
        if isinstance(photos, Judgement):
            return photos
        there = [photo for photo in photos.value.photos if photo.state != "unreadable"]
        number = usual_number(photos.value)
        odd = {photo.name: self._odd(photo, number) for photo in there}
        read = looked_at(photos.value)
        parts = [
            PartFinding.waits(photo.name, "", open=self._why(photo, odd[photo.name]))
            if odd[photo.name] or photo.state == "not_read"
            else PartFinding.right(photo.name, "", on=read)
            for photo in there
        ]
        parts += wanting(photos.value, len(there), self.of)
        notes = [_note(photo, hint) for photo in there for hint in odd[photo.name]]
        found = judged(parts, self._message(len(read.value), sum(map(bool, odd.values()))), notes, len(there))
        waits = any(part.on is None for part in parts)
        if self.together and waits:
            return found.model_copy(update={"share": 0.0, "open_share": found.share + found.open_share})
        return found

    def _odd(self, photo: Photo, number: str) -> list[Hint]:
        wanted = [hint for hint in hints_of(photo, self.limits, number) if hint.about in self.look_for]
        return wanted if photo.state == "read" else []

    def _why(self, photo: Photo, odd: list[Hint]) -> str:
        if photo.state == "not_read":
            return "A photo was not opened by the service."
        if any(hint.about in _ORIGIN for hint in odd):
            return "Where a picture comes from, only a person can say."
        return "Whether that matters, only a person can say."

    def _message(self, read: int, odd: int) -> str:
        if set(self.look_for) <= _ORIGIN:
            return f"{read} of {self.of} photos were looked at; {odd or 'none'} for a person to see."
        asked = ", ".join(word for word in self.look_for if word not in _ORIGIN)
        return f"{read} of {self.of} photos were looked at for: {asked}. {odd or 'None'} may be so."


def _note(photo: Photo, hint: Hint) -> PhotoNote:
    return PhotoNote(photo=photo.name, about=hint.about, text=hint.text, for_ta=hint.about in _ORIGIN)

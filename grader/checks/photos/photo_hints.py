"""What looks odd on photos: a hint for a person, never a verdict."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.evidence.photos import Photo, PhotoSet
from grader.facts.photos import Hint, HintName, Limits, hints_of, looked_at, openable, usual_number
from grader.judging.exhibits import PhotoNote
from grader.judging.judgement import Judgement
from grader.judging.photos import PhotoCheck, each_photo, judged
from grader.judging.shares import PartFinding

__all__ = ["PhotoHints"]

_LIMITS = Limits()
#: Whose a picture is, and what was done to it: nothing that a page tells a student before a person has
# looked.
_ORIGIN = frozenset({"own_double", "another_double", "known", "edited"})


class PhotoHints(PhotoCheck):
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

    check: Literal["photo_hints"] = "photo_hints"
    look_for: tuple[HintName, ...] = Field(min_length=1)
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

    def judge_photos(self, photos: PhotoSet) -> Judgement:
        read, number = looked_at(photos), usual_number(photos)
        odd = {photo.name: self._odd(photo, number) for photo in read.value}

        def judge(photo: Photo) -> PartFinding:
            if hints := odd[photo.name]:
                return PartFinding.waits(photo.name, "", open=_why(hints))
            return PartFinding.right(photo.name, "", on=read)

        parts = each_photo(photos, self.of, judge)
        notes = [_note(photo, hint) for photo in read.value for hint in odd[photo.name]]
        message = self._message(len(read.value), sum(map(bool, odd.values())))
        found = judged(parts, message, notes, len(openable(photos)))
        waits = any(part.on is None for part in parts)
        if self.together and waits:
            return found.model_copy(update={"share": 0.0, "open_share": found.share + found.open_share})
        return found

    def _odd(self, photo: Photo, number: str) -> list[Hint]:
        return [hint for hint in hints_of(photo, self.limits, number) if hint.about in self.look_for]

    def _message(self, read: int, odd: int) -> str:
        if set(self.look_for) <= _ORIGIN:
            return f"{read} of {self.of} photos were looked at; {odd or 'none'} for a person to see."
        asked = ", ".join(word for word in self.look_for if word not in _ORIGIN)
        return f"{read} of {self.of} photos were looked at for: {asked}. {odd or 'None'} may be so."


def _why(odd: list[Hint]) -> str:
    if any(hint.about in _ORIGIN for hint in odd):
        return "Where a picture comes from, only a person can say."
    return "Whether that matters, only a person can say."


def _note(photo: Photo, hint: Hint) -> PhotoNote:
    return PhotoNote(photo=photo.name, about=hint.about, text=hint.text, for_ta=hint.about in _ORIGIN)

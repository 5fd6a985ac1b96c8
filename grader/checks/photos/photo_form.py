"""Whether photos have the form and the names that were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from grader.evidence.photos import Photo, PhotoSet
from grader.facts.fields import Regex
from grader.facts.photos import looked_at, openable
from grader.judging.exhibits import PhotoNote
from grader.judging.judgement import Judgement
from grader.judging.photos import PhotoCheck, each_photo, judged
from grader.judging.shares import PartFinding

__all__ = ["PhotoForm"]


class PhotoForm(PhotoCheck):
    """Looks at each photo's size, kind of file, colours and name; each photo is a share of the points.

    Sizes are those of the upright picture, and the kind of file is what the bytes are, whatever the name
    says. Photos that were asked for and are not there earn nothing. One that cannot be opened is no photo;
    one that the service did not open goes to a TA.

    Fields: `width` and `height` in pixels, with so many more or fewer as `tolerance` says; `formats`, as
    `JPEG`, `PNG`, `HEIF`; `mode`, as `RGB`; `named`, a regular expression for the file's name; `of`, how many
    photos were asked for. What is left out is not looked at.
    """

    example: ClassVar[str] = """\
- id: size
  title: JPEG files of 224 x 224 pixels in colour
  points: 1
  check: photo_form
  width: 224
  height: 224
  formats: [JPEG]
  mode: RGB
  of: 27
"""

    check: Literal["photo_form"] = "photo_form"
    width: int | None = Field(default=None, ge=1)
    height: int | None = Field(default=None, ge=1)
    tolerance: int = Field(default=0, ge=0)
    formats: tuple[str, ...] = ()
    mode: str | None = None
    named: Regex | None = None
    of: int = Field(ge=1)

    @model_validator(mode="after")
    def _asks_for_something(self) -> PhotoForm:
        if not (self.width or self.height or self.formats or self.mode or self.named):
            raise ValueError("give width, height, formats, mode or named")
        return self

    def judge_photos(self, photos: PhotoSet) -> Judgement:
        there, read = openable(photos), looked_at(photos)
        notes = [note for photo in read.value for note in self._odd(photo)]
        odd = {note.photo for note in notes}

        def judge(photo: Photo) -> PartFinding:
            make = PartFinding.wrong if photo.name in odd else PartFinding.right
            return make(photo.name, "", on=read)

        parts = each_photo(photos, self.of, judge)
        wrong, asked = len(odd), self._asked()
        message = f"{len(read.value) - wrong} of {max(self.of, len(there))} photos are as asked: {asked}."
        if wrong:
            message += f" {wrong} {'is' if wrong == 1 else 'are'} not, as {_first(notes)}."
        return judged(parts, message, notes, len(there))

    def _asked(self) -> str:
        size = f"{self.width or 'any'} x {self.height or 'any'} pixels" if self.width or self.height else ""
        more = f" ({self.tolerance} more or fewer)" if size and self.tolerance else ""
        named = f"named as `{self.named}`" if self.named else ""
        return ", ".join(
            part for part in ("/".join(self.formats), f"{size}{more}", self.mode or "", named) if part
        )

    def _odd(self, photo: Photo) -> Iterator[PhotoNote]:
        name = PurePosixPath(photo.name).name
        if not (self._near(photo.width, self.width) and self._near(photo.height, self.height)):
            asked = f"{self.width or photo.width} x {self.height or photo.height}"
            yield _note(photo, "size", f"it has {photo.width} x {photo.height} pixels, not {asked}")
        if self.formats and photo.format not in self.formats:
            yield _note(photo, "kind", f"it is {photo.format}, not {' or '.join(self.formats)}")
        if self.mode and photo.mode != self.mode:
            yield _note(photo, "colours", f"its colours are {photo.mode}, not {self.mode}")
        if self.named and not re.fullmatch(self.named, name):
            yield _note(photo, "name", f"its name is `{name}`")

    def _near(self, found: int, asked: int | None) -> bool:
        return asked is None or abs(found - asked) <= self.tolerance


def _note(photo: Photo, about: str, text: str) -> PhotoNote:
    return PhotoNote(photo=photo.name, about=about, text=text, certain=True)


def _first(notes: list[PhotoNote]) -> str:
    first = notes[0]
    return f"`{PurePosixPath(first.photo).name}`: {first.text}"

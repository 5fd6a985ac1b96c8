"""How many photos of each letter there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from grader.evidence.photos import PhotoSet
from grader.facts.known import Unknown
from grader.facts.photos import Counted, counted, letter_of, looked_at, whole
from grader.judging.exhibits import PhotoNote
from grader.judging.judgement import Judgement
from grader.judging.photos import PhotoCheck, judged
from grader.judging.shares import PartFinding

__all__ = ["PhotoCount"]


class PhotoCount(PhotoCheck):
    """Counts the photos of each letter: different pictures that can be opened, as many as were asked for.

    The letter is taken from the file's name or from its folder. Each picture that was asked for is a share of
    the points. The same picture twice counts once, what cannot be opened does not count, and more than were
    asked for costs nothing. A photo whose letter nobody can tell, or that the service did not open, goes to a
    TA where a letter lacks one.

    Fields: `letters`, each a capital; `each`, pictures of each of them.
    """

    example: ClassVar[str] = """\
- id: all-letters
  title: Three photos of each letter
  points: 3
  check: photo_count
  letters: ABCDEFGHI
  each: 3
"""

    check: Literal["photo_count"] = "photo_count"
    letters: str = Field(pattern="^[A-Z]+$")
    each: int = Field(ge=1, le=100)

    def judge_photos(self, photos: PhotoSet) -> Judgement:
        found = counted(photos, self.letters)
        there = sum(min(found.sure.get(letter, 0), self.each) for letter in self.letters)
        parts = [part for letter in self.letters for part in self._parts(photos, found, letter)]
        return judged(parts, self._message(found, there), list(_notes(found)), len(photos.photos))

    def _parts(self, photos: PhotoSet, found: Counted, letter: str) -> Iterator[PartFinding]:
        sure = found.sure.get(letter, 0)
        may_be = found.doubtful.get(letter, 0) + len(found.anywhere)
        complete = whole(photos)
        for take in range(1, self.each + 1):
            name = f"{letter} {take}"
            if isinstance(complete, Unknown) and take > sure:
                yield PartFinding.waits(name, "", open=f"It is not known: {complete.why}.")
            elif take <= sure:
                # What was counted is there, whatever else was not looked at.
                yield PartFinding.right(name, "", on=looked_at(photos))
            elif take <= sure + may_be:
                yield PartFinding.waits(
                    name, "", open="A photo whose letter is not known may be one of them."
                )
            else:
                assert not isinstance(complete, Unknown)
                yield PartFinding.wrong(name, "", on=complete)

    def _message(self, found: Counted, there: int) -> str:
        asked = self.each * len(self.letters)
        short = [
            f"{letter} has {found.sure.get(letter, 0)}"
            for letter in self.letters
            if found.sure.get(letter, 0) < self.each
        ]
        doubles, broken = len(found.doubles), len(found.unreadable)
        lines = [
            f"{there} of {asked} photos are there: {self.each} of each letter were asked for.",
            f"Fewer than {self.each}: {', '.join(short)}." if short else "",
            f"{doubles} {_are(doubles, 'shows', 'show')} what another one shows, pixel by pixel."
            if doubles
            else "",
            f"{broken} cannot be opened." if broken else "",
        ]
        return " ".join(line for line in lines if line)


def _are(count: int, one: str, more: str) -> str:
    return one if count == 1 else more


def _notes(found: Counted) -> Iterator[PhotoNote]:
    for photo in found.unreadable:
        yield PhotoNote(
            photo=photo.name, about="unreadable", text=f"it cannot be opened: {photo.why}", certain=True
        )
    for photo in found.doubles:
        text = "it shows pixel by pixel what another one of them shows"
        yield PhotoNote(photo=photo.name, about="double", text=text, certain=True)
    for photo in found.others:
        yield PhotoNote(photo=photo.name, about="letter", text="this letter was not asked for", certain=True)
    for photo in found.anywhere:
        letter = letter_of(photo)
        why = letter.why if isinstance(letter, Unknown) else photo.why
        yield PhotoNote(photo=photo.name, about="letter", text=f"its letter is not known: {why}")

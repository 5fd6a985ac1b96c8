"""What the record of a set of photos says: how many of each letter there are, and what looks odd on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.evidence.photos import Alike, Looks, Photo, PhotoSet
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown

__all__ = [
    "Counted",
    "Hint",
    "HintName",
    "Limits",
    "counted",
    "hints_of",
    "letter_of",
    "looked_at",
    "openable",
    "photos_of",
    "usual_number",
    "whole",
]

#: What may look odd on a photo, by the words of a rubric.
HintName = Literal[
    "blurred", "dark", "bright", "background", "hand", "own_double", "another_double", "known", "edited"
]  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """From where on a measure is odd (see `evidence.photos.Looks`).

    Attributes:
        sharpness: Less is blurred.
        brightness: A median that is less is dark.
        bright: A larger share of white pixels is too bright.
        wall_spread, wall_edges: More is no plain wall.
        aside: The hand's middle lies farther from the picture's, as a share of its sides.
        smallest: A hand that covers less of the picture.
        error_levels, cloned: More may be edited.
    """

    sharpness: float = 0.36
    brightness: float = 0.3
    bright: float = 0.6
    wall_spread: float = 12.0
    wall_edges: float = 0.03
    aside: float = 0.2
    smallest: float = 0.04
    error_levels: float = 4.0
    cloned: float = 0.012


#: An arm comes from below, so that the middle of what stands out lies lower than the hand's.
_LOWER = 0.1


@dataclass(frozen=True)
class Hint:
    """Something odd on a photo, in a clause; what it means a person has to see."""

    about: str
    text: str


@dataclass(frozen=True)
class Counted:
    """Photos of the letters that were asked for.

    Attributes:
        sure: Different pictures of each letter.
        doubtful: Of each letter those that may be one: not read by us.
        anywhere: Pictures whose letter nobody can tell.
        unreadable: Photos that cannot be opened.
        doubles: Photos that show just what another one of the student's shows, pixel by pixel.
        others: Pictures of letters that were not asked for.
    """

    sure: Mapping[str, int]
    doubtful: Mapping[str, int]
    anywhere: tuple[Photo, ...]
    unreadable: tuple[Photo, ...]
    doubles: tuple[Photo, ...]
    others: tuple[Photo, ...]


def photos_of(case: Case) -> Fact[PhotoSet]:
    """The photos of the attempt; unknown where it is one of a notebook."""
    found = case.evidence.photos
    return Unknown("this attempt holds no photos") if found is None else Known(found)


def whole(photos: PhotoSet) -> Fact[bool]:
    """Whether all that was handed in was looked at."""
    if photos.cut:
        return Unknown("not all files that were handed in could be looked at")
    return Known(True)


def letter_of(photo: Photo) -> Fact[str]:
    """Which letter a photo is of, by its name or its folder, which must not say different things."""
    said = {photo.letter_of_name, photo.letter_of_folder} - {""}
    if not said:
        return Unknown("neither its name nor its folder says a letter")
    if len(said) > 1:
        return Unknown(f"its name says {photo.letter_of_name}, its folder {photo.letter_of_folder}")
    return Known(said.pop())


def openable(photos: PhotoSet) -> tuple[Photo, ...]:
    """All but those that cannot be opened."""
    return tuple(photo for photo in photos.photos if photo.state != "unreadable")


def looked_at(photos: PhotoSet) -> Known[tuple[Photo, ...]]:
    """The photos that could be opened."""
    return Known(tuple(photo for photo in photos.photos if photo.state == "read"))


def counted(photos: PhotoSet, letters: Sequence[str]) -> Counted:
    """Counts different pictures of each letter; the same one twice is one."""
    seen: set[str] = set()
    sure: dict[str, int] = defaultdict(int)
    doubtful: dict[str, int] = defaultdict(int)
    anywhere, unreadable, doubles, others = [], [], [], []
    for photo in photos.photos:
        letter = letter_of(photo)
        if photo.state == "unreadable":
            unreadable.append(photo)
        elif photo.state == "read" and photo.pixels in seen:
            doubles.append(photo)
        elif isinstance(letter, Unknown):
            anywhere.append(photo)
        elif letter.value not in letters:
            others.append(photo)
        elif photo.state == "not_read":
            doubtful[letter.value] += 1
        else:
            sure[letter.value] += 1
        seen.add(photo.pixels)
    return Counted(sure, doubtful, tuple(anywhere), tuple(unreadable), tuple(doubles), tuple(others))


def usual_number(photos: PhotoSet) -> str:
    """The student number that most names hold; empty where none does."""
    numbers = Counter(photo.number_of_name for photo in photos.photos if photo.number_of_name)
    return numbers.most_common(1)[0][0] if numbers else ""


def hints_of(photo: Photo, limits: Limits, number: str = "") -> tuple[Hint, ...]:
    """All that looks odd on a photo that was opened.

    Args:
        photo: One of those handed in.
        limits: From where on a measure is odd.
        number: That the names of most of the student's photos hold.
    """
    if photo.looks is None:
        return ()
    named = photo.number_of_name
    other = [Hint("another_double", f"its name holds the number {named}, not {number}")]
    return (
        *_light(photo.looks, limits),
        *_scene(photo.looks, limits),
        *_origin(photo, limits),
        *(other if named and number and named != number else ()),
    )


# Asked the other way round, so that a measure that is no number is odd too.


def _light(looks: Looks, limits: Limits) -> Iterator[Hint]:
    if not looks.sharpness >= limits.sharpness:
        told = f"sharpness {looks.sharpness:.2f}, usual from {limits.sharpness:g}"
        yield Hint("blurred", f"it looks blurred: {told}")
    if not looks.brightness >= limits.brightness:
        told = f"brightness {looks.brightness:.2f}, usual from {limits.brightness:g}"
        yield Hint("dark", f"it looks dark: {told}")
    if not looks.bright <= limits.bright:
        yield Hint("bright", f"{looks.bright:.0%} of it is white, usual up to {limits.bright:.0%}")


def _scene(looks: Looks, limits: Limits) -> Iterator[Hint]:
    if not (looks.wall_spread <= limits.wall_spread and looks.wall_edges <= limits.wall_edges):
        yield Hint("background", "the background looks uneven at the left, upper or right edge")
    hand = looks.hand
    if hand is None:
        # In the dark nothing stands out, which was said already.
        if not looks.brightness < limits.brightness:
            yield Hint("hand", "no hand stands out from the background")
        return
    if not hand.area >= limits.smallest:
        yield Hint("hand", f"the hand is small: {hand.area:.1%} of the picture")
    elif not (abs(hand.x - 0.5) <= limits.aside and abs(hand.y - 0.5) <= limits.aside + _LOWER):
        middle = f"{hand.x:.0%} from the left, {hand.y:.0%} from above"
        yield Hint("hand", f"the hand lies aside: its middle at {middle}")


def _origin(photo: Photo, limits: Limits) -> Iterator[Hint]:
    named = {"own": "own_double", "another": "another_double", "known": "known"}
    for whose, about in named.items():
        alike = [each for each in photo.alike if each.whose == whose]
        # What is equal pixel by pixel is counted once already.
        if alike and not (whose == "own" and alike[0].how != "shows"):
            yield Hint(about, _like(alike[0]))
    assert photo.looks is not None
    editing = photo.looks.editing
    if _edits(editing.software):
        yield Hint("edited", f"its metadata name {editing.software}")
    # A blurred picture has no detail and no noise of its own to tell parts by, and was said to be blurred.
    if not photo.looks.sharpness >= limits.sharpness:
        return
    if not editing.error_levels <= limits.error_levels:
        yield Hint(
            "edited", f"a part of it was compressed otherwise than the rest ({editing.error_levels:.1f})"
        )
    if not editing.cloned <= limits.cloned:
        yield Hint("edited", f"{editing.cloned:.1%} of it repeats another part, noise included")


def _like(alike: Alike) -> str:
    ways = {
        "bytes": "is the same file as",
        "pixels": "shows pixel by pixel the same as",
        "shows": "looks like",
    }
    whose = {"own": alike.picture, "another": "one of another student", "known": "one that the course knew"}
    mirrored = ", mirrored" if alike.mirrored else ""
    return f"it {ways[alike.how]} {whose[alike.whose]}{mirrored}"


#: Programs in which pictures are changed; phones name their own systems in the same field.
_EDITORS = (
    "photoshop",
    "gimp",
    "snapseed",
    "lightroom",
    "pixelmator",
    "affinity",
    "paint",
    "facetune",
    "canva",
    "krita",
)


def _edits(software: str) -> bool:
    return any(editor in software.lower() for editor in _EDITORS)

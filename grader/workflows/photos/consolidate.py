"""`grader photos consolidate`: chooses, cuts and splits photos; still by name, within the collection."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.checks.photos.photo_count import PhotoCount
from grader.errors import UsageError
from grader.evidence.photos import Photo, PhotoSet
from grader.facts.known import Unknown
from grader.facts.photos import counted, letter_of
from grader.files.named import read_bytes, read_json
from grader.files.tabular import read_table
from grader.files.whole import write_whole
from grader.intake.identity import normalise_id
from grader.judging.exhibits import PhotoNotes, exhibit_of
from grader.photos.apart import Apart
from grader.photos.dataset import Candidate, balanced, linked, split_people
from grader.photos.packages import require_packages
from grader.photos.prepare import Steps, steps_for
from grader.store import Store
from grader.store.results import Result
from grader.workflows.photos.collection import Folder
from grader.workflows.photos.decisions import Word, read_decisions
from grader.workflows.views.show import find_results

__all__ = ["Consolidated", "Excluded", "Included", "consolidate", "read_consent", "read_consolidated"]

_FILE = "consolidated.json"
#: People are drawn anew where a part would have no photo of some letter.
_MOST_DRAWN = 100


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Included(_Plain):
    """A photo of the data set.

    Attributes:
        path: Below the folder.
        original: Digest of the photo as it was handed in.
        sha256: Of what was written.
        steps: What was done to it.
    """

    student: str
    photo: str
    letter: str
    split: str
    path: str
    original: str
    sha256: str
    steps: Steps


class Excluded(_Plain):
    """A photo that is not in the data set, and why."""

    student: str
    photo: str
    reason: str


class Consolidated(_Plain):
    """What came of it; it names students, so that it stays in the collection's folder.

    Attributes:
        students: Who handed in photos.
        consenting: Who of them agreed that their photos are used.
        seed: By which people were drawn, and photos left out for balance.
    """

    assignment: str
    letters: str
    size: int
    seed: int
    students: tuple[str, ...]
    consenting: tuple[str, ...]
    included: tuple[Included, ...]
    excluded: tuple[Excluded, ...]

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many photos are left out for each reason, the most frequent first."""
        return dict(Counter(each.reason for each in self.excluded).most_common())


def read_consent(path: Path) -> dict[str, bool]:
    """Who agreed: a CSV file with the columns student and consent, yes or no.

    Raises:
        UsageError: It cannot be read, or a row says neither.
    """
    words = {"yes": True, "y": True, "1": True, "true": True, "no": False, "n": False, "0": False, "": False}
    words["false"] = False
    found = {}
    for line, row in read_table(path, required=("student", "consent")):
        word = row["consent"].casefold()
        if word not in words:
            raise UsageError(
                "this is no consent", where=f"{path}:{line}", expected="yes or no", found=row["consent"]
            )
        found[normalise_id(row["student"])] = words[word]
    return found


def read_consolidated(folder: Folder) -> Consolidated:
    """What `consolidate` wrote.

    Raises:
        UsageError: It wrote nothing yet.
    """
    path = folder.consolidated / _FILE
    if not path.is_file():
        raise UsageError(
            "nothing was consolidated in this folder yet",
            where=str(folder.root),
            todo=f"grader photos consolidate {folder.root} --consent consent.csv",
        )
    try:
        return Consolidated.model_validate(read_json(path))
    except ValidationError as error:
        raise UsageError(
            "this file was changed", where=str(path), found=str(error).splitlines()[0]
        ) from error


@dataclass(frozen=True)
class _Person:
    """One student's photos as they stand."""

    student: str
    photos: PhotoSet
    noticed: Mapping[str, str]
    """What may be so of a photo, by its name: in a word."""


def consolidate(
    store: Store,
    folder: Folder,
    assignment: str,
    consent: Mapping[str, bool],
    *,
    size: int = 224,
    shares: Mapping[str, float],
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Consolidated:
    """Chooses what is good enough and agreed to, brings hands to the middle, and splits by person.

    A photo on which something was noticed is left out until a person accepts it. An earlier consolidation is
    replaced.

    Args:
        store: Where the verdicts are.
        folder: Of the collection.
        assignment: That the photos are of.
        consent: Who agreed; who is not named did not.
        size: Side of the pictures.
        shares: Of people in ``val`` and ``test``.
        seed: Of what is drawn; of later ones the first that gives each part each letter.
        tell: Told how many of how many photos are written.

    Raises:
        UsageError: Too few people, or a letter without photos in one of the parts.
    """
    require_packages()
    people = [_person(store, result) for result in find_results(store, assignment)]
    letters = _letters(store, assignment)
    decided = read_decisions(folder)
    photos = {(each.student, photo.name): photo for each in people for photo in each.photos.photos}
    reasons = {
        (each.student, name): reason
        for each in people
        for name, reason in _reasons(each, letters, decided, consent.get(each.student, False))
    }
    candidates = [
        Candidate(student, _letter(photo), name)
        for (student, name), photo in photos.items()
        if (student, name) not in reasons
    ]
    groups = linked({each.person for each in candidates}, _pairs(people))
    parts, kept, seed = _drawn(candidates, groups, shares, letters, seed)
    reasons |= dict.fromkeys(
        ((each.person, each.name) for each in set(candidates) - set(kept)), "more than of the rarest letter"
    )
    if folder.consolidated.exists():
        shutil.rmtree(folder.consolidated)
    included = tuple(_write(folder, kept, photos, parts, size, tell))
    made = Consolidated(
        assignment=assignment,
        letters=letters,
        size=size,
        seed=seed,
        students=tuple(each.student for each in people),
        consenting=tuple(each.student for each in people if consent.get(each.student, False)),
        included=included,
        excluded=tuple(
            Excluded(student=who, photo=name, reason=why) for (who, name), why in sorted(reasons.items())
        ),
    )
    write_whole(folder.consolidated / _FILE, made.model_dump_json(indent=1).encode() + b"\n")
    return made


def _drawn(
    candidates: Sequence[Candidate],
    groups: Sequence[Sequence[str]],
    shares: Mapping[str, float],
    letters: str,
    seed: int,
) -> tuple[dict[str, str], list[Candidate], int]:
    """Parts of people, photos, and the first seed from the given one on with every letter in every part."""
    for tried in range(seed, seed + _MOST_DRAWN):
        parts = split_people(groups, shares, tried)
        try:
            return parts, balanced(candidates, parts, letters, tried), tried
        except UsageError as error:
            lacking = error
    raise lacking


def _person(store: Store, result: Result) -> _Person:
    evidence = None if result.attempt is None else store.evidence(result.attempt).evidence
    photos = PhotoSet() if evidence is None or evidence.photos is None else evidence.photos
    noticed: dict[str, str] = {}
    for item in result.mark.criteria if result.mark else ():
        notes = exhibit_of(item.finding.exhibits, PhotoNotes)
        for note in notes.notes if notes else ():
            if not note.certain and note.about != "letter":
                noticed.setdefault(note.photo, note.about.replace("_", " "))
    return _Person(result.student, photos, noticed)


def _letters(store: Store, assignment: str) -> str:
    rubric = store.newest_rubric(assignment).rubric
    asked = [item.check.letters for item in rubric.criteria if isinstance(item.check, PhotoCount)]
    if not asked:
        raise UsageError(
            "the rubric says no letters", where=assignment, expected="a criterion with photo_count"
        )
    return asked[0]


def _letter(photo: Photo) -> str:
    letter = letter_of(photo)
    assert not isinstance(letter, Unknown)
    return letter.value


def _reasons(
    person: _Person, letters: str, decided: Mapping[tuple[str, str], Word], agreed: bool
) -> Iterator[tuple[str, str]]:
    """Photos that are left out, each with one reason."""
    doubles = {photo.name for photo in counted(person.photos, letters).doubles}
    for photo in person.photos.photos:
        letter, word = letter_of(photo), decided.get((person.student, photo.name))
        if not agreed:
            yield photo.name, "no consent"
        elif photo.state != "read":
            yield photo.name, "could not be opened"
        elif isinstance(letter, Unknown) or letter.value not in letters:
            yield photo.name, "its letter is not known, or was not asked for"
        elif photo.name in doubles:
            yield photo.name, "the same picture twice"
        elif word == "doubt":
            yield photo.name, "a person doubts it"
        elif photo.name in person.noticed and word != "accept":
            yield photo.name, f"noticed, and not accepted by a person: {person.noticed[photo.name]}"


def _pairs(people: Sequence[_Person]) -> list[tuple[str, str]]:
    """Students of whom one handed in a picture that is like another's."""
    owner = {
        photo.sha256[:16]: each.student for each in people for photo in each.photos.photos if photo.sha256
    }
    return [
        (each.student, owner[alike.picture])
        for each in people
        for photo in each.photos.photos
        for alike in photo.alike
        if alike.whose == "another" and alike.picture in owner
    ]


def _write(
    folder: Folder,
    kept: Sequence[Candidate],
    photos: Mapping[tuple[str, str], Photo],
    parts: Mapping[str, str],
    size: int,
    tell: Callable[[int, int], None],
) -> Iterator[Included]:
    takes: Counter[tuple[str, str]] = Counter()
    with Apart() as reader:
        for number, each in enumerate(kept, 1):
            photo, split = photos[each.person, each.name], parts[each.person]
            takes[each.person, each.letter] += 1
            who = hashlib.sha256(each.person.encode()).hexdigest()[:12]
            path = f"{split}/{each.letter}/{who}_{each.letter}_{takes[each.person, each.letter]}.jpg"
            steps = steps_for(photo, size=size)
            made = reader.prepare(read_bytes(folder.photo(photo.sha256)), steps)
            write_whole(folder.consolidated / path, made)
            tell(number, len(kept))
            yield Included(
                student=each.person,
                photo=each.name,
                letter=each.letter,
                split=split,
                path=path,
                original=photo.sha256,
                sha256=hashlib.sha256(made).hexdigest(),
                steps=steps,
            )

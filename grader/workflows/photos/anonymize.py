"""`grader photos anonymize` and `card`: the data set that may be given away, and what it says of itself."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.errors import ServiceError, UsageError
from grader.files.named import read_bytes, read_json, write_text
from grader.files.whole import write_whole
from grader.photos.clean import what_else
from grader.photos.dataset import SPLITS
from grader.workflows.photos.collection import Folder
from grader.workflows.photos.consolidate import Consolidated, read_consolidated

__all__ = ["Card", "anonymize", "card_text", "verify", "write_card"]

_FILE, _CARD = "dataset.json", "CARD.md"
#: Shorter names turn up among the bytes of pictures by chance.
_LEAST_IN_PICTURES, _LEAST_IN_TEXT = 6, 3


class Card(BaseModel):
    """What a data set says of itself; nothing in it leads to a name.

    Attributes:
        size: Side of the pictures in pixels.
        people: By part.
        excluded: Photos that were handed in and left out, by reason.
        steps: What was done to every picture, in words.
        files: Digest of each picture, by its path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: int = 1
    letters: str
    size: int
    people: dict[str, int]
    handed_in_by: int
    consenting: int
    excluded: dict[str, int]
    steps: tuple[str, ...]
    files: dict[str, str]

    def count(self, split: str, letter: str) -> int:
        return sum(path.startswith(f"{split}/{letter}/") for path in self.files)


def anonymize(folder: Folder, out: Path) -> Card:
    """Writes what was consolidated under codes that are drawn by chance and kept nowhere.

    People have other codes with every call, and their order says nothing. Pictures were written from pixels
    alone; each is looked into once more, and all that is written is searched for the names of students.

    Args:
        folder: Of the collection.
        out: A new or empty folder outside it.

    Raises:
        UsageError: `out` holds something, or a consolidated picture was changed.
        ServiceError: Something that may name a student was found; nothing is left in `out`.
    """
    made = read_consolidated(folder)
    _require_new(out, folder)
    drawing = secrets.SystemRandom()
    people = sorted({each.student for each in made.included})
    drawing.shuffle(people)
    width = len(str(len(people)))
    codes = {student: f"p{number:0{width}d}" for number, student in enumerate(people, 1)}
    rows = list(made.included)
    drawing.shuffle(rows)
    takes: Counter[tuple[str, str]] = Counter()
    files: dict[str, bytes] = {}
    for each in rows:
        raw = read_bytes(folder.consolidated / each.path)
        if hashlib.sha256(raw).hexdigest() != each.sha256:
            where = str(folder.consolidated / each.path)
            raise UsageError("this picture was changed", where=where, todo="grader photos consolidate again")
        takes[each.student, each.letter] += 1
        name = f"{codes[each.student]}_{each.letter}_{takes[each.student, each.letter]}.jpg"
        files[f"{each.split}/{each.letter}/{name}"] = raw
    card = _card(made, files)
    names = _names(folder, made)
    _require_clean(files, card, names)
    for path, raw in files.items():
        write_whole(out / path, raw)
    write_text(out / _FILE, card.model_dump_json(indent=1) + "\n")
    _same_time(out)
    return card


def _require_new(out: Path, folder: Folder) -> None:
    inside = out.resolve().is_relative_to(folder.root.resolve())
    if inside or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UsageError(
            "the data set needs a folder of its own",
            where=str(out),
            expected="a new or empty folder outside that of the collected photos",
        )


def _card(made: Consolidated, files: Mapping[str, bytes]) -> Card:
    people = {split: len({each.student for each in made.included if each.split == split}) for split in SPLITS}
    return Card(
        letters=made.letters,
        size=made.size,
        people=people,
        handed_in_by=len(made.students),
        consenting=len(made.consenting),
        excluded=dict(made.reasons),
        steps=(
            "turned upright as the file's orientation asks",
            "cut to a square about the hand, as large as the photo allows without cutting the hand",
            f"resized to {made.size} x {made.size} pixels (Lanczos)",
            "written as JPEG (quality 95, no subsampling of colours) from pixels alone, without any metadata",
            "split by person, people drawn by chance; as many photos of each letter within a part",
        ),
        files={path: hashlib.sha256(raw).hexdigest() for path, raw in sorted(files.items())},
    )


def _names(folder: Folder, made: Consolidated) -> set[str]:
    """All that may name a student: ids, names, parts of both, and the names of their files."""
    found: set[str] = set()
    for each in folder.read().students:
        found |= {each.student, each.name, *each.student.split("_"), *each.name.split()}
        found |= {Path(each.path).stem}
    return {name.casefold() for name in (*found, *made.students) if len(name) >= _LEAST_IN_TEXT}


def _require_clean(files: Mapping[str, bytes], card: Card, names: Iterable[str]) -> None:
    for path, raw in files.items():
        other = what_else(raw)
        if other:
            raise ServiceError("a picture holds more than pixels", where=path, found=other)
    texts = card.model_dump_json().casefold()
    for name in names:
        long = len(name) >= _LEAST_IN_PICTURES
        raws = (raw for raw in files.values() if long and name.encode() in raw.lower())
        if name in texts or any(True for _ in raws):
            raise ServiceError(
                "the data set would hold what may name a student",
                found=f"a text of {len(name)} characters that is some student's id or name",
                todo="nothing was written; consolidate again, or report it",
            )


def _same_time(out: Path) -> None:
    """Times of files would tell in which order they were made."""
    for path in sorted(out.rglob("*"), reverse=True):
        os.utime(path, (0, 0))


def verify(out: Path) -> Card:
    """Reads a data set's own description, and makes sure that all of it is so.

    Raises:
        UsageError: It is no data set, a file is missing, changed or too much, or a picture holds metadata.
    """
    try:
        card = Card.model_validate(read_json(out / _FILE))
    except ValidationError as error:
        raise UsageError(
            "this is no data set's description", where=str(out / _FILE), found=str(error).splitlines()[0]
        ) from error
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {_FILE, _CARD}
    for path in sorted(there ^ set(card.files)):
        raise UsageError(
            "a file is too much" if path in there else "a file is missing", where=str(out / path)
        )
    for path, digest in card.files.items():
        raw = read_bytes(out / path)
        if hashlib.sha256(raw).hexdigest() != digest or what_else(raw):
            raise UsageError("this picture was changed", where=str(out / path), found=what_else(raw) or None)
    return card


def write_card(out: Path) -> Path:
    """Writes the card of a data set that was verified.

    Raises:
        UsageError: As `verify`.
    """
    write_text(out / _CARD, card_text(verify(out)))
    return out / _CARD


def card_text(card: Card) -> str:
    """The card in Markdown: what is in the data set, what is not and why, and how it came about."""
    letters = list(card.letters)
    rows = [
        f"| {split} | {card.people[split]} | {' | '.join(str(card.count(split, each)) for each in letters)} |"
        f" {sum(path.startswith(f'{split}/') for path in card.files)} |"
        for split in SPLITS
    ]
    whole = hashlib.sha256("".join(f"{path}\n{each}\n" for path, each in sorted(card.files.items())).encode())
    return _TEMPLATE.format(
        photos=len(card.files),
        first=letters[0],
        last=letters[-1],
        size=card.size,
        heads=" | ".join(letters),
        rule="---|" * (len(letters) + 3),
        rows="\n".join(rows),
        people=card.handed_in_by,
        consenting=card.consenting,
        excluded="\n".join(f"- {count}: {reason}" for reason, count in card.excluded.items()) or "- nothing",
        steps="\n".join(f"{number}. {step}" for number, step in enumerate(card.steps, 1)),
        file=_FILE,
        digest=whole.hexdigest(),
    )


_TEMPLATE = """\
# Gesture photos

{photos} photos of right hands that sign the letters {first} to {last}, {size} x {size} pixels, RGB. Folders
are `train`, `val` and `test`, each with a folder for each letter (ImageFolder). A file is named by person,
letter and take; a person is in one part only.

| part | people | {heads} | photos |
|{rule}
{rows}

## Consent

{people} students handed in photos, and {consenting} agreed that theirs are used; photos of others are not
in it. People's codes were drawn by chance and kept nowhere, so that nobody can be taken out afterwards:
that takes a new version.

## What was left out

{excluded}

## What was done

{steps}

## What to know

No file holds metadata, and no file or folder a name or number of a student. A hand may still be known to
somebody who knows it, and what is written on a wall stays written. What a program took for blurred, dark,
uneven behind, off the middle, copied or edited is in it only where a person accepted it, so that these
photos are cleaner than what a camera gives. How skin tones are spread was neither asked nor measured.

## Hashes

SHA-256 of each picture is in `{file}`; of all paths and digests in order: `{digest}`.
"""

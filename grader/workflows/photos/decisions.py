"""`grader photos decide`: what a person said of single photos, and the marks that follow from it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.checks.photos.photo_hints import PhotoHints
from grader.errors import UsageError
from grader.evidence.photos import Photo, PhotoSet
from grader.facts.known import Unknown
from grader.facts.photos import letter_of
from grader.files.named import write_text
from grader.files.tabular import read_table
from grader.judging.exhibits import PhotoNotes, exhibit_of
from grader.rubric.problems import nearest
from grader.store import Store
from grader.store.results import Result
from grader.workflows.marking.marks import Marked, MarkOrder, give_marks
from grader.workflows.marking.seen import seen_in
from grader.workflows.photos.collection import Folder
from grader.workflows.views.show import find_result

__all__ = ["Word", "decide", "read_decisions", "tags_of", "words_for"]

Word = Literal["accept", "doubt"]
_COLUMNS = ("student", "photo", "decision", "by")
#: Begins the comment of each mark that comes of decisions on photos.
_LOOKED_AT = "looked at by a person:"


def tags_of(photos: PhotoSet) -> dict[str, Photo]:
    """Photos by what a person calls them: ``A2`` for the second of A, ``?1`` where no letter is known."""
    tags: dict[str, Photo] = {}
    counted: dict[str, int] = {}
    for photo in photos.photos:
        letter = letter_of(photo)
        name = "?" if isinstance(letter, Unknown) else letter.value
        counted[name] = counted.get(name, 0) + 1
        tags[f"{name}{counted[name]}"] = photo
    return tags


def words_for(accept: str, doubt: str) -> dict[str, Word]:
    """What is said of which tags, given as ``A1,B2``.

    Raises:
        UsageError: Nothing is said, or two things of one photo.
    """
    accepted, doubted = ({tag.strip().upper() for tag in tags.split(",")} - {""} for tags in (accept, doubt))
    if accepted & doubted:
        raise UsageError(f"both is said of {', '.join(sorted(accepted & doubted))}")
    if not accepted | doubted:
        raise UsageError("nothing is said of any photo", expected="--accept A1,A2 or --doubt B3, or both")
    words: dict[str, Word] = {}
    words |= dict.fromkeys(sorted(accepted), "accept")
    words |= dict.fromkeys(sorted(doubted), "doubt")
    return words


def read_decisions(folder: Folder) -> dict[tuple[str, str], Word]:
    """What people said, by student and the photo's name.

    Raises:
        UsageError: The table cannot be read.
    """
    if not folder.decisions.is_file():
        return {}
    found: dict[tuple[str, str], Word] = {}
    for line, row in read_table(folder.decisions, required=_COLUMNS[:3], optional=_COLUMNS[3:]):
        if row["decision"] not in ("accept", "doubt"):
            where = f"{folder.decisions}:{line}"
            raise UsageError(
                "this is no decision", where=where, expected="accept or doubt", found=row["decision"]
            )
        found[row["student"], row["photo"]] = "accept" if row["decision"] == "accept" else "doubt"
    return found


@dataclass(frozen=True)
class _Row:
    student: str
    photo: str
    decision: str
    by: str


def decide(
    store: Store,
    folder: Folder,
    assignment: str,
    student: str,
    words: Mapping[str, Word],
    *,
    actor: str,
) -> list[Marked]:
    """Keeps what a person said of photos, and marks each criterion of which all odd photos are decided.

    An accepted photo earns its share. Where points stand together, one doubted photo leaves them waiting:
    what that is worth only a person can say.

    Args:
        store: Where the history is.
        folder: Of the collection.
        assignment: That the photos are of.
        student: Whose.
        words: By tag, as on the contact sheet.
        actor: Who says so.

    Raises:
        UsageError: Nobody is called so, or has no such photo.
        RefusedError: A mark cannot be given.
    """
    result = find_result(store, student, assignment)
    photos = _photos(store, result)
    tags = tags_of(photos)
    for tag in words:
        if tag not in tags:
            raise UsageError(f"{student} has no photo '{tag}'{nearest(tag, tags)}")
    known = read_decisions(folder)
    known |= {(result.student, tags[tag].name): word for tag, word in words.items()}
    _write(folder, known, actor, {(result.student, tags[tag].name) for tag in words})
    mine = {name: word for (who, name), word in known.items() if who == result.student}
    orders = list(_orders(store, result, mine))
    return give_marks(store, assignment, orders, actor=actor) if orders else []


def _photos(store: Store, result: Result) -> PhotoSet:
    photos = None if result.attempt is None else store.evidence(result.attempt).evidence.photos
    if photos is None:
        raise UsageError(f"{result.student} has no photos", todo="grader photos check PHOTOS")
    return photos


def _write(
    folder: Folder, decided: Mapping[tuple[str, str], Word], actor: str, new: Iterable[tuple[str, str]]
) -> None:
    before = {}
    if folder.decisions.is_file():
        rows = read_table(folder.decisions, required=_COLUMNS[:3], optional=_COLUMNS[3:])
        before = {(row["student"], row["photo"]): row["by"] for _, row in rows}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    by = before | dict.fromkeys(new, actor)
    writer.writerows([*key, word, by.get(key, "")] for key, word in sorted(decided.items()))
    write_text(folder.decisions, buffer.getvalue())


def _orders(store: Store, result: Result, words: Mapping[str, Word]) -> Iterable[MarkOrder]:
    """A mark for each criterion that waits for nothing but photos on which a person has decided."""
    if result.mark is None or result.rubric is None:
        return
    checks = {item.id: item.check for item in store.rubric(result.rubric).rubric.criteria}
    for item in result.mark.criteria:
        check, notes = checks.get(item.criterion), exhibit_of(item.finding.exhibits, PhotoNotes)
        if not isinstance(check, PhotoHints) or notes is None or not item.finding.pending or item.earlier:
            continue
        odd = sorted({note.photo for note in notes.notes})
        doubted = [name for name in odd if words.get(name) == "doubt"]
        waits = not odd or any(name not in words for name in odd) or _unread(store, result)
        if waits or (check.together and doubted):
            continue
        earned = item.finding.points + item.finding.pending * (len(odd) - len(doubted)) / len(odd)
        # The table of photos is everybody's, so a mark that came of it may follow the next word in it.
        of_photos = item.decision is not None and item.decision.why.startswith(_LOOKED_AT)
        seen = seen_in(result, item) if of_photos else None
        yield MarkOrder(result.student, item.criterion, round(earned, 2), _comment(odd, doubted), seen=seen)


def _unread(store: Store, result: Result) -> bool:
    photos = _photos(store, result)
    return photos.cut or any(photo.state == "not_read" for photo in photos.photos)


def _comment(odd: Sequence[str], doubted: Sequence[str]) -> str:
    named = f": {', '.join(doubted[:5])}" if doubted else ""
    return f"{_LOOKED_AT} {len(odd) - len(doubted)} photos accepted, {len(doubted)} not{named}"
